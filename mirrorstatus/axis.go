package mirrorstatus

import (
	"strconv"
	"time"
)

// Charts are drawn in units of which a narrow screen has about one for each
// pixel, so that their text can be read there.
const (
	chartWidth  = 360
	chartHeight = 132
	plotLeft    = 52
	plotRight   = chartWidth - 8
	plotTop     = 8
	plotBottom  = chartHeight - 20
)

// axis is the time that a chart goes over.
type axis struct {
	from, to time.Time
	by       Range
}

func newAxis(now time.Time, r Range) axis { return axis{now.Add(-r.long()), now, r} }

// x is where a time is; times outside are at the ends.
func (a axis) x(t time.Time) float64 {
	part := float64(t.Sub(a.from)) / float64(a.to.Sub(a.from))
	return plotLeft + min(1, max(0, part))*(plotRight-plotLeft)
}

func (a axis) has(t time.Time) bool { return !t.Before(a.from) && !t.After(a.to) }

// tick is a time with a name.
type tick struct {
	at   time.Time
	name string
}

// ticks are beginnings of days or months, few enough for a narrow screen.
func (a axis) ticks() (list []tick) {
	y, m, d := a.from.UTC().Date()
	if a.by == RangeYear {
		for i := 1; i <= 12; i += 3 {
			t := time.Date(y, m+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
			list = append(list, tick{t, t.Format("2006-01")})
		}
		return list
	}
	for i := 4; i < 30; i += 7 {
		t := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		list = append(list, tick{t, t.Format("01-02")})
	}
	return list
}

// buckets cuts the time into parts: days, or weeks of a year.
func (a axis) buckets() int {
	if a.by == RangeYear {
		return 52
	}
	return 30
}

// bucket is the part that a time is in.
func (a axis) bucket(t time.Time) int {
	n := a.buckets()
	return min(n-1, int(float64(t.Sub(a.from))/float64(a.to.Sub(a.from))*float64(n)))
}

// num writes a coordinate with at most one decimal.
func num(v float64) string {
	return strconv.FormatFloat(float64(int64(v*10+0.5))/10, 'f', -1, 64)
}

package page

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes a whole number with separators between the thousands.
func (w *Words) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + w.Thousands + s[i:]
	}
	return sign + s
}

// Size writes a number of bytes for people, in binary units (IEC 80000-13) with
// three digits or so.
func (w *Words) Size(bytes int64) string {
	if bytes < 1<<10 {
		return w.Number(bytes) + " B"
	}
	v, unit := float64(bytes), 0
	const units = "KMGTPE"
	for v >= 1023.5 || unit == 0 {
		v /= 1 << 10
		unit++
	}
	decimals := 0
	if v < 9.995 {
		decimals = 2
	} else if v < 99.95 {
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	return strings.Replace(s, ".", w.Decimal, 1) + " " + units[unit-1:unit] + "iB"
}

// Percent writes a share: "50 %", "0.4 %"; "" for none.
func (w *Words) Percent(share float64) string {
	switch p := share * 100; {
	case !(p > 0): // NaN, too
		return ""
	case p < 0.1:
		return "< 0" + w.Decimal + "1 %"
	case p < 9.95:
		s := strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0")
		return strings.Replace(s, ".", w.Decimal, 1) + " %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

// When writes a time, nanoseconds since 1970, for people and for the datetime attribute; both empty for 0.
func When(ns int64) (people, machine string) {
	if ns == 0 {
		return "", ""
	}
	t := time.Unix(0, ns).UTC()
	return t.Format("2006-01-02 15:04 UTC"), t.Format(time.RFC3339)
}

// Distance writes kilometres; "" when they are not known.
func (w *Words) Distance(km float64) string {
	if !KnownKm(km) {
		return ""
	}
	return w.Number(Kilometres(km)) + " km"
}

// KnownKm reports whether a distance is one; NaN and the infinite are not.
func KnownKm(km float64) bool { return km >= 0 && km < 1e6 }

// Kilometres rounds a distance.
func Kilometres(km float64) int64 { return int64(math.Round(km)) }

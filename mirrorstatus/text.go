package mirrorstatus

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// percent writes a coverage so that only what is complete is 100 %, and only
// what is empty 0 %.
func (w words) percent(share float64) string {
	p := share * 100
	decimals := 0
	switch {
	case !(p > 0): // NaN, too
		return "0 %"
	case p >= 100:
		return "100 %"
	case p < 0.1:
		return w.Percent(share)
	case p < 10, p >= 99:
		decimals = 1
	}
	scale := math.Pow10(decimals)
	s := strconv.FormatFloat(math.Floor(p*scale)/scale, 'f', decimals, 64)
	return strings.Replace(strings.TrimSuffix(s, ".0"), ".", w.Decimal, 1) + " %"
}

// ago says how long ago something was; "" for the zero time.
func (w words) ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return w.AgoOf(now.Sub(t))
}

// millis writes how long an answer took.
func (w words) millis(d time.Duration) string {
	if d >= 10*time.Second {
		return w.Long(d)
	}
	return w.Number(max(1, d.Milliseconds())) + " ms"
}

// oneDecimal writes a number such as an average.
func (w words) oneDecimal(f float64) string {
	if f >= 100 {
		return w.Number(int64(math.Round(f)))
	}
	return strings.Replace(strconv.FormatFloat(f, 'f', 1, 64), ".", w.Decimal, 1)
}

// coordinates writes a place in degrees.
func coordinates(lat, lng float64) string {
	side := func(v float64, plus, minus string) string {
		if v < 0 {
			return fmt.Sprintf("%.2f° %s", -v, minus)
		}
		return fmt.Sprintf("%.2f° %s", v, plus)
	}
	return side(lat, "N", "S") + ", " + side(lng, "E", "W")
}

// upper makes the first letter a capital one.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

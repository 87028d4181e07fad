package mirrorlist

import (
	"strconv"
	"strings"
	"time"
)

// number writes a whole number with separators between the thousands.
func (m *Messages) number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + m.Thousands + s[i:]
	}
	return sign + s
}

// size writes a number of bytes for people, in binary units (IEC 80000-13) with
// three digits or so.
func (m *Messages) size(bytes int64) string {
	if bytes < 1<<10 {
		return m.number(bytes) + " B"
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
	return strings.Replace(s, ".", m.Decimal, 1) + " " + units[unit-1:unit] + "iB"
}

// percent writes a share: "50 %", "0.4 %"; "" for none.
func (m *Messages) percent(share float64) string {
	switch p := share * 100; {
	case !(p > 0): // NaN, too
		return ""
	case p < 0.1:
		return "< 0" + m.Decimal + "1 %"
	case p < 9.95:
		s := strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0")
		return strings.Replace(s, ".", m.Decimal, 1) + " %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

// when writes a time for people and for the datetime attribute; both empty for 0.
func when(ns int64) (people, machine string) {
	if ns == 0 {
		return "", ""
	}
	t := time.Unix(0, ns).UTC()
	return t.Format("2006-01-02 15:04 UTC"), t.Format(time.RFC3339)
}

package httpindex

import (
	"sort"
	"strconv"
	"strings"
)

// Index pages round sizes, each server by its own rule. Instead of inverting
// each rule, a dialect prints a size as the server does, and the smallest and
// largest size printed so are searched for: all rules are monotone.

// printed is a size as shown: a unit (0 bytes, 1 K, 2 M, ...) and a value in
// tenths of it.
type printed struct {
	unit   int
	tenths int64
}

func (p printed) less(q printed) bool {
	return p.unit < q.unit || p.unit == q.unit && p.tenths < q.tenths
}

// dialect prints a size as one server program does.
type dialect func(size int64) printed

// apache: up to 972 bytes as they are; then K, M, ... whenever the value would
// reach 973; below 10 with one decimal, rounded half up.
func apache(size int64) printed {
	if size < 973 {
		return printed{0, size * 10}
	}
	for unit := 1; ; unit++ {
		rest := size & 1023
		size >>= 10
		switch {
		case size >= 973:
		case size < 9 || size == 9 && rest < 973:
			return printed{unit, size*10 + (rest*5+256)/512}
		case rest >= 512:
			return printed{unit, (size + 1) * 10}
		default:
			return printed{unit, size * 10}
		}
	}
}

// nginx (autoindex_exact_size off): up to 9999 bytes as they are, then whole K,
// M and G, rounded half up.
func nginx(size int64) printed {
	round := func(shift uint) int64 { return (size + 1<<(shift-1)) >> shift * 10 }
	switch {
	case size > 1<<30-1:
		return printed{3, round(30)}
	case size > 1<<20-1:
		return printed{2, round(20)}
	case size > 9999:
		return printed{1, round(10)}
	}
	return printed{0, size * 10}
}

// lighttpd: always with a unit, the next one from 1000 on; the decimal is the
// rest (of 1024) in hundreds, at most 9; what is not empty is at least 0.1K.
func lighttpd(size int64) printed {
	if size > 0 && size < 100 {
		size = 100
	}
	for unit := 1; ; unit++ {
		rest := size & 1023
		size >>= 10
		if size < 1000 {
			return printed{unit, size*10 + min(rest/100, 9)}
		}
	}
}

// maxShown bounds the search; no file is larger.
const maxShown = 1<<62 - 1

// bounds finds the smallest and largest size that the dialect prints as p. ok
// is false when it prints nothing so.
func (d dialect) bounds(p printed) (lo, hi int64, ok bool) {
	lo = search(func(size int64) bool { return !d(size).less(p) })
	if d(lo) != p {
		return 0, 0, false
	}
	return lo, search(func(size int64) bool { return p.less(d(size)) }) - 1, true
}

// search is sort.Search over sizes.
func search(atLeast func(int64) bool) int64 {
	return int64(sort.Search(maxShown, func(i int) bool { return atLeast(int64(i)) }))
}

const units = "KMGTPE"

// parseSize reads a size as an index page shows it, "-" and the like not being
// sizes. A number without unit is exact.
func parseSize(text string) (p printed, exact, ok bool) {
	if text == "" || len(text) > 20 {
		return p, false, false
	}
	if unit := strings.IndexByte(units, text[len(text)-1]&^0x20); unit >= 0 {
		p.unit = unit + 1
		text = text[:len(text)-1]
	}
	whole, tenth, decimal := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 62)
	if err != nil || p.unit > 0 && n > 9999 || whole[0] == '+' {
		return p, false, false
	}
	if p.unit == 0 {
		return printed{0, int64(n)}, true, !decimal
	}
	p.tenths = int64(n) * 10
	if decimal {
		if len(tenth) != 1 || tenth[0] < '0' || tenth[0] > '9' {
			return p, false, false
		}
		p.tenths += int64(tenth[0] - '0')
	}
	return p, false, true
}

// sizeBounds gives the sizes that one of the dialects shows as text; ok is
// false when text is not a size or none of them prints it.
func sizeBounds(text string, dialects ...dialect) (lo, hi int64, ok bool) {
	p, exact, ok := parseSize(text)
	if !ok {
		return 0, 0, false
	}
	if exact {
		return p.tenths, p.tenths, true // parseSize gives bytes here
	}
	lo, hi, ok = 0, 0, false
	for _, d := range dialects {
		switch l, h, fits := d.bounds(p); {
		case !fits:
		case !ok:
			lo, hi, ok = l, h, true
		default:
			lo, hi = min(lo, l), max(hi, h)
		}
	}
	return lo, hi, ok
}

package autoindex

import (
	"cmp"
	"strings"
	"testing"
)

// slowNatural compares as the keys do, but as Apache's library defines it:
// character by character, runs of digits as wholes.
func slowNatural(a, b string, fold bool) int {
	for {
		a, b = strings.TrimLeft(a, " \t\n\v\f\r"), strings.TrimLeft(b, " \t\n\v\f\r")
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		if x, y := digitRun(a), digitRun(b); x != "" && y != "" {
			var c int
			if x[0] == '0' || y[0] == '0' {
				c = strings.Compare(x, y)
			} else if c = cmp.Compare(len(x), len(y)); c == 0 {
				c = strings.Compare(x, y)
			}
			if c != 0 {
				return c
			}
			a, b = a[len(x):], b[len(y):]
			continue
		}
		x, y := a[0], b[0]
		if fold {
			x, y = upper(x), upper(y)
		}
		if x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[1:], b[1:]
	}
}

func digitRun(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 32
	}
	return c
}

func TestNatural(t *testing.T) {
	t.Parallel()
	for _, ascending := range [][]string{
		{"1.001", "1.002", "1.010", "1.02", "1.1", "1.3"},
		{"1.001", "1.030", "1.04", "1.7", "1.7.2", "1.12"},
		{"pic01", "pic02", "pic02a", "pic02000", "pic05", "pic2", "pic3", "pic4", "pic 4 else", "pic 5", "pic 5 something", "pic 6", "pic   7", "pic100", "pic100a", "pic120", "pic121"},
		{"", "0", "00", "1", "9", "10", strings.Repeat("9", 300), "1" + strings.Repeat("0", 300)},
		{"a", "b", "z", "\x80", "\xff"},
		{"x-1", "x.1", "x1", "x:1"},
	} {
		for i := 1; i < len(ascending); i++ {
			if a, b := ascending[i-1], ascending[i]; compareNatural(a, b, false) >= 0 {
				t.Errorf("%.40q is not before %.40q", a, b)
			}
		}
	}
	if compareNatural("a 1", "a1", false) != 0 || compareNatural("aB", "Ab", true) != 0 || compareNatural("aB", "Ab", false) == 0 {
		t.Error("white space or case counts wrongly")
	}
}

// FuzzNatural compares the keys with the definition.
func FuzzNatural(f *testing.F) {
	for _, s := range [][2]string{{"1.030", "1.04"}, {"a 1", "a01"}, {"x\xff", "x1"}, {"10a", "1a0"}, {"a_", "aB"}} {
		f.Add(s[0], s[1], true)
	}
	f.Fuzz(func(t *testing.T, a, b string, fold bool) {
		if strings.ContainsRune(a+b, 0) { // no name has it
			return
		}
		if got, want := compareNatural(a, b, fold), slowNatural(a, b, fold); got != want {
			t.Errorf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

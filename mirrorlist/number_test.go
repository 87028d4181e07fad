package mirrorlist

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	m := English()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1,023 B", 1024: "1.00 KiB", 10 << 10: "10.0 KiB", 123 << 10: "123 KiB", 1<<20 - 1: "1.00 MiB",
		4_700_372_992: "4.38 GiB", math.MaxInt64: "8.00 EiB", -5: "-5 B",
	} {
		if got := m.size(n); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{1: "1", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := m.number(n); got != want {
			t.Errorf("number %d: got %s, want %s", n, got, want)
		}
	}
	for share, want := range map[float64]string{0: "", -1: "", 1: "100 %", 0.5: "50 %", 0.05: "5 %", 0.0123: "1.2 %", 0.0001: "< 0.1 %", 0.0999: "10 %"} {
		if got := m.percent(share); got != want {
			t.Errorf("share %v: got %q, want %q", share, got, want)
		}
	}
	if m.percent(math.NaN()) != "" || m.distance(math.NaN()) != "" || m.distance(-1) != "" || m.distance(math.Inf(1)) != "" || m.distance(1499.6) != "1,500 km" {
		t.Error("what is no number has words")
	}
	german := *m
	german.Thousands, german.Decimal = ".", ","
	if got := german.size(4_700_372_992) + " " + german.number(1000); got != "4,38 GiB 1.000" {
		t.Errorf("got %s", got)
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "é📦": "é📦", "a\nb\x7f": "a␊b␡", "\xff": "\ufffd", "a\u202eb": "a\ufffdb", "\u0085": "\ufffd", "\ufffe\U0001ffff": "\ufffd\ufffd",
	} {
		if got := readable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestCountries compares the codes with another's list of countries.
func TestCountries(t *testing.T) {
	t.Parallel()
	names := englishCountries()
	if len(names) != 250 || !slices.IsSorted(strings.Split(strings.TrimSpace(countriesEnglish), "\n")) {
		t.Errorf("%d countries, or not in order", len(names))
	}
	if distinct := slices.Compact(slices.Sorted(maps.Values(names))); len(distinct) != len(names) {
		t.Error("two countries have one name")
	}
	for code, name := range names {
		r, err := language.ParseRegion(code)
		if err != nil || !r.IsCountry() || r.Canonicalize() != r || len(code) != 2 || name == "" {
			t.Errorf("%s %q: %v", code, name, err)
		}
	}
	if englishCountry("de") != "Germany" || englishCountry("q<") != "Q<" || englishCountry("") != "" {
		t.Error("names of countries")
	}
}

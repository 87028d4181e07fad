package page

import (
	"maps"
	"math"
	"slices"
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
		if got := m.Size(n); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{1: "1", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := m.Number(n); got != want {
			t.Errorf("number %d: got %s, want %s", n, got, want)
		}
	}
	for share, want := range map[float64]string{0: "", -1: "", 1: "100 %", 0.5: "50 %", 0.05: "5 %", 0.0123: "1.2 %", 0.0001: "< 0.1 %", 0.0999: "10 %"} {
		if got := m.Percent(share); got != want {
			t.Errorf("share %v: got %q, want %q", share, got, want)
		}
	}
	if m.Percent(math.NaN()) != "" || m.Distance(math.NaN()) != "" || m.Distance(-1) != "" || m.Distance(math.Inf(1)) != "" || m.Distance(1499.6) != "1,500 km" {
		t.Error("what is no number has words")
	}
	german := *m
	german.Thousands, german.Decimal = ".", ","
	if got := german.Size(4_700_372_992) + " " + german.Number(1000); got != "4,38 GiB 1.000" {
		t.Errorf("got %s", got)
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "é📦": "é📦", "a\nb\x7f": "a␊b␡", "\xff": "\ufffd", "a\u202eb": "a\ufffdb", "\u0085": "\ufffd", "\ufffe\U0001ffff": "\ufffd\ufffd",
	} {
		if got := Readable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestCountries compares the codes with another's list of countries.
func TestCountries(t *testing.T) {
	t.Parallel()
	names := English().countries
	if len(names) != 250 || len(german().countries) != 250 {
		t.Errorf("%d countries", len(names))
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
	for code, want := range map[string][2]string{"de": {"DE", "Germany"}, "DE": {"DE", "Germany"}, "q<": {"Q<", "Q<"}, "": {}} {
		if letters, name := English().Country(code); letters != want[0] || name != want[1] {
			t.Errorf("%s: got %s %s", code, letters, name)
		}
	}
}

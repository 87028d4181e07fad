package geoip

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

// TestContinentsAreComplete holds the table against the list of countries in
// golang.org/x/text.
func TestContinentsAreComplete(t *testing.T) {
	t.Parallel()
	// Codes that x/text takes for countries but that ISO 3166-1 withdrew or only reserves.
	reserved := strings.Fields("ac cp cq dg ea ic ta an cs ez fq nt pc su un yu")
	for _, c := range nameCodes() {
		region, err := language.ParseRegion(c)
		country := err == nil && region.IsCountry() && region.Canonicalize() == region && !slices.Contains(reserved, c)
		if got := Continent(c) != ""; got != country {
			t.Errorf("Continent(%q) = %q, x/text says country: %v", c, Continent(c), country)
		}
	}
	if n := len(Countries()); n != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and xk", n)
	}
	if !slices.IsSorted(Countries()) {
		t.Error("Countries() is not sorted")
	}
}

func TestContinent(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"de": "eu", "DE": "eu", "Us": "na", "tr": "as", "cy": "eu", "ru": "eu", "eg": "af", "au": "oc", "aq": "an", "br": "sa",
		"": "", "d": "", "deu": "", "zz": "", "a1": "", "\xff\xff": "", "[{": "",
	} {
		if got := Continent(in); got != want {
			t.Errorf("Continent(%q) = %q, want %q", in, got, want)
		}
	}
	for _, c := range Countries() {
		if !IsContinent(Continent(c)) {
			t.Errorf("country %s lies on %q", c, Continent(c))
		}
	}
}

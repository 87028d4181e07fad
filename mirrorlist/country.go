package mirrorlist

import (
	_ "embed" // for the table
	"maps"
	"strings"
	"sync"
)

// countriesEnglish has a line for each country of ISO 3166-1 and Kosovo: its
// code and its short English name. A table of our own is 4 kB; the ones of
// golang.org/x/text are 2 MB and have names that are not used any more.
//
//go:embed countries_en.txt
var countriesEnglish string

// englishCountries is the table by code.
var englishCountries = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, 256)
	for line := range strings.Lines(countriesEnglish) {
		code, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		names[code] = name
	}
	return names
})

// englishCountry gives a country's name in English; its code in capitals when
// it is not known.
func englishCountry(code string) string {
	if name, ok := englishCountries()[code]; ok {
		return name
	}
	return strings.ToUpper(code)
}

// Countries gives the English short names of all countries by their codes.
func Countries() map[string]string { return maps.Clone(englishCountries()) }

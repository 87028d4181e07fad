package geoip

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed continents.txt
var continentsText string

// The two-letter codes of the continents are country codes too (af, an, as,
// na, sa), so one table of interned codes serves both.
var (
	codeNames    = nameCodes()
	continentOf  = readContinents(continentsText)
	countryCodes = listCountries()
)

// Continent gives the continent (af, an, as, eu, na, oc or sa) of a country by
// its ISO 3166-1 alpha-2 code in either case, or "" for a code it does not
// know.
func Continent(country string) string {
	i := codeIndex(country)
	if i < 0 {
		return ""
	}
	return continentOf[i]
}

// Countries lists every ISO 3166-1 alpha-2 code, and xk, in lower case and
// sorted. The caller owns the slice.
func Countries() []string { return slices.Clone(countryCodes) }

// IsContinent reports whether s is one of the seven continent codes in lower
// case.
func IsContinent(s string) bool {
	switch s {
	case "af", "an", "as", "eu", "na", "oc", "sa":
		return true
	}
	return false
}

// code interns a two-letter code in lower case, without allocation; "" when it
// is not two ASCII letters.
func code[T string | []byte](s T) string {
	if i := codeIndex(s); i >= 0 {
		return codeNames[i]
	}
	return ""
}

// codeIndex maps two ASCII letters of either case to 0..675, all else to -1.
func codeIndex[T string | []byte](s T) int {
	if len(s) != 2 {
		return -1
	}
	a, b := s[0]|0x20, s[1]|0x20
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
		return -1
	}
	return int(a-'a')*26 + int(b-'a')
}

func nameCodes() (names [26 * 26]string) {
	for i := range names {
		names[i] = string([]byte{'a' + byte(i/26), 'a' + byte(i%26)})
	}
	return names
}

func readContinents(text string) (table [26 * 26]string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		for _, country := range fields[1:] {
			table[codeIndex(country)] = fields[0]
		}
	}
	return table
}

func listCountries() (list []string) {
	for i, continent := range continentOf {
		if continent != "" {
			list = append(list, codeNames[i])
		}
	}
	return list
}

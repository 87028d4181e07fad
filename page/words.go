package page

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// Words are all the words of the pages in one language. They are read from
// words/LANG, a folder with a JSON file for each part. Words with a verb of
// package fmt say in a comment what goes there; a translation keeps the verbs,
// and may give several of them another order (%[2]s).
type Words struct {
	Common
	List   ListWords   // the list of a file's mirrors
	Index  IndexWords  // the index of a folder
	Status StatusWords // the mirrors and their state

	countries map[string]string
}

// Common are the words and signs that all pages have.
type Common struct {
	Lang      string `json:"lang"`      // BCP 47 language tag
	Thousands string `json:"thousands"` // separator in whole numbers
	Decimal   string `json:"decimal"`

	Skip       string            `json:"skip"`     // link to what the page is for, for those who do not see it
	Home       string            `json:"home"`     // of the project
	Footer     string            `json:"footer"`   // %s: when it was made
	Programs   string            `json:"programs"` // link to the same for programs
	Plain      string            `json:"plain"`    // link to the same as plain text
	Copy       string            `json:"copy"`     // a button
	Copied     string            `json:"copied"`   // what it says then
	Continents map[string]string `json:"continents"`
	Now        string            `json:"now"`     // less than a minute ago
	Ago        map[string]Count  `json:"ago"`     // by unit: minute, hour, day, month, year
	Lasting    map[string]Count  `json:"lasting"` // how long, by unit: second as well
}

// Count is a number of things in words. Languages with more than these two forms
// would want the others of CLDR's plural rules here.
type Count struct {
	One   string `json:"one"`
	Other string `json:"other"` // %s: number
}

// Count says how many there are.
func (w *Words) Count(c Count, n int64) string {
	if n == 1 {
		return c.One
	}
	return fmt.Sprintf(c.Other, w.Number(n))
}

// AsOf says when a page was made.
func (c *Common) AsOf(made string) string { return fmt.Sprintf(c.Footer, made) }

// Ago says how long ago something was.
func (w *Words) AgoOf(d time.Duration) string {
	n, unit := largest(d)
	if unit == "second" {
		return w.Now
	}
	return w.Count(w.Ago[unit], n)
}

// Long says how long something lasts.
func (w *Words) Long(d time.Duration) string {
	n, unit := largest(d)
	return w.Count(w.Lasting[unit], n)
}

// largest gives a length of time in the largest unit of which it has two, or one
// of days.
func largest(d time.Duration) (n int64, unit string) {
	const day = 24 * time.Hour
	for _, u := range [...]struct {
		unit  string
		of    time.Duration
		least int64
	}{{"year", 365 * day, 2}, {"month", 30 * day, 2}, {"day", day, 1}, {"hour", time.Hour, 1}, {"minute", time.Minute, 1}} {
		if n := int64(d / u.of); n >= u.least {
			return n, u.unit
		}
	}
	return max(0, int64(d/time.Second)), "second"
}

// Country gives a country's code as people write it, and its name, which is the
// code where there is no such country; both empty when it is not known.
func (w *Words) Country(code string) (letters, name string) {
	if code == "" {
		return "", ""
	}
	letters = Readable(strings.ToUpper(code))
	if name, ok := w.countries[strings.ToLower(code)]; ok {
		return letters, name
	}
	return letters, letters
}

// Countries gives the names of all countries by their codes.
func (w *Words) Countries() map[string]string { return maps.Clone(w.countries) }

// Continent gives a continent's name; "" when it is not known.
func (w *Words) Continent(code string) string { return w.Continents[code] }

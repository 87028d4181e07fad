package replay

import "time"

// Grouping is what requests are grouped by.
type Grouping uint8

// The groupings.
const (
	ByMirror    Grouping = iota // by nothing else
	ByCountry                   // the client's
	ByContinent                 // the client's
	ByDay                       // in UTC
)

// Groupings are their names.
var Groupings = []string{"mirror", "country", "continent", "day"}

// ParseGrouping reads a name; false if there is no such grouping.
func ParseGrouping(s string) (Grouping, bool) {
	for g, name := range Groupings {
		if s == name {
			return Grouping(g), true
		}
	}
	return ByMirror, false
}

// String gives the name.
func (g Grouping) String() string { return Groupings[g] }

// of gives the name of a request's group; "" if it has none.
func (g Grouping) of(r *request) string {
	name := "unknown"
	switch g {
	case ByMirror:
		return ""
	case ByCountry:
		if r.client.Country != "" {
			name = r.client.Country
		}
	case ByContinent:
		if r.client.Continent != "" {
			name = r.client.Continent
		}
	case ByDay:
		if t := r.entry.Time; !t.IsZero() {
			name = t.UTC().Format(time.DateOnly)
		}
	}
	return name
}

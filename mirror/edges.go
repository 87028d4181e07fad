package mirror

// Edges lead from where clients are to where mirrors are, across the borders of
// countries and continents. They are data of the operator's. Codes are lower
// case; the zero value has none.
type Edges struct {
	// Countries gives by country others whose mirrors serve its clients, as the
	// mirrors' own OtherCountries do.
	Countries map[string][]string
	// Continents gives by continent, or by country, the continents whose mirrors
	// come before those of the rest of the world, in order. A code that is both
	// (af, as, na, sa) is the continent's; the country is [EdgeCountry] and it.
	Continents map[string][]string
	// Neighbours is the same by continent, from general knowledge: it stands in
	// for distances where the client's coordinates are not known.
	Neighbours map[string][]string
	// Avoid gives by country others to whose mirrors its clients are never sent.
	Avoid map[string][]string
}

// EdgeCountry comes before the code of a country in Edges.Continents where the
// code alone would be a continent's.
const EdgeCountry = "country:"

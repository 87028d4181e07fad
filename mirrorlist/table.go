package mirrorlist

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// Table is a list of all mirrors for people, by continent and country. Markers
// are its last columns.
type Table struct {
	Title   string // "": "Mirrors"
	Markers []string
	Mirrors []TableMirror
	Made    time.Time // zero: the list does not say when it was made
	// Header and Footer are HTML of the operator's, before and after the table
	// on the page.
	Header, Footer string
}

// TableMirror is a row of a Table.
type TableMirror struct {
	Name               string
	Continent, Country string // codes; "" not known
	Operator           string // "": the host is named
	OperatorURL        string // http or https; "" none
	Notes              string
	URLs               []string // http, https, ftp, ftps and rsync; users in them are left out
	Score              int      // 100 is usual
	Holds              []bool   // by marker
}

// region is the mirrors of one continent.
type region struct {
	Class, Title string
	Rows         []tableRow
}

// tableRow is a mirror in words.
type tableRow struct {
	Code, Country string
	Operator      string
	OperatorURL   string
	Notes         string
	Links         []tableLink
	Stars         int
	Marks         []mark
}

type tableLink struct{ Label, URL string }

type mark struct {
	Name string
	Has  bool
}

// title is what the list is called.
func (t *Table) title() string {
	if t.Title == "" {
		return "Mirrors"
	}
	return page.Readable(t.Title)
}

// regions sorts the mirrors: continents and countries by their names, the
// unknown last, then by operator.
func (t *Table) regions() []region {
	m := words{page.English()}
	var out []region
	at := map[string]int{}
	for i := range t.Mirrors {
		g := m.continent(t.Mirrors[i].Continent)
		n, seen := at[g.Class]
		if !seen {
			n = len(out)
			at[g.Class] = n
			out = append(out, region{Class: g.Class, Title: g.Title})
		}
		out[n].Rows = append(out[n].Rows, t.row(m, &t.Mirrors[i]))
	}
	slices.SortFunc(out, func(a, b region) int { return order(a.Class == "nowhere", b.Class == "nowhere", a.Title, b.Title) })
	for _, r := range out {
		slices.SortStableFunc(r.Rows, func(a, b tableRow) int {
			return cmp.Or(order(a.Country == "", b.Country == "", a.Country, b.Country),
				cmp.Compare(strings.ToLower(a.Operator), strings.ToLower(b.Operator)), cmp.Compare(a.Operator, b.Operator))
		})
	}
	return out
}

// order compares two names of which those that are none come last.
func order(noA, noB bool, a, b string) int {
	switch {
	case noA != noB && noA:
		return 1
	case noA != noB:
		return -1
	}
	return cmp.Compare(a, b)
}

func (t *Table) row(m words, in *TableMirror) tableRow {
	r := tableRow{Operator: page.Readable(oneSpaced(in.Operator)), OperatorURL: webURL(in.OperatorURL), Notes: page.Readable(oneSpaced(in.Notes)), Stars: Stars(in.Score)}
	r.Code, r.Country = m.Country(in.Country)
	host := ""
	for _, raw := range in.URLs {
		if l, h := newTableLink(raw); l.URL != "" {
			r.Links = append(r.Links, l)
			host = cmp.Or(host, h)
		}
	}
	r.Operator = cmp.Or(r.Operator, page.Readable(host), page.Readable(in.Name))
	for i, name := range t.Markers {
		r.Marks = append(r.Marks, mark{page.Readable(name), i < len(in.Holds) && in.Holds[i]})
	}
	return r
}

// oneSpaced puts text on one line.
func oneSpaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// Stars is a score as people are shown it: from one star, for less than 50, to
// four, for more than 100, which is usual.
func Stars(score int) int {
	switch {
	case score < 50:
		return 1
	case score < 100:
		return 2
	case score == 100:
		return 3
	}
	return 4
}

// maxStars is how many there can be.
const maxStars = 4

// protocols are those that are linked to, and what the links are called.
var protocols = map[string]string{"https": "HTTPS", "http": "HTTP", "ftp": "FTP", "ftps": "FTPS", "rsync": "rsync"}

// newTableLink makes a link of a base URL without its user; none of what no
// document should hold.
func newTableLink(raw string) (l tableLink, host string) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || protocols[u.Scheme] == "" {
		return l, ""
	}
	u.User = nil
	s := u.String()
	for i := range len(s) {
		if !printable[s[i]] {
			return l, ""
		}
	}
	return tableLink{protocols[u.Scheme], s}, u.Hostname()
}

// webURL gives an operator's page; "" when it is none.
func webURL(raw string) string {
	if l, _ := newTableLink(raw); l.Label == protocols["http"] || l.Label == protocols["https"] {
		return l.URL
	}
	return ""
}

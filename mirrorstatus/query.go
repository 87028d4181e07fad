package mirrorstatus

import (
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// Query narrows the page with all mirrors down, and sorts it. The zero value
// shows all, by name.
type Query struct {
	Country   string // two lower-case letters
	Continent string
	State     string // as of key
	Protocol  string // or ipv4, ipv6
	Text      string // in the name, the operator, the country's name or the host
	Sort      string // name of a column
	Desc      bool   // the other way round than the column is sorted first
}

// maxQuery and maxText are how many bytes of a query, and of the text in it, are
// looked at.
const (
	maxQuery = 1024
	maxText  = 100
)

// ParseQuery reads `country=de&state=up&protocol=https&q=text&sort=-share`. What
// it does not know it ignores, so that what it gives is always one that
// Query.String writes.
func ParseQuery(raw string) (q Query) {
	if len(raw) > maxQuery {
		return Query{}
	}
	args, err := url.ParseQuery(raw)
	if err != nil {
		return Query{}
	}
	q.Country = letters(args.Get("country"))
	q.Continent = letters(args.Get("continent"))
	if s := args.Get("state"); slices.ContainsFunc(states[:], func(st mirror.State) bool { return key(st) == s }) {
		q.State = s
	}
	if p := args.Get("protocol"); slices.Contains(ways, p) {
		q.Protocol = p
	}
	if q.Text = strings.TrimSpace(strings.ToValidUTF8(args.Get("q"), "\ufffd")); len(q.Text) > maxText {
		q.Text = strings.TrimSpace(strings.ToValidUTF8(q.Text[:maxText], ""))
	}
	name, desc := strings.CutPrefix(args.Get("sort"), "-")
	if column(name) != nil {
		q.Sort, q.Desc = name, desc
	}
	if q.Sort == columns[0].name && !q.Desc {
		q.Sort = ""
	}
	return q
}

// ways are what can be asked for as a protocol.
var ways = append(slices.Clone(protocols[:]), "ipv4", "ipv6")

// letters gives a code of two letters in lower case, or "".
func letters(s string) string {
	s = strings.ToLower(s)
	if len(s) != 2 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}

// String is the query as ParseQuery reads it; "" shows all.
func (q Query) String() string {
	sort := q.Sort
	if q.Desc {
		sort = "-" + sort
	}
	var parts []string
	for _, a := range [...]struct{ name, value string }{
		{"country", q.Country},
		{"continent", q.Continent},
		{"state", q.State},
		{"protocol", q.Protocol},
		{"q", q.Text},
		{"sort", sort},
	} {
		if a.value != "" {
			parts = append(parts, a.name+"="+url.QueryEscape(a.value))
		}
	}
	return strings.Join(parts, "&")
}

// filtered reports whether the query may leave mirrors out.
func (q Query) filtered() bool {
	q.Sort, q.Desc = "", false
	return q != Query{}
}

// lets reports whether a mirror is to be shown.
func (q *Query) lets(w *page.Words, m *Mirror) bool {
	switch {
	case q.Country != "" && q.Country != m.Country,
		q.Continent != "" && q.Continent != m.Continent,
		q.State != "" && q.State != key(m.State):
		return false
	}
	switch q.Protocol {
	case "":
	case "ipv4":
		if m.Families&mirror.IPv4 == 0 {
			return false
		}
	case "ipv6":
		if m.Families&mirror.IPv6 == 0 {
			return false
		}
	default:
		if m.protocol(q.Protocol) == "" {
			return false
		}
	}
	return q.Text == "" || q.finds(w, m)
}

func (q *Query) finds(w *page.Words, m *Mirror) bool {
	text := strings.ToLower(q.Text)
	_, country := w.Country(m.Country)
	in := []string{m.Name, m.Operator, country, m.Country}
	for _, u := range m.URLs {
		in = append(in, u.URL)
	}
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

package movein

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Text makes one line of what another database holds: valid UTF-8 without
// control characters.
func Text(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// Lines is Text that keeps line breaks, and drops empty lines at the ends.
func Lines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(Text("." + l)[1:], " ") // keeps what indents it
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// Names makes valid names, each of them once.
type Names struct{ taken map[string]bool }

// Name gives the name for a mirror that is called s elsewhere: what cannot
// stand in a name becomes a hyphen.
func (n *Names) Name(s string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && mirror.ValidName("_"+string(r)) == nil {
			return r
		}
		return '-'
	}, s)
	name = strings.TrimLeft(name, ".-")
	name = name[:min(len(name), 60)]
	if name == "" {
		name = "mirror"
	}
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	for i, base := 2, name; n.taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	n.taken[name] = true
	return name
}

// Country gives a country's code in lower case; false: it is none.
func Country(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' }
	return s, len(s) == 2 && letter(s[0]) && letter(s[1])
}

// Countries reads a list of countries, whatever separates them. What is no
// country is given back in odd.
func Countries(s string) (list, odd []string) {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;:\t\r\n", r) })
	for _, w := range words {
		switch c, ok := Country(w); {
		case !ok:
			odd = append(odd, w)
		case !slices.Contains(list, c):
			list = append(list, c)
		}
	}
	return list, odd
}

// Continent gives a continent's code in lower case; false: it is none.
func Continent(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	return s, slices.Contains([]string{"af", "an", "as", "eu", "na", "oc", "sa"}, s)
}

// place takes a place's coordinates over. Both systems write 0, 0 where they
// know none.
func place(m *mirror.Mirror, lat, lng float64) error {
	switch {
	case lat == 0 && lng == 0:
	case !(lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180):
		return fmt.Errorf("coordinates %v, %v: not on Earth", lat, lng)
	default:
		m.Lat, m.Lng, m.HasCoords = lat, lng, true
	}
	return nil
}

// Operator takes over the URL of a mirror's operator, which need not have a
// scheme elsewhere.
func (r *Record) Operator(raw string) {
	raw = Text(raw)
	if raw == "" {
		return
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	if _, err := mirror.PublicURL(raw); err != nil {
		r.Leave("operator URL: %v", err)
		return
	}
	r.Mirror.OperatorURL = raw
}

// Coordinates takes over where a mirror is.
func (r *Record) Coordinates(lat, lng float64) {
	if err := place(&r.Mirror, lat, lng); err != nil {
		r.Leave("%v", err)
	}
}

// Leave notes what could not be taken over.
func (r *Record) Leave(format string, args ...any) {
	r.Left = append(r.Left, Text(fmt.Sprintf(format, args...)))
}

// Note notes what was taken over and is not quite the same here.
func (r *Record) Note(format string, args ...any) {
	r.Notes = append(r.Notes, Text(fmt.Sprintf(format, args...)))
}

// Scannable takes over a URL that only scans use. A fragment, with which
// MirrorBrain's scanner filtered files, is left.
func (r *Record) Scannable(what, raw string, schemes ...string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	base, fragment, has := strings.Cut(raw, "#")
	if has {
		r.Leave("%s URL: its filter %q; see 'exclude' in docs/migrating.md", what, "#"+fragment)
	}
	if host, module, ok := strings.Cut(base, "::"); ok && what == "rsync" && !strings.Contains(base, "://") {
		base = "rsync://" + host + "/" + module // rsync's own short form
	}
	u, err := mirror.BaseURL(base, schemes...)
	if err != nil {
		r.Leave("%s URL: %v", what, err)
		return ""
	}
	return u
}

// Public takes over a URL that clients are sent to; without one a mirror is of
// no use.
func (r *Record) Public(raw string) {
	base, fragment, has := strings.Cut(strings.TrimSpace(raw), "#")
	if has {
		r.Leave("http URL: its filter %q; see 'exclude' in docs/migrating.md", "#"+fragment)
	}
	u, err := mirror.PublicURL(base)
	if err != nil {
		r.Unusable = Text(err.Error())
		return
	}
	r.Mirror.HTTP = append(r.Mirror.HTTP, u)
}

// RedactURL hides the password of a database's URL, and where the URL cannot be
// read, all before its host.
func RedactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return mirror.Redact(raw)
	}
	if q := u.Query(); len(q) > 0 {
		for k := range q {
			if strings.Contains(strings.ToLower(k), "password") {
				q.Set(k, "xxxxx")
			}
		}
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

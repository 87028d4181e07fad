package mirrorstatus

import (
	"html/template"
	"net/url"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// layout says how the pages refer to one another: below a path of a server, or
// as files in a folder. Each is in the same folder as the others either way.
type layout struct{ files bool }

// sortedPrefix begins the names of lists that are sorted otherwise than by name.
const sortedPrefix = "by-"

// page is where a mirror's page is.
func (l layout) page(m *Mirror) string {
	if l.files {
		return slug(m.Name) + ".html"
	}
	return slug(m.Name)
}

// sorted is where the list is that a query gives. There is a file for each
// column, and none for what is left out.
func (l layout) sorted(q Query) string {
	if l.files {
		if q.Sort == "" || q.Sort == columns[0].name {
			return indexName
		}
		return sortedPrefix + q.Sort + ".html"
	}
	if text := q.String(); text != "" {
		return "./?" + text
	}
	return "./"
}

// dress tells the frame where the script is.
func (l layout) dress(f *page.Frame) {
	if l.files {
		f.ScriptURL = page.Script
	}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// signs are the classes as shapes, so that nobody needs to tell them by their
// colours. They are those of the map.
var signs = map[string]template.HTML{
	classUp:   sign(`<circle r="6"/>`),
	classLate: sign(`<path d="M0-7 7 5.5H-7z"/>`),
	classOut:  sign(`<circle class="mirrorbrain-hollow" r="5"/>`),
	classDown: sign(`<path class="mirrorbrain-stroke" d="M-5-5 5 5M-5 5 5-5"/>`),
}

func sign(shape string) template.HTML {
	return template.HTML(`<svg class="mirrorbrain-sign" viewBox="-8 -8 16 16" aria-hidden="true">` + shape + `</svg>`) //nolint:gosec // constant
}

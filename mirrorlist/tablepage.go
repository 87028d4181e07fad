package mirrorlist

import (
	_ "embed" // for the template and the style sheet
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

//go:embed table.html
var tableTemplate string

//go:embed table.css
var tableStyle string

// tablePages make the table's page: nothing about it is configured.
var tablePages = sync.OnceValues(func() (*tableMaker, error) {
	look, err := page.Open(page.Theme{Languages: []string{"en"}})
	if err != nil {
		return nil, err
	}
	m := &tableMaker{look: look}
	m.tmpl, err = look.Template(page.Source{Kind: "table", Main: tableTemplate, Style: pageStyle + tableStyle, Funcs: template.FuncMap{
		// Of the schemes that newTableLink lets through html/template knows only
		// two; the rest of the URL it still escapes.
		"link":  func(u string) template.URL { return template.URL(u) }, //nolint:gosec // made by newTableLink
		"stars": func(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", maxStars-n) },
	}}, m.view(new(Table)))
	return m, err
})

type tableMaker struct {
	look *page.Look
	tmpl *page.Template
}

// tableView is the page as the template sees it.
type tableView struct {
	page.Frame

	Summary        string
	Header, Footer template.HTML
	Markers        []string
	Regions        []region
}

// WriteHTML writes the table as a page that needs no other file.
func (t *Table) WriteHTML(w io.Writer) error {
	m, err := tablePages()
	if err != nil {
		return err
	}
	return m.tmpl.Write(w, m.view(t))
}

func (m *tableMaker) view(t *Table) *tableView {
	v := &tableView{
		Frame: m.look.Frame(m.look.Words(""), t.title()), Regions: t.regions(),
		Header: template.HTML(t.Header), Footer: template.HTML(t.Footer), //nolint:gosec // the operator's own
	}
	v.ScriptURL = "" // there is nothing to copy
	if !t.Made.IsZero() {
		v.At(t.Made.UnixNano())
	}
	for _, m := range t.Markers {
		v.Markers = append(v.Markers, page.Readable(m))
	}
	countries := map[string]bool{}
	for i := range t.Mirrors {
		if c := t.Mirrors[i].Country; c != "" {
			countries[c] = true
		}
	}
	v.Summary = fmt.Sprintf("%s in %s.", plural(len(t.Mirrors), "mirror", "mirrors"), plural(len(countries), "country", "countries"))
	return v
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

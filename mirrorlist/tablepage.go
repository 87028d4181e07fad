package mirrorlist

import (
	_ "embed" // for the template and the style sheet
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
)

//go:embed table.html
var tableTemplate string

//go:embed table.css
var tableStyle string

var tablePage = sync.OnceValues(func() (*template.Template, error) {
	t := template.New("table").Option("missingkey=error").Funcs(template.FuncMap{
		// Of the schemes that newTableLink lets through html/template knows only
		// two; the rest of the URL it still escapes.
		"link":  func(u string) template.URL { return template.URL(u) }, //nolint:gosec // made by newTableLink
		"stars": func(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", maxStars-n) },
	})
	for _, text := range []string{tableTemplate, `{{define "style"}}` + pageStyle + tableStyle + `{{end}}`} {
		if _, err := t.Parse(text); err != nil {
			return nil, err
		}
	}
	return t, nil
})

// tableView is the page as the template sees it.
type tableView struct {
	Title, Summary string
	Header, Footer template.HTML
	Markers        []string
	Regions        []region
	Made, MadeAttr string
}

// WriteHTML writes the table as a page that needs no other file.
func (t *Table) WriteHTML(w io.Writer) error {
	page, err := tablePage()
	if err != nil {
		return err
	}
	v := tableView{
		Title: t.title(), Regions: t.regions(), Made: t.made(), MadeAttr: t.madeAttr(),
		Header: template.HTML(t.Header), Footer: template.HTML(t.Footer), //nolint:gosec // the operator's own
	}
	for _, m := range t.Markers {
		v.Markers = append(v.Markers, readable(m))
	}
	countries := map[string]bool{}
	for i := range t.Mirrors {
		if c := t.Mirrors[i].Country; c != "" {
			countries[c] = true
		}
	}
	v.Summary = fmt.Sprintf("%s in %s.", plural(len(t.Mirrors), "mirror", "mirrors"), plural(len(countries), "country", "countries"))
	return page.Execute(w, &v)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

package mirrorlist

import (
	_ "embed" // for the template and the style sheet
	"io"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

//go:embed page.html
var pageTemplate string

//go:embed style.css
var pageStyle string

// Page makes the HTML page of a file. It never changes. Of the operator's
// blocks "map" (above the mirrors) is this page's own; they can use {{.Name}},
// {{.URL}}, {{.FolderURL}} and {{.Count}} besides what every page has.
type Page struct {
	look *page.Look
	tmpl *page.Template
}

// NewPage prepares pages. It says what is wrong with the operator's templates.
func NewPage(look *page.Look) (*Page, error) {
	p := &Page{look: look}
	sample := &File{Subject: &mirror.Subject{Name: "x", Path: "x", URL: "https://localhost/x"}}
	var err error
	p.tmpl, err = look.Template(page.Source{Kind: "list", Main: pageTemplate, Style: pageStyle}, newView(look, look.Words(""), sample))
	return p, err
}

// Write writes the page in a language of the look. A template of the operator's
// may make it fail half way, so it should go to a buffer first.
func (p *Page) Write(w io.Writer, words *page.Words, f *File) error {
	return p.tmpl.Write(w, newView(p.look, words, f))
}

// ContentSecurityPolicy is the value of the field of this name that the page
// must have.
func (p *Page) ContentSecurityPolicy() string { return p.tmpl.Policy() }

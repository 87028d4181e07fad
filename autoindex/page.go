package autoindex

import (
	_ "embed" // for the template and the style sheet
	"io"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

//go:embed page.html
var pageTemplate string

//go:embed style.css
var pageStyle string

// PageOptions are what the page for people needs to know. The zero value shows
// all that entries have to say, in UTC, without a search.
type PageOptions struct {
	// Columns are those shown beside the name, if there is something to say in
	// them. 0: all.
	Columns Columns
	// Location is the time zone of exact times. nil: UTC.
	Location *time.Location
	// Fixed says that queries change neither the order nor which part is shown,
	// so that there are no links to others.
	Fixed bool
	// Search says that the argument q is answered: there is a form for it.
	Search bool
	// JSON and Text are the arguments with which a query gets the same in these
	// formats, such as "format=json". "": there is no link to it.
	JSON, Text string
}

// Page makes the HTML page of a folder. It never changes. Of the operator's
// blocks "above", "search", "parts" and "readme" are this page's own; they can use
// {{.Path}}, {{.Name}}, {{.Facts}}, {{.Header}} and {{.Readme}} besides what every
// page has.
type Page struct {
	look    *page.Look
	tmpl    *page.Template
	options PageOptions
}

// NewPage prepares pages. It says what is wrong with the operator's templates.
func NewPage(look *page.Look, o PageOptions) (*Page, error) {
	if o.Columns == 0 {
		o.Columns = Modified | Size | Description | Mirrors | Details
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	p := &Page{look: look, options: o}
	sample := &Listing{Path: "/x/", Entries: []Entry{New("x", false)}, Total: 2, Readme: Insert{Text: "x"}, Header: Insert{Text: "x"}}
	var err error
	p.tmpl, err = look.Template(page.Source{Kind: "index", Main: pageTemplate, Style: pageStyle}, p.view(look.Words(""), sample, time.Unix(0, 0)))
	return p, err
}

// Write writes the page in a language of the look. Ages are those at now, which
// the page names. A template of the operator's may make it fail half way, so it
// should go to a buffer first.
func (p *Page) Write(w io.Writer, words *page.Words, l *Listing, now time.Time) error {
	return p.tmpl.Write(w, p.view(words, l, now))
}

// ContentSecurityPolicy is the value of the field of this name that the page
// must have.
func (p *Page) ContentSecurityPolicy() string { return p.tmpl.Policy() }

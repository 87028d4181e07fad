package mirrorstatus

import (
	"bytes"
	_ "embed" // for the templates and the style sheet
	"errors"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/worldmap"
)

//go:embed list.html
var listTemplate string

//go:embed mirror.html
var mirrorTemplate string

//go:embed style.css
var ownStyle string

// Options say what is on the pages.
type Options struct {
	Map bool // the page with all mirrors has a map of the world
}

// Pages makes the documents. It never changes. Of the operator's blocks "map"
// (between the numbers and the table) is the list's own.
type Pages struct {
	look         *page.Look
	options      Options
	list, mirror *page.Template
}

// New prepares the pages. It says what is wrong with the operator's templates.
func New(look *page.Look, o Options) (*Pages, error) {
	p := &Pages{look: look, options: o}
	w := look.Words("")
	m := Mirror{Name: "x", State: mirror.StateUp}
	s := &Site{Mirrors: []Mirror{m}, AsOf: time.Unix(0, 0)}
	style := ownStyle
	if o.Map {
		style = worldmap.Style() + style
	}
	var err error
	p.list, err = look.Template(page.Source{Kind: "status", Main: listTemplate, Style: style}, p.newList(s, w, Query{}, layout{}))
	if err != nil {
		return nil, err
	}
	p.mirror, err = look.Template(page.Source{Kind: "mirror", Main: mirrorTemplate, Style: ownStyle},
		p.newMirror(s, &m, &History{}, w, RangeMonth, layout{}))
	return p, err
}

// Request is what is asked for below the path of the pages.
type Request struct {
	Name  string // below the path and its slash; "" is the list of all mirrors
	Query string // raw
	Words *page.Words
	// History reads the past of a mirror; nil without an error: it is not known
	// now. It is called for documents about one mirror only.
	History func(*Mirror) *History
}

// Document is a document.
type Document struct {
	Kind   string // media type
	Body   []byte
	Policy string // of the field Content-Security-Policy
	Worded bool   // it is in a language that the client prefers
}

// ErrNotFound: there is no such document.
var ErrNotFound = errors.New("no such page about mirrors")

// The policies of what is no page: nothing may be loaded.
const nothingPolicy = "default-src 'none'; frame-ancestors 'self'"

const (
	kindHTML  = "text/html; charset=utf-8"
	kindJSON  = "application/json"
	kindSVG   = "image/svg+xml"
	kindPlain = "text/plain; charset=utf-8"
)

// Document makes the document that is asked for. ErrNotFound: there is none of
// this name. Any other error comes of the operator's templates.
func (p *Pages) Document(s *Site, r Request) (*Document, error) {
	switch r.Name {
	case "", indexName:
		return p.html(p.list, p.newList(s, r.Words, ParseQuery(r.Query), layout{}))
	case allJSON:
		return jsonDocument(allOf(s))
	case openAPIName:
		return &Document{Kind: kindJSON, Body: openAPI, Policy: nothingPolicy}, nil
	case mirmonName:
		return &Document{Kind: kindPlain, Body: s.AppendMirmon(nil), Policy: nothingPolicy}, nil
	case allBadge:
		return badgeDocument(s.badge(words{r.Words}), true), nil
	}
	if m := s.named(r.Name); m != nil {
		return p.html(p.mirror, p.newMirror(s, m, r.History(m), r.Words, ParseRange(r.Query), layout{}))
	}
	if m := s.named(cut(r.Name, ".json")); m != nil {
		return jsonDocument(oneOf(s, m, r.History(m)))
	}
	if m := s.named(cut(r.Name, ".svg")); m != nil {
		return badgeDocument(m.badge(words{r.Words}), true), nil
	}
	return nil, ErrNotFound
}

// cut takes a suffix off; "" where there is none.
func cut(name, suffix string) string {
	bare, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return ""
	}
	return bare
}

func (p *Pages) html(t *page.Template, view any) (*Document, error) {
	var b bytes.Buffer
	if err := t.Write(&b, view); err != nil {
		return nil, err
	}
	return &Document{Kind: kindHTML, Body: b.Bytes(), Policy: t.Policy(), Worded: true}, nil
}

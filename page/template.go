package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the frame and the style sheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed frame.html
var frameTemplate string

//go:embed style.css
var baseStyle string

// Template makes the pages of one kind. It never changes.
type Template struct {
	look   *Look
	tmpl   *template.Template
	policy string
}

// Source is a page's own part.
type Source struct {
	Kind  string // for messages; the body has the class mirrorbrain-Kind
	Main  string // defines "main"; may define other blocks that an operator can replace
	Style string // follows the style sheet that all pages have
	Funcs template.FuncMap
}

// Template joins the frame, a page's own part, and the operator's blocks. What
// it makes of sample, a value that embeds a Frame, must be HTML that a page of
// this kind can be: the operator's errors are found now rather than at night.
func (l *Look) Template(s Source, sample any) (*Template, error) {
	t := &Template{look: l}
	var err error
	if t.tmpl, err = l.parse(s); err != nil {
		return nil, fmt.Errorf("templates of the %s page: %w", s.Kind, err)
	}
	var page bytes.Buffer
	if err := t.Write(&page, sample); err != nil {
		return nil, fmt.Errorf("templates of the %s page: %w", s.Kind, err)
	}
	t.policy = l.policy(page.String())
	return t, nil
}

func (l *Look) parse(s Source) (*template.Template, error) {
	t := template.New("frame").Option("missingkey=error").Funcs(template.FuncMap{
		"kind": func() string { return s.Kind },
	}).Funcs(s.Funcs)
	for _, text := range []string{frameTemplate, s.Main, `{{define "style"}}` + baseStyle + s.Style + `{{end}}`} {
		if _, err := t.Parse(text); err != nil {
			return nil, err
		}
	}
	for _, b := range l.blocks {
		if _, err := t.New(b.name).Parse(b.text); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Write writes a page. data embeds a Frame. A block of the operator's may make
// it fail half way, so it should go to a buffer first.
func (t *Template) Write(w io.Writer, data any) error {
	return t.tmpl.ExecuteTemplate(w, "frame", data)
}

// Policy is the value of the field Content-Security-Policy (CSP Level 3) that
// the pages must be sent with: it allows the style sheet in the page by its hash,
// that of the theme, the script and images of the same host, and nothing else.
func (t *Template) Policy() string { return t.policy }

// policy works the field out: what html/template made of the style sheet is
// what the hash must be of.
func (l *Look) policy(page string) string {
	style := "style-src"
	for rest := page; ; {
		_, after, found := strings.Cut(rest, "<style>")
		if !found {
			break
		}
		css, tail, _ := strings.Cut(after, "</style>")
		sum := sha256.Sum256([]byte(css))
		style += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		rest = tail
	}
	if l.styles != "" {
		style += " " + l.styles
	}
	if style == "style-src" {
		style += " 'none'"
	}
	images := "img-src 'self' data:"
	if l.images != "" && l.images != "'self'" {
		images += " " + l.images
	}
	return "default-src 'none'; " + style + "; script-src 'self'; " + images + "; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
}

// Frame is what the frame around a page shows; what a page shows embeds it.
type Frame struct {
	Words *Words
	Title string // of the page

	Project, Home string // what the project is called, and its URL
	Logo          string
	StyleURL      string
	ScriptURL     string // "": no script

	Programs string // URL of the same for programs; "" there is none
	Plain    string // URL of the same as plain text; "" there is none
	Made     string // when it was made, in words; "" it does not say
	MadeAttr string // likewise, for the datetime attribute
}

// Frame gives the frame of a page. The script is at the page's own URL, with
// the query [AssetQuery] gives.
func (l *Look) Frame(w *Words, title string) Frame {
	return Frame{
		Words: w, Title: title, Project: l.theme.Name, Home: l.theme.Home, Logo: l.theme.Logo, StyleURL: l.theme.Style,
		ScriptURL: "?" + AssetQuery(Script),
	}
}

// At notes when the page was made, in nanoseconds since 1970; 0 is not said.
func (f *Frame) At(ns int64) { f.Made, f.MadeAttr = When(ns) }

// LogoURL lets a data: URL of an image pass, which html/template takes for
// dangerous; Open has looked at it.
func (f Frame) LogoURL() template.URL { return template.URL(f.Logo) } //nolint:gosec // of the operator's configuration

package mirrorlist

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the template and the style sheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

//go:embed page.html
var pageTemplate string

//go:embed style.css
var pageStyle string

// Options are what an operator can change about the pages. The zero value is
// the page as it comes.
type Options struct {
	Messages *Messages // nil: English
	// StyleURL is a style sheet that is read after the page's own, to set its
	// CSS variables, say. Absolute, or a path on the same host; "" is none.
	StyleURL string
	// Templates is text in the language of package html/template that defines
	// some of the blocks "header" and "footer" (empty, and a line about the list),
	// "style" (the page's own CSS) and "map" (empty, above the mirrors). They can
	// use {{.Name}}, {{.Title}}, {{.URL}}, {{.FolderURL}}, {{.Count}} and
	// {{.Messages}}. A style block must not depend on the file.
	Templates string
}

// Page makes the HTML page of a file. It never changes.
type Page struct {
	tmpl     *template.Template
	messages *Messages
	styleURL string
	policy   string
}

// NewPage prepares pages. It says what is wrong with the operator's templates.
func NewPage(o Options) (*Page, error) {
	p := &Page{messages: o.Messages, styleURL: o.StyleURL}
	if p.messages == nil {
		p.messages = English()
	}
	var err error
	if p.tmpl, err = parseTemplates(o.Templates); err != nil {
		return nil, fmt.Errorf("templates of the mirror list: %w", err)
	}
	var sample bytes.Buffer
	err = p.Write(&sample, &File{Subject: &mirror.Subject{Name: "x", Path: "x", URL: "https://localhost/x"}})
	if err != nil {
		return nil, fmt.Errorf("templates of the mirror list: %w", err)
	}
	p.policy, err = policy(sample.String(), o.StyleURL)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// parseTemplates puts the operator's blocks in the place of the page's own.
func parseTemplates(own string) (*template.Template, error) {
	t := template.New("page").Option("missingkey=error")
	for _, text := range []string{pageTemplate, `{{define "style"}}` + pageStyle + `{{end}}`} {
		if _, err := t.Parse(text); err != nil {
			return nil, err
		}
	}
	if own != "" {
		if _, err := t.New("operator").Parse(own); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Write writes the page. A template of the operator's may make it fail half way,
// so it should go to a buffer first.
func (p *Page) Write(w io.Writer, f *File) error {
	v := newView(p.messages, f)
	v.StyleURL = p.styleURL
	return p.tmpl.Execute(w, v)
}

// ContentSecurityPolicy is the value of the header field of this name (CSP Level
// 3) that the page must have: it allows the page's own style sheet by its hash,
// the one of StyleURL, images of the same host, and nothing else.
func (p *Page) ContentSecurityPolicy() string { return p.policy }

// policy works out the header field for a page: what html/template made of the
// style sheet is what the hash must be of.
func policy(page, styleURL string) (string, error) {
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
	if styleURL != "" {
		source, err := styleSource(styleURL)
		if err != nil {
			return "", err
		}
		style += " " + source
	}
	if style == "style-src" {
		style += " 'none'"
	}
	return "default-src 'none'; " + style + "; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'", nil
}

// styleSource is the source expression that allows a style sheet.
func styleSource(styleURL string) (string, error) {
	u, err := url.Parse(styleURL)
	switch {
	case err != nil:
		return "", fmt.Errorf("style sheet of the mirror list: %w", err)
	case u.Host == "" && u.Scheme == "":
		return "'self'", nil
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(u.Host, " ;,'"):
		return "", fmt.Errorf("style sheet of the mirror list: %q must be a path or an http or https URL", styleURL)
	}
	return u.Scheme + "://" + u.Host, nil
}

package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testMain = `{{define "main"}}<h1>{{.Title}}</h1>{{block "extra" .}}{{end}}{{end}}`

// theme writes the files of a theme.
func theme(t *testing.T, files map[string]string) Theme {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Theme{Templates: dir}
}

func write(t *testing.T, th Theme, title string) (page, policy string) {
	t.Helper()
	look, err := Open(th)
	if err != nil {
		t.Fatal(err)
	}
	f := look.Frame(look.Words("de"), title)
	f.At(1)
	tmpl, err := look.Template(Source{Kind: "test", Main: testMain, Style: "p{margin:0}"}, struct{ Frame }{f})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tmpl.Write(&b, struct{ Frame }{f}); err != nil {
		t.Fatal(err)
	}
	return b.String(), tmpl.Policy()
}

func TestFrame(t *testing.T) {
	t.Parallel()
	page, policy := write(t, Theme{Name: "A & B", Home: "https://a.example/", Logo: "https://img.example/l.svg", Style: "/s.css"}, "<script>alert(1)</script>")
	for _, want := range []string{
		`<html lang="de">`, `<title>&lt;script&gt;`, `href="https://a.example/"`, `<span>A &amp; B</span>`, `src="https://img.example/l.svg"`,
		`<link rel="stylesheet" href="/s.css">`, `data-copy="Kopieren"`, `class="mirrorbrain-page mirrorbrain-test"`, `Stand: 1970-01-01 00:00 UTC.`,
		`<script src="?asset=mirrorbrain.js&amp;v=`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	_, after, _ := strings.Cut(page, "<style>")
	css, _, _ := strings.Cut(after, "</style>")
	sum := sha256.Sum256([]byte(css))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "' 'self'; script-src 'self'; img-src 'self' data: https://img.example; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
	if policy != want {
		t.Errorf("got  %s\nwant %s", policy, want)
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(css, "p{margin:0}") {
		t.Error("the style is not the page's")
	}
}

func TestOwnBlocksAndWords(t *testing.T) {
	t.Parallel()
	th := theme(t, map[string]string{
		"a.html":               `{{define "extra"}}<p>{{.Words.List.Download}} {{.Project}}</p>{{end}}`,
		"b.html":               `{{define "footer"}}<footer>mine</footer>{{end}}{{define "head"}}<meta name="x" content="y">{{end}}`,
		"words/de/list.json":   `{"download": "Runterladen", "why": {"as": "nah"}}`,
		"words/fr/common.json": `{"lang": "fr", "copy": "Copier"}`,
		"notes.txt":            "is left alone",
	})
	th.Name, th.Languages = "P", []string{"de", "fr"}
	page, _ := write(t, th, "t")
	for _, want := range []string{"<p>Runterladen P</p>", "<footer>mine</footer>", `<meta name="x" content="y">`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	look, err := Open(th)
	if err != nil {
		t.Fatal(err)
	}
	fr, de := look.Words("fr-CA"), look.Words("en")
	if fr.Lang != "fr" || fr.Copy != "Copier" || fr.Copied != "Copied" || fr.Continent("eu") != "Europe" {
		t.Errorf("French: %+v", fr.Common)
	}
	if de.Lang != "de" || de.List.Why["as"] != "nah" || de.List.Why["country"] != "in Ihrem Land" {
		t.Errorf("German: %+v", de.List)
	}
	if english, _ := readWords("en", nil); english.List.Download != "Download" {
		t.Error("a theme changed the words of others")
	}
}

func TestBadThemes(t *testing.T) {
	t.Parallel()
	for name, th := range map[string]Theme{
		"style":          {Style: "javascript:x"},
		"style host":     {Style: "https://a b/"},
		"logo":           {Logo: "ftp://x/y"},
		"logo data":      {Logo: "data:text/html,x"},
		"home":           {Home: "javascript:alert(1)"},
		"home user":      {Home: "https://u:p@x/"},
		"templates":      {Templates: filepath.Join(t.TempDir(), "nowhere")},
		"nothing in it":  {Templates: t.TempDir()},
		"language":       {Languages: []string{"xx-not-a-language-at-all"}},
		"words":          theme(t, map[string]string{"words/en/list.json": `{"dwonload": "x"}`}),
		"words not JSON": theme(t, map[string]string{"words/en/list.json": `{`}),
	} {
		if _, err := Open(th); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for name, block := range map[string]string{"syntax": `{{define "extra"}}`, "field": `{{define "extra"}}{{.Nothing}}{{end}}`, "HTML": `{{define "extra"}}<a href="{{end}}`} {
		look, err := Open(theme(t, map[string]string{"x.html": block}))
		if err != nil {
			t.Fatal(err)
		}
		f := look.Frame(look.Words(""), "t")
		if _, err := look.Template(Source{Kind: "test", Main: testMain}, struct{ Frame }{f}); err == nil || !strings.Contains(err.Error(), "test page") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAsset(t *testing.T) {
	t.Parallel()
	if body, kind, current, ok := Asset(AssetQuery(Script)); !ok || !current || len(body) == 0 || !strings.HasPrefix(kind, "text/javascript") {
		t.Error("the script is not there")
	}
	if _, _, current, ok := Asset("asset=" + Script + "&v=old"); !ok || current {
		t.Error("an old script may be kept for ever")
	}
	for _, bad := range []string{"", "asset=", "asset=../x", "x&asset=" + Script} {
		if _, _, _, ok := Asset(bad); ok {
			t.Errorf("%q is an asset", bad)
		}
	}
}

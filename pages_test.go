package mirrorbrain

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.html"), []byte(`{{define "map"}}<p>{{.Count}} of them</p>{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := new(Handler)
	conf.Pages = page.Theme{Name: "Example", Templates: dir}
	_, s := documents(t, conf)
	english, body := s.fetch("/iso/x%20y.iso?mirrorlist")
	if english.status != 200 || !strings.Contains(body, "of them") || !strings.Contains(body, "<span>Example</span>") || !strings.Contains(body, `<html lang="en">`) {
		t.Errorf("%d %s", english.status, body)
	}
	german, body := s.fetch("/iso/x%20y.iso?mirrorlist", field("Accept-Language", "de-AT, en;q=0.3"))
	if !strings.Contains(body, `<html lang="de">`) || !strings.Contains(body, "Herunterladen") || !strings.Contains(body, "Deutschland") {
		t.Errorf("not in German: %s", body)
	}
	if english.header.Get("Etag") == german.header.Get("Etag") {
		t.Error("two languages have one tag")
	}
	if vary := strings.Join(german.header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language") {
		t.Errorf("Vary: %s", vary)
	}
	if r := s.get("/iso/x%20y.iso?mirrorlist&format=text"); strings.Contains(strings.Join(r.header.Values("Vary"), ", "), "Language") {
		t.Error("text depends on the language")
	}
}

func TestAssetOfPages(t *testing.T) {
	_, s := documents(t, new(Handler))
	for target, cache := range map[string]string{
		"/iso/x%20y.iso?" + page.AssetQuery(page.Script):  "public, max-age=31536000, immutable",
		"/nowhere/?asset=" + page.Script + "&v=0":         "public, max-age=300",
		"/iso/x%20y.iso.mirrorlist?asset=" + page.Script:  "public, max-age=300",
		"/iso/x%20y.iso.sha256?asset=" + page.Script + "": "public, max-age=300",
	} {
		r, body := s.fetch(target)
		if r.status != http.StatusOK || r.header.Get("Cache-Control") != cache || r.header.Get("X-Content-Type-Options") != "nosniff" ||
			r.header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(body, "clipboard") {
			t.Errorf("%s: %d %v", target, r.status, r.header)
		}
	}
	s.get("/iso/x%20y.iso?asset=other").want(t, "no asset", 302, "redirect mirror country de")
}

func TestPagesOfInstance(t *testing.T) {
	in := &instance{Instance: Instance{Pages: page.Theme{Name: "All", Languages: []string{"de"}}}}
	own := page.Theme{Name: "Own", Templates: "{env.MIRRORBRAIN_NO_SUCH}"}
	for _, one := range []struct {
		theme page.Theme
		name  string
		lang  string
	}{{page.Theme{}, "All", "de"}, {own, "Own", "en"}} {
		look, err := openPages(&one.theme, in, caddy.NewReplacer())
		if err != nil {
			t.Fatal(err)
		}
		w := look.Words("")
		if f := look.Frame(w, ""); f.Project != one.name || w.Lang != one.lang {
			t.Errorf("got %s in %s, want %s in %s", f.Project, w.Lang, one.name, one.lang)
		}
	}
	if _, err := openPages(&page.Theme{Style: "javascript:x"}, nil, caddy.NewReplacer()); err == nil || !strings.Contains(err.Error(), "pages: style") {
		t.Errorf("got %v", err)
	}
}

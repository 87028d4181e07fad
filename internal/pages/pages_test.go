package pages

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/browsertest"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	t.Run("valid", func(t *testing.T) {
		t.Parallel()
		s.valid(t)
	})
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s.look(t, p)
		})
	}
	for name, test := range behaviours {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// widths are a telephone's, a tablet's, and a desktop's, in CSS pixels.
var widths = []int{1400, 768, 360}

// look tries what holds for every page: it says what it should, asks nobody else
// for anything, breaks no rule of its own policy's or of accessibility, fits into
// every window, and its links lead somewhere.
func (s *site) look(t *testing.T, is page) {
	t.Helper()
	v := is.view()
	p := browsertest.Open(t, s.base+is.target, v)
	is.read(t, p)
	for _, wrong := range p.Follow() {
		t.Error(wrong)
	}
	if is.apache {
		p.Screenshot(is.name)
		p.Quiet()
		return
	}
	for _, v.Width = range widths {
		for _, v.Dark = range []bool{false, true} {
			p.Set(v)
			p.Fits()
			widest, narrowest := v.Width == widths[0], v.Width == widths[len(widths)-1]
			if !is.variant || narrowest && !v.Dark {
				p.Screenshot(is.name)
			}
			// Colours are the same at every width, and all but the room is in both.
			if narrowest && !v.Dark || widest && !is.variant {
				p.Accessible()
			}
		}
	}
	p.Quiet()
}

// secrets are what no page may show.
var secrets = []string{"a private comment", "Admin Istrator", "private@example.org", "scanner:secret", "alert(1)</script>\"", "javascript:"}

// read looks at the text of an open page.
func (p page) read(t *testing.T, open *browsertest.Page) {
	t.Helper()
	text := browsertest.Value[string](open, `document.body.textContent.replace(/\s+/g, " ")`) // with what is folded
	for _, want := range p.says {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q, but\n%s", want, text)
		}
	}
	if got := browsertest.Value[string](open, `document.querySelector("h1").innerText.replace(/\s+/g, " ").trim()`); p.heading != "" && got != p.heading {
		t.Errorf("its heading is %q, not %q", got, p.heading)
	}
	if got := browsertest.Value[string](open, "document.documentElement.lang"); got != p.lang() {
		t.Errorf("the page is in %q, not in %q", got, p.lang())
	}
	source := browsertest.Value[string](open, "document.documentElement.outerHTML")
	for _, secret := range secrets {
		if strings.Contains(source, secret) {
			t.Errorf("the page has %q", secret)
		}
	}
	// Elements that none of our templates have would come from a name.
	if n := browsertest.Value[int](open, `document.querySelectorAll("b, script:not([src]), img[onerror]").length`); n > 0 {
		t.Errorf("%d elements have come out of names", n)
	}
}

// valid has the sources of all pages checked.
func (s *site) valid(t *testing.T) {
	t.Helper()
	files := map[string][]byte{}
	for _, p := range pages {
		if p.apache { // HTML 4.01, line by line as programs read it
			continue
		}
		files[p.name+".html"] = s.source(t, p)
	}
	found := browsertest.Nu(t, files)
	for name, complaints := range found {
		for _, c := range complaints {
			t.Errorf("%s: %s", name, c)
		}
	}
}

// source is the page as it is sent.
func (s *site) source(t *testing.T, p page) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+p.target, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := p.view()
	for name, value := range v.Header {
		req.Header.Set(name, value)
	}
	if v.Language != "" {
		req.Header.Set("Accept-Language", v.Language)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("/%s: %s, %s, %v", p.target, resp.Status, resp.Header.Get("Content-Type"), err)
	}
	return body
}

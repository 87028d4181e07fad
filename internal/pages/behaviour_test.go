package pages

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/browsertest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/programtest"
)

// behaviours are what visitors do with pages, each with a page of its own.
var behaviours = map[string]func(t *testing.T, s *site){
	"without JavaScript":    noScript,
	"copying":               copying,
	"copying in the index":  copyingInIndex,
	"keyboard":              keyboard,
	"sorting the index":     sortIndex,
	"searching":             search,
	"sorting the mirrors":   sortMirrors,
	"filtering the mirrors": filterMirrors,
	"filtering by query":    filterQueries,
	"badges":                badges,
	"keyboard of each kind": keyboardEach,
}

// Without JavaScript everything is there and works: what is folded opens, links
// lead where they say.
func noScript(t *testing.T, s *site) {
	file := pageOf(t, "file")
	v := file.view()
	v.NoScript = true
	p := browsertest.Open(t, s.base+file.target, v)
	file.read(t, p)
	if n := browsertest.Value[int](p, `document.querySelectorAll("button").length`); n > 0 {
		t.Errorf("there are %d buttons, which do nothing", n)
	}
	const out = `document.querySelector("#mirrorbrain-excluded li").checkVisibility()`
	if browsertest.Value[bool](p, out) {
		t.Error("the mirrors that are out are shown at once")
	}
	p.Click("#mirrorbrain-excluded summary", false)
	if !browsertest.Value[bool](p, out) {
		t.Error("the mirrors that are out cannot be unfolded")
	}
	p.Click(".mirrorbrain-folder a", true)
	p.Quiet()
	if at := browsertest.Value[string](p, "location.pathname"); at != "/releases/2.0/" {
		t.Errorf("the link to the folder leads to %s", at)
	}
}

// A click on the button beside a digest copies the digest, and says so.
func copying(t *testing.T, s *site) {
	file := pageOf(t, "file")
	p := browsertest.Open(t, s.base+file.target, file.view())
	p.AllowClipboard()
	digests := browsertest.Value[[]string](p, `[...document.querySelectorAll("code.mirrorbrain-copy")].map(c => c.textContent)`)
	buttons := browsertest.Value[[]string](p, `[...document.querySelectorAll(".mirrorbrain-copy-btn")].map(b => b.textContent)`)
	if len(digests) < 4 || len(buttons) != len(digests) || buttons[0] != "Copy" {
		t.Fatalf("there are %d digests, and the buttons %q", len(digests), buttons)
	}
	p.Click(".mirrorbrain-copy-btn", false)
	programtest.Eventually(t, 10*time.Second, func() string {
		if got := browsertest.Value[string](p, `document.querySelector(".mirrorbrain-copy-btn").textContent`); got != "Copied" {
			return "the button says " + got
		}
		return ""
	})
	if got := browsertest.Value[string](p, "navigator.clipboard.readText()"); got != digests[0] {
		t.Errorf("the clipboard has %q, not %q", got, digests[0])
	}
	p.Quiet()
}

// The first thing that the Tab key reaches is a link to what the page is for; it
// can be seen then, and works.
func keyboard(t *testing.T, s *site) {
	file := pageOf(t, "file")
	p := browsertest.Open(t, s.base+file.target, file.view())
	p.Press("\t")
	const focus = `(e => { const r = e.getBoundingClientRect(); return [e.tagName, e.getAttribute("href"), String(r.top >= 0 && r.left >= 0 && r.width > 20)] })(document.activeElement)`
	if got := strings.Join(browsertest.Value[[]string](p, focus), " "); got != "A #mirrorbrain-main true" {
		t.Errorf("the first Tab reaches %s", got)
	}
	p.Press("\r")
	if at := browsertest.Value[string](p, "location.hash"); at != "#mirrorbrain-main" {
		t.Errorf("Enter leads to %q", at)
	}
}

// In the index a digest gets its button when it is unfolded.
func copyingInIndex(t *testing.T, s *site) {
	index := pageOf(t, "index")
	p := browsertest.Open(t, s.base+index.target, index.view())
	p.AllowClipboard()
	p.Click(".mirrorbrain-more summary", false)
	p.Click(".mirrorbrain-more [open] .mirrorbrain-copy-btn", false)
	programtest.Eventually(t, 10*time.Second, func() string {
		if got := browsertest.Value[string](p, `document.querySelector("[open] .mirrorbrain-copy-btn").textContent`); got != "Copied" {
			return "the button says " + got
		}
		return ""
	})
	want := browsertest.Value[string](p, `document.querySelector("[open] code").textContent`)
	if got := browsertest.Value[string](p, "navigator.clipboard.readText()"); got != want || len(got) != 64 {
		t.Errorf("the clipboard has %q, not %q", got, want)
	}
	p.Quiet()
}

// keyboardEach tries the way past the head of the page for each kind of page.
func keyboardEach(t *testing.T, s *site) {
	p := browsertest.Open(t, s.base, browsertest.View{})
	for _, name := range []string{"index", "status", "status-mirror", "folder"} {
		p.Go(s.base + pageOf(t, name).target)
		p.Press("\t")
		if at := browsertest.Value[string](p, `document.activeElement.getAttribute("href") || ""`); at != "#mirrorbrain-main" {
			t.Errorf("%s: the first Tab reaches %q", name, at)
		}
	}
}

// without opens a page without JavaScript.
func without(t *testing.T, s *site, name string) *browsertest.Page {
	t.Helper()
	is := pageOf(t, name)
	v := is.view()
	v.NoScript = true
	return browsertest.Open(t, s.base+is.target, v)
}

// names are those of the rows of a table, in their order.
func names(p *browsertest.Page) string {
	return strings.Join(browsertest.Value[[]string](p, `[...document.querySelectorAll("tbody th > a")].map(a => a.textContent)`), " ")
}

// A click on a column's head sorts by it, the next one the other way round.
func sortIndex(t *testing.T, s *site) {
	p := without(t, s, "index")
	p.Click("thead .mirrorbrain-size a", true)
	if got := names(p); !strings.HasPrefix(got, "Parent folder src/ example-2.0-amd64.iso example-2.0.9.tar.gz") {
		t.Errorf("the largest first: %s", got)
	}
	p.Click("thead .mirrorbrain-size a", true)
	if got := names(p); !strings.HasSuffix(got, "example-2.0.9.tar.gz example-2.0-amd64.iso") {
		t.Errorf("the smallest first: %s", got)
	}
	p.Quiet()
}

// What is typed into the form is searched for below the folder.
func search(t *testing.T, s *site) {
	p := without(t, s, "index")
	p.Type(".mirrorbrain-search input", "ARM64\n")
	programtest.Eventually(t, 10*time.Second, func() string {
		if got := browsertest.Value[string](p, "location.pathname + location.search"); got != "/releases/2.0/?q=ARM64" {
			return "the form leads to " + got
		}
		if got := names(p); got != "example-2.0-arm64.iso" {
			return "found is " + got
		}
		return ""
	})
	p.Quiet()
}

// A click on a column's head sorts the mirrors.
func sortMirrors(t *testing.T, s *site) {
	p := without(t, s, "status")
	p.Click(".mirrorbrain-c-coverage a", true)
	first := names(p)
	p.Click(".mirrorbrain-c-coverage a", true)
	second := names(p)
	if strings.HasPrefix(first, "capetown.example ") == strings.HasPrefix(second, "capetown.example ") {
		t.Errorf("by coverage the mirrors are %q, and %q the other way round", first, second)
	}
	p.Quiet()
}

// The form above the mirrors works without JavaScript.
func filterMirrors(t *testing.T, s *site) {
	p := without(t, s, "status")
	p.Type(".mirrorbrain-filter input[type=search]", "Friends")
	p.Click(".mirrorbrain-show", true)
	if got := names(p); got != "frankfurt.example" {
		t.Errorf("with the text Friends are %s", got)
	}
	p.Click(".mirrorbrain-shown a", true)
	if got := names(p); !strings.Contains(got, "paris.example") {
		t.Errorf("all are %s", got)
	}
	p.Quiet()
}

// What the form's lists ask for.
func filterQueries(t *testing.T, s *site) {
	p := without(t, s, "status")
	p.Go(s.base + "mirrors/?country=jp&state=up&protocol=http")
	if got := names(p); got != "osaka.example" {
		t.Errorf("in Japan are %s", got)
	}
	const chosen = `[...document.querySelectorAll(".mirrorbrain-filter select")].map(s => s.value).join(" ")`
	if got := browsertest.Value[string](p, chosen); got != "jp up http" {
		t.Errorf("chosen is %q", got)
	}
}

// badges are pictures that are valid on their own.
func badges(t *testing.T, s *site) {
	files := map[string][]byte{}
	for _, name := range []string{"badge.svg", "frankfurt.example.svg"} {
		resp, err := http.Get(s.base + "mirrors/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/svg+xml" {
			t.Fatalf("%s: %s, %q, %v", name, resp.Status, resp.Header.Get("Content-Type"), err)
		}
		files[name] = body
	}
	for name, complaints := range browsertest.Nu(t, files) {
		for _, c := range complaints {
			t.Errorf("%s: %s", name, c)
		}
	}
}

package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/browsertest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/programtest"
)

// behaviours are what visitors do with pages, each with a page of its own.
var behaviours = map[string]func(t *testing.T, s *site){
	"without JavaScript": noScript,
	"copying":            copying,
	"keyboard":           keyboard,
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
	p.Quiet()
	p.Click(".mirrorbrain-folder a", true)
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

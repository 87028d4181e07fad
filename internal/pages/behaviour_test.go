package pages

import (
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/browsertest"
)

// behaviours are what visitors do with pages, each in a page of its own.
var behaviours = map[string]func(t *testing.T, s *site){
	"without JavaScript": noScript,
}

// Without JavaScript everything is there and works: what is folded opens, links
// lead where they say.
func noScript(t *testing.T, s *site) {
	v := pages[0].view()
	v.NoScript = true
	p := browsertest.Open(t, s.base+pages[0].target, v)
	pages[0].read(t, p)
	if text := p.Text(); strings.Contains(text, "Copy") {
		t.Error("there is a copy button, which does nothing")
	}
	const row = "#mirrorbrain-excluded li"
	if browsertest.Value[bool](p, `document.querySelector("`+row+`").checkVisibility()`) {
		t.Error("the mirrors that are out are shown at once")
	}
	p.Click("#mirrorbrain-excluded summary", false)
	if !browsertest.Value[bool](p, `document.querySelector("`+row+`").checkVisibility()`) {
		t.Error("the mirrors that are out cannot be unfolded")
	}
	p.Click(".mirrorbrain-folder a", true)
	if at := browsertest.Value[string](p, "location.pathname"); at != "/releases/2.0/" {
		t.Errorf("the link to the folder leads to %s", at)
	}
}

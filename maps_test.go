package mirrorbrain

import (
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// The page shows mirrors on a map, but none that may not be known of; and it is
// there, with the reasons, when no mirror may be used.
func TestMapOfList(t *testing.T) {
	d, s := documents(t, &Handler{NoMirror: "503"})
	// One is for others, and one nobody is to know of.
	d.mirror(mirror.Mirror{Name: "only-fr", Place: france, CountryOnly: true}, "iso/x y.iso", "iso/lonely.iso")
	d.mirror(mirror.Mirror{Name: "secret", Place: usa, ASNs: []uint32{64999}, ASOnly: true}, "iso/x y.iso", "iso/lonely.iso")
	d.follow(s)
	r, body := s.fetch("/iso/lonely.iso?mirrorlist")
	r.want(t, "nothing eligible", 200, "document requested")
	for _, want := range []string{"only-fr", "only for clients of its country", "mirrorbrain-map-land", `<g class="mirrorbrain-map-out"`, "?mirrorlist&amp;explain"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(body, "secret") || strings.Count(body, `<g class="mirrorbrain-map-out"`) != 2 { // on the map, and in its legend
		t.Errorf("a mirror that is hidden is on the map: %s", body)
	}
	if _, body := s.fetch("/iso/lonely.iso?json"); !strings.Contains(body, "only for clients of its country") || strings.Contains(body, "secret") {
		t.Errorf("the reasons are not in the JSON: %s", body)
	}
	if _, body := s.fetch("/iso/lonely.iso?mirrorlist&explain"); !strings.Contains(body, `<g class="mirrorbrain-map-out"`) || strings.Contains(body, "secret") {
		t.Error("with the reasons in full, the map is another")
	}
}

func TestMapOff(t *testing.T) {
	off, conf := false, new(Handler)
	conf.Pages = page.Theme{Map: &off}
	_, s := documents(t, conf)
	if _, body := s.fetch("/iso/x%20y.iso?mirrorlist"); strings.Contains(body, "<figure") || strings.Contains(body, "mirrorbrain-map-land") {
		t.Error("there is a map")
	}
}

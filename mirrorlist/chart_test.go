package mirrorlist

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func TestChart(t *testing.T) {
	t.Parallel()
	f := sample()
	got := render(t, newPage(t, page.Theme{}), f)
	for _, want := range []string{
		`<g class="mirrorbrain-map-client"`, `<g class="mirrorbrain-map-best"`, `<g class="mirrorbrain-map-down"`,
		`href="#mirrorbrain-source-1"`, `<li id="mirrorbrain-source-1" class="mirrorbrain-best">`,
		"ftp.halifax.example.de, Germany, 12 km</title>", "slow.example.fr, France, down</title>",
		"The place of one mirror is not known.", "You</li>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if n := strings.Count(got, "mirrorbrain-map-land\" d="); n != 1 {
		t.Errorf("the land is drawn %d times", n)
	}
	f.Client = nil
	if got := render(t, newPage(t, page.Theme{}), f); strings.Contains(got, `<g class="mirrorbrain-map-client"`) || strings.Contains(got, `<g class="mirrorbrain-map-best"`) {
		t.Error("a client is on the map of a list for everybody")
	}
}

// The map is left out where it is not wanted, and where no mirror would be on it.
func TestNoChart(t *testing.T) {
	t.Parallel()
	off, f := false, sample()
	if got := render(t, newPage(t, page.Theme{Map: &off}), f); strings.Contains(got, "mirrorbrain-map-land") || strings.Contains(got, "--mirrorbrain-map") {
		t.Error("there is a map")
	}
	f.Excluded = nil
	for i := range f.Sources {
		f.Sources[i].HasCoords = false
	}
	if got := render(t, newPage(t, page.Theme{}), f); strings.Contains(got, "<figure") {
		t.Error("there is a map without mirrors")
	}
	own := newPage(t, page.Theme{Templates: file(t, `{{define "map"}}<div>{{.Map}}{{.MapLegend}}{{.MapMissing}}</div>{{end}}`)})
	if got := render(t, own, f); !strings.Contains(got, "<div></div>") {
		t.Error("an operator's block has something of a map that is not there")
	}
	if got := render(t, own, sample()); !strings.Contains(got, "<div><svg") {
		t.Error("an operator's block has no map")
	}
}

// What others named stays text on the map, too.
func TestChartText(t *testing.T) {
	t.Parallel()
	const bad = "</title><script>alert(1)</script>"
	f := sample()
	f.Sources[0].Name, f.Sources[8].Country = bad, bad
	f.Excluded[0].Name, f.Excluded[0].Reason = bad, bad
	f.ExplainURL, f.AllURL = "javascript:alert(1)", "?mirrorlist&all\"><script>"
	got := render(t, newPage(t, page.Theme{}), f)
	look(t, got)
	if strings.Contains(got, "<script>") || strings.Contains(got, "javascript:") {
		t.Error("markup became some")
	}
}

// A page is small enough for a slow line.
func TestPageWeight(t *testing.T) {
	t.Parallel()
	f := sample()
	for i := len(f.Sources); i < 20; i++ {
		s := sampleSource(fmt.Sprintf("mirror%d.example.net", i), "us", "na", mirror.TierWorld, 7000, 100, 0)
		s.Lat, s.Lng = float64(i), float64(-8*i)
		f.Sources = append(f.Sources, s)
	}
	if n := len(render(t, newPage(t, page.Theme{}), f)); n > 48<<10 {
		t.Errorf("the page of 20 mirrors has %d bytes", n)
	}
}

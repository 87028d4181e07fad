package mirrorbrain

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

func TestChoiceValidation(t *testing.T) {
	far, none := 91.0, 0.0
	for _, tc := range []struct {
		name string
		conf redirector.Settings
		want string // of the error; "" none
	}{
		{"defaults", redirector.Settings{}, ""},
		{"all", redirector.Settings{
			Policy: "distance", Spill: 3, Affinity: &redirector.AffinitySettings{}, Sticky: redirector.Duration(time.Hour), ShareBy: "bytes",
			Retry: -1, OriginMirror: &redirector.OriginMirror{Score: 1, Country: "DE", Lat: &none, Lng: &none},
		}, ""},
		{"policy", redirector.Settings{Policy: "nearest"}, `policy: "nearest" is none of tiers, distance`},
		{"share", redirector.Settings{ShareBy: "files"}, `"files" is none of requests, bytes`},
		{"spill", redirector.Settings{Spill: -1}, "spill: must be between 0 and 1000, not -1"},
		{"sticky", redirector.Settings{Sticky: -1}, "sticky: must not be negative"},
		{"copies", redirector.Settings{Affinity: &redirector.AffinitySettings{Copies: 65}}, "affinity: copies must be between 1 and 64, not 65"},
		{"sizes", redirector.Settings{Affinity: &redirector.AffinitySettings{MinSize: -1}}, "affinity: min_size"},
		{"retry negative", redirector.Settings{Retry: -2}, "retry: must be positive and at most 24h0m0s, or off (-1)"},
		{"retry too long", redirector.Settings{Retry: redirector.Duration(25 * time.Hour)}, "retry: must be positive and at most 24h0m0s"},
		{"no score", redirector.Settings{OriginMirror: &redirector.OriginMirror{}}, "origin_mirror: the score must be at least 1, not 0"},
		{"score", redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: 1 << 40}}, "too large"},
		{"country", redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: 1, Country: "xx"}}, `origin_mirror: "xx" is not the two-letter code of a country`},
		{"continent", redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: 1, Continent: "europe"}}, `continent "europe" is none of`},
		{"half a place", redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: 1, Lat: &none}}, "go together"},
		{"no place", redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: 1, Lat: &far, Lng: &none}}, "between -90 and 90"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &Handler{Settings: tc.conf}
			h.setChoiceDefaults()
			err := h.validateChoice()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// What nodes tell the database is what is in effect.
func TestChoiceDefaults(t *testing.T) {
	d := newDepot(t)
	s := provision(t, Instance{Database: d.url}, &Handler{Settings: redirector.Settings{
		OriginMirror: &redirector.OriginMirror{Score: 7, Country: "BR"}, Affinity: &redirector.AffinitySettings{},
	}})
	var said struct{ Sites []map[string]any }
	d.must(json.Unmarshal([]byte(s.app.settings(s.h.rt)), &said))
	want := map[string]any{
		"policy": "tiers", "share_by": "requests", "retry": float64(-1), "affinity": map[string]any{"copies": 2.0},
		"origin_mirror": map[string]any{"score": 7.0, "country": "br", "continent": "sa"}, "network_headers": false,
	}
	got := map[string]any{}
	for name := range want {
		got[name] = said.Sites[0][name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	raw := `{"retry": "20s", "sticky": "1h"}`
	var h Handler
	d.must(json.Unmarshal([]byte(raw), &h))
	if h.setChoiceDefaults(); time.Duration(h.Retry) != 20*time.Second || time.Duration(h.Sticky) != time.Hour {
		t.Errorf("durations as text: %v, %v", h.Retry, h.Sticky)
	}
	h = Handler{}
	if h.setChoiceDefaults(); time.Duration(h.Retry) != 15*time.Second {
		t.Errorf("retry is %v by default", h.Retry)
	}
}

// A selection is compiled once for what it depends on, and anew when that
// changes.
func TestSelectionFollows(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	id := d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	s := d.site(&Handler{Settings: redirector.Settings{Policy: "distance", Spill: 4, Sticky: redirector.Duration(time.Minute)}})
	s.get("/f.bin")
	first := s.h.selector.now.Load()
	p := first.Policy()
	if p.Order != redirector.OrderDistance || p.Spill != 4 || p.Sticky != time.Minute || p.Key == [16]byte{} || p.Key != s.h.rt.db.catalog.View().Key() {
		t.Errorf("policy %+v", p)
	}
	d.file("g.bin") // another revision, the same mirrors
	d.follow(s)
	if s.get("/f.bin"); s.h.selector.now.Load() != first {
		t.Error("compiled again for nothing")
	}
	_, err := d.store.UpdateMirror(t.Context(), id, "test", "score", func(m *mirror.Mirror) error { m.Score = 5; return nil })
	d.must(err)
	d.follow(s)
	if s.get("/f.bin"); s.h.selector.now.Load() == first {
		t.Error("not compiled for a changed mirror")
	}
	d.must(d.store.SetSetting(t.Context(), settingScanAge, "30d"))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s.get("/f.bin"); s.h.selector.now.Load().Policy().MaxScanAge == 30*24*time.Hour {
			break
		}
		if time.Now().After(end) {
			t.Fatal("not compiled for a changed setting")
		}
	}
}

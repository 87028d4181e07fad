package mirrorbrain

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Rules of the database are followed, those of the configuration go first, and
// what cannot be read changes nothing.
func TestGeoRules(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	s := d.site(&Handler{})
	rules := func(text string) {
		t.Helper()
		d.must(d.store.SetSetting(context.Background(), geoip.RulesSetting, text))
		d.follow(s)
	}
	realm := func(target string, opts ...option) string {
		r := s.get(target, opts...)
		return r.get("mirror") + " " + r.get("realm")
	}
	want := func(what, want, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	want("at first", "de country", realm("/f.bin"))
	rules("override 192.0.2.0/24 country=us\noverride 10.0.0.0/8 country=de asn=64512\ncontinent tr @na")
	want("by override", "us country", realm("/f.bin"))
	want("intranet", "de country", realm("/f.bin", from("10.1.2.3")))
	want("intranet's network", "64512", s.get("/f.bin", from("10.1.2.3")).get("asn"))
	want("continent of a simulated client", "us region", realm("/f.bin?country=tr"))

	rules("override 192.0.2.0/24 country=nowhere")
	want("unreadable rules", "us country", realm("/f.bin"))
	want("unreadable rules", "us region", realm("/f.bin?country=tr"))
	rules("edge de us")
	want("no override any more", "de country", realm("/f.bin"))
	if got := s.h.selection(s.h.rt.db.catalog.View()).rules.Edges().Countries["de"]; len(got) != 1 || got[0] != "us" {
		t.Errorf("edges of the selection: %v", got)
	}
	rules("")
	if got := s.h.selection(s.h.rt.db.catalog.View()).rules.Edges(); len(got.Countries) != 0 || len(got.Neighbours) != 7 {
		t.Errorf("edges without rules: %+v", got)
	}
}

// Nobody waits while another request reads the rules.
func TestGeoRulesAreNotWaitedFor(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	s := d.site(&Handler{})
	s.get("/f.bin")
	d.must(d.store.SetSetting(context.Background(), geoip.RulesSetting, "override 192.0.2.0/24 country=us"))
	d.follow(s)
	in := s.h.rt
	in.rules.mu.Lock()
	read := make(chan string)
	go func() { read <- s.get("/f.bin").get("realm") }()
	select {
	case realm := <-read:
		if realm == "country" {
			t.Error("the rules were read twice")
		}
	case <-time.After(10 * time.Second):
		t.Error("a request waits for another one")
	}
	in.rules.mu.Unlock()
	if realm := s.get("/f.bin").get("realm"); realm != "country" {
		t.Errorf("in the end: %s", realm)
	}
}

func TestGeoOverrides(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	d.must(d.store.SetSetting(context.Background(), geoip.RulesSetting, "override 10.0.0.0/8 country=de\noverride 10.1.0.0/16 country=de"))
	s := newSite(t, Instance{Database: d.url, GeoOverrides: []geoip.Override{{Network: "10.0.0.0/8", Country: "us"}}}, &Handler{Root: d.root})
	d.follow(s)
	for ip, want := range map[string]string{"10.0.0.1": "us", "10.1.0.1": "de"} {
		if got := s.get("/f.bin", from(ip)).get("mirror"); got != want {
			t.Errorf("%s: sent to %s, want %s", ip, got, want)
		}
	}
}

// Rules that could not be read when the server began leave the configuration's.
func TestGeoRulesUnreadableAtFirst(t *testing.T) {
	t.Parallel()
	in := &instance{Instance: Instance{GeoOverrides: []geoip.Override{{Network: "10.0.0.0/8", Country: "us"}}}}
	n := in.compileRules(nil, "nonsense")
	if _, ok := n.rules.Override(prefix("10.1.0.0/16").Addr()); !ok {
		t.Error("the overrides of the configuration are gone")
	}
	if again := in.compileRules(n, "nonsense"); again.rules != n.rules {
		t.Error("the same text was read again")
	}
}

// BenchmarkLocate is what it takes to know a client again, with and without rules.
func BenchmarkLocate(b *testing.B) {
	for name, text := range map[string]string{"none": "", "rules": "override 10.0.0.0/8 country=de\ncontinent tr @eu"} {
		b.Run(name, func(b *testing.B) {
			d := newDepot(b)
			d.file("f.bin")
			d.must(d.store.SetSetting(context.Background(), geoip.RulesSetting, text))
			s := d.site(&Handler{})
			addr := prefix("192.0.2.7/32").Addr()
			b.ReportAllocs()
			for b.Loop() {
				s.h.rt.locate(addr)
			}
		})
	}
}

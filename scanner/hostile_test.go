package scanner

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// dawdler lists new files for ever, or says nothing.
type dawdler struct{ mute bool }

func (dawdler) Protocol() string { return "rsync" }

func (d dawdler) List(ctx context.Context, _ string, yield func(listing.Entry) error) (sum listing.Summary, err error) {
	for ctx.Err() == nil {
		time.Sleep(time.Millisecond)
		if !d.mute {
			if err := yield(listing.Entry{Path: "made/up", SizeMin: 1, SizeMax: 1}); err != nil {
				return sum, err
			}
		}
	}
	return sum, context.Cause(ctx)
}

// A mirror whose listing has no end is left after some time, and listed in
// another way if there is one.
func TestEndlessListing(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 20)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		for why, o := range map[string]Options{
			"did not end within":     {MaxTime: 600 * time.Millisecond, Timeout: 100 * time.Millisecond},
			"sent nothing new for":   {MaxTime: time.Minute, Timeout: 30 * time.Millisecond},
			"more than 50 entries (": {MaxEntries: 50},
		} {
			l := dawdler{mute: strings.HasPrefix(why, "sent")}
			open := func(string, listing.Options) (listing.Lister, error) { return l, nil }
			o.Open, o.Protocols = open, []string{"rsync"}
			if r := w.scan(h, o); r.Err == nil || !strings.Contains(r.Err.Error(), why) {
				t.Errorf("%s: %s", why, r)
			}
			o.Protocols = []string{"rsync", "http"}
			o.Open = func(url string, lo listing.Options) (listing.Lister, error) {
				if strings.HasPrefix(url, "http") {
					return hooked{dir: h.dir}, nil
				}
				return l, nil
			}
			if r := w.scan(h, o); r.Protocol != "http" || !strings.Contains(strings.Join(r.Notes, "\n"), why) {
				t.Errorf("%s, then http: %s", why, r)
			}
		}
	})
}

// What a mirror's answers make us say is fit to print and to store.
func TestOddNamesInErrors(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		put(t, w.root, "evil\x1b[2J\xff\nname", 50, base)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		h.serve("")
		r := w.scan(h, Options{Protocols: []string{"rsync"}})
		stored := w.state(h).Error
		for _, text := range []string{r.Err.Error(), stored} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\n") || !strings.Contains(text, `evil\x1b[2J\xff\nname`) {
				t.Errorf("%q", text)
			}
		}
	})
}

func TestNoRedirectToPlainHTTP(t *testing.T) {
	t.Parallel()
	at := func(s string) *url.URL {
		u, err := url.Parse(s)
		must(t, err)
		return u
	}
	for _, c := range []struct {
		from, to string
		same     bool // within --redirects same-host
		ok       bool // at all
	}{
		{"https://m.example/f", "http://m.example/f", false, false},
		{"https://m.example/f", "http://b.example/f", false, false},
		{"http://m.example/f", "https://m.example/f", true, true},
		{"https://m.example/f", "https://m.example:8443/f", true, true},
		{"http://b.example/f", "http://M.example/f", true, true},
		{"https://m.example/f", "https://cdn.example/f", false, true},
	} {
		for _, how := range []mirror.Redirects{mirror.RedirectsSameHost, mirror.RedirectsPublic, mirror.RedirectsAny} {
			web := newWeb(&mirror.Mirror{HTTP: []string{"http://m.example/", "https://m.example/", "http://b.example/"}, Redirects: how}, time.Second)
			err := web.client.CheckRedirect(&http.Request{URL: at(c.to)}, []*http.Request{{URL: at(c.from)}})
			if want := c.same || c.ok && how != mirror.RedirectsSameHost; (err == nil) != want {
				t.Errorf("%s: from %s to %s: %v", how, c.from, c.to, err)
			}
		}
	}
}

type noVersions struct{}

func (noVersions) Append(dst []mirror.Version, _ string) []mirror.Version { return dst }

// What a matcher keeps is bounded in bytes, not in entries alone.
func TestMatcherMemory(t *testing.T) {
	t.Parallel()
	long := strings.TrimSuffix(strings.Repeat(strings.Repeat("n", 250)+"/", 200), "/")
	target := strings.Repeat("t", 1<<20)
	for _, zone := range []bool{false, true} {
		m := newMatcher(noVersions{}, "sub", nil, nil)
		for i := range 2000 {
			e := listed(5, at, time.Minute)
			e.Path, e.ZoneUnknown, e.Target = long+string(rune('a'+i%26)), zone, target
			m.entry(e)
		}
		kept := 0
		for _, l := range m.late {
			kept += len(l.path) + len(l.entry.Path) + len(l.entry.Target)
		}
		for _, e := range m.buffer {
			kept += len(e.Path) + len(e.Target)
		}
		if kept > maxLateBytes+maxZoneBytes {
			t.Errorf("%d MiB are kept", kept>>20)
		}
		m.end()
		if m.counts.Unknown != 2000 {
			t.Errorf("%d unknown", m.counts.Unknown)
		}
	}
}

// A scan that the proof refuses takes away what was listed as something else.
func TestRefusedScanLosesStale(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		put(t, h.dir, "d3/f3", 500, base) // something else
		must(t, os.Remove(filepath.Join(h.dir, "d4/f4")))
		h.serve("")
		r := w.scan(h, Options{Protocols: []string{"rsync"}})
		if r.Err == nil || r.Removed != 1 {
			t.Errorf("%s", r)
		}
		w.holds(h, 59)
	})
}

// Newly credited files weigh by themselves: half of them must be right.
func TestNewlyCreditedWeigh(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		for i := range 3 {
			put(t, w.root, "new/"+string(rune('a'+i)), 300+i, base.AddDate(0, 1, 0))
		}
		w.index(origin.Options{})
		syncTo(t, w.root, h.dir)
		web := t.TempDir()
		syncTo(t, w.root, web)
		h.serve(web)
		rsync := Options{Protocols: []string{"rsync"}}
		put(t, web, "new/a", 1, base)
		put(t, web, "new/b", 1, base)
		if r := w.scan(h, rsync); r.Err == nil || !strings.Contains(r.Err.Error(), "2 of 3 newly listed") {
			t.Errorf("two of three: %s", r)
		}
		w.holds(h, 60)
		put(t, web, "new/b", 301, base)
		w.accepted(h, rsync)
		w.holds(h, 62)
		// The only new one, now: it is not credited, and nothing else is lost.
		w.accepted(h, rsync)
		w.holds(h, 62)
	})
}

package scanner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// held gives a mirror that holds all of its n files.
func held(w *world, n int, change ...func(*host)) *host {
	w.t.Helper()
	tree(w.t, w.root, n)
	w.index(origin.Options{})
	h := w.mirror("m", change...)
	syncTo(w.t, w.root, h.dir)
	w.accepted(h, Options{Open: hooked{dir: h.dir}.open})
	w.holds(h, n)
	return h
}

// dripping is a server that sends its greeting, if any, and then a byte now and
// then, for ever.
func dripping(t *testing.T, greeting string, every time.Duration) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprint(c, greeting)
				go func() { _, _ = bufio.NewReader(c).WriteTo(discard{}) }()
				for {
					if every == 0 {
						time.Sleep(time.Hour)
					}
					time.Sleep(every)
					if _, err := c.Write([]byte(" ")); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A server that hangs, or sends a byte now and then, is given up, and costs the
// mirror nothing.
func TestSlowServers(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	h := held(w, 20)
	page := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><head><title>Index of /</title></head><body><pre>"
	for name, c := range map[string]struct{ scheme, greeting string }{
		"rsync":   {"rsync", "@RSYNCD: 31.0\n"},
		"ftp":     {"ftp", "220-"},
		"http":    {"http", page},
		"nothing": {"http", ""},
	} {
		for _, every := range []time.Duration{0, 50 * time.Millisecond} {
			m := h.Mirror
			url := c.scheme + "://" + dripping(t, c.greeting, every) + "/pub/"
			w.edit(h, func(m *mirror.Mirror) { m.Rsync, m.FTP, m.HTTP = "", "", []string{url} })
			switch c.scheme {
			case "rsync":
				w.edit(h, func(m *mirror.Mirror) { m.Rsync = url })
			case "ftp":
				w.edit(h, func(m *mirror.Mirror) { m.FTP = url })
			}
			r := w.scan(h, Options{Protocols: []string{c.scheme}, Timeout: 200 * time.Millisecond, MaxTime: 700 * time.Millisecond})
			if r.Err == nil || r.Took > 20*time.Second {
				t.Errorf("%s, a byte each %v: %s", name, every, r)
			}
			w.holds(h, 20)
			h.Mirror = m
		}
	}
}

// A listing that dies at 99 per cent takes nothing away.
func TestDiesAtTheEnd(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	h := held(w, 300)
	must(t, removeAll(h.dir, "d0/f0"))
	l := hooked{dir: h.dir, err: fmt.Errorf("reading the list: %w", net.ErrClosed)}
	if r := w.scan(h, Options{Open: l.open}); r.Err == nil || r.Removed != 0 {
		t.Errorf("%s", r)
	}
	w.holds(h, 300)
	if st := w.state(h); st.Failures != 1 || st.FailingSince.IsZero() {
		t.Errorf("state %+v", st)
	}
}

// A tree that goes round in a circle comes to an end.
func TestLoop(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	h := held(w, 20)
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.FileServer(http.Dir(h.dir)).ServeHTTP(rw, r)
			return
		}
		asked.Add(1)
		fmt.Fprintf(rw, `<html><head><title>Index of %[1]s</title></head><body><h1>Index of %[1]s</h1><ul>
<li><a href="again/"> again/</a></li><li><a href="d0/"> d0/</a></li></ul></body></html>`, r.URL.Path)
	}))
	t.Cleanup(srv.Close)
	w.edit(h, func(m *mirror.Mirror) { m.HTTP = []string{srv.URL + "/"} })
	r := w.scan(h, Options{Protocols: []string{"http"}, MaxEntries: 500, MaxTime: 20 * time.Second})
	if asked.Load() > 1000 {
		t.Errorf("%d folders: %s", asked.Load(), r)
	}
	w.holds(h, 20)
}

// strange yields names that no lister should, and some that one may.
type strange struct{ hooked }

func (l strange) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	for _, name := range []string{"../d0/f0", "d0/../d0/f0", "/d0/f0", "d0//f0", "./d0/f0", "d0/f0/", "d0/f0\x00", "", strings.Repeat("x", 4000), "\xff\xfe", "d0/f0/f0"} {
		if err := yield(listing.Entry{Path: name, SizeMin: 10, SizeMax: 10, MTime: base.UnixNano(), Precision: 1}); err != nil {
			return listing.Summary{}, err
		}
	}
	return l.hooked.List(ctx, sub, yield)
}

func (l strange) open(string, listing.Options) (listing.Lister, error) { return l, nil }

func TestStrangeNames(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	h := held(w, 20)
	for _, change := range []func(*mirror.Mirror){
		func(*mirror.Mirror) {},
		func(m *mirror.Mirror) {
			m.Renames = []mirror.Rename{{Tree: "d1", There: "d2"}, {Tree: "d2", There: "d1"}}
		},
		func(m *mirror.Mirror) { m.Renames = nil; m.Rules.Exclude = []string{"x/**/y", "*.z"} },
	} {
		w.edit(h, change)
		if r := w.accepted(h, Options{Open: strange{hooked{dir: h.dir}}.open, DryRun: true}); r.Err != nil || r.Unknown < 11 {
			t.Errorf("%s", r)
		}
	}
}

// What a scan keeps does not grow with the listing.
func TestMillionEntries(t *testing.T) {
	t.Parallel()
	m := newMatcher(noVersions{}, "", nil, nil)
	for i := range 1_000_000 {
		m.entry(listing.Entry{Path: fmt.Sprintf("folder/file%d", i), SizeMin: 1, SizeMax: 1, MTime: 1, Precision: 1})
	}
	m.end()
	if m.counts.Unknown != 1_000_000 || len(m.late) > maxLateUnknown || len(m.grounds.examples) > maxExamples || len(m.buffer) > 0 || len(m.doubts) > 0 {
		t.Errorf("%+v: %d late, %d examples", m.counts, len(m.late), len(m.grounds.examples))
	}
}

// With the name server gone, that is what the scanner says of itself.
func TestNoNames(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 5)
	w.index(origin.Options{})
	var all []mirror.Mirror
	for i := range 5 {
		m := mirror.Mirror{Name: fmt.Sprintf("m%d", i), Score: 100, HTTP: []string{fmt.Sprintf("http://m%d.invalid/", i)}}
		must(t, w.db.CreateMirror(t.Context(), &m, "test"))
		all = append(all, m)
	}
	u := newUplink()
	reports, err := Scan(t.Context(), w.db, all, Options{Timeout: 2 * time.Second, MaxTime: 2 * time.Second, uplink: u})
	must(t, err)
	if d := Doubt(reports); !strings.Contains(d, "none of 5 host names can be resolved") {
		t.Errorf("%q", d)
	}
}

// The database is killed while a scan is under way: it fails as such, and the
// next one finds everything as it was.
func TestDatabaseKilled(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	w := newWorld(t, cluster.Database(t))
	h := held(w, 60)
	must(t, removeAll(h.dir, "d1"))
	stop := func() { cluster.Stop(t) }
	r := w.scan(h, Options{Open: atEntry(h.dir, 30, stop), LeaseTTL: 2 * time.Second})
	if !errors.Is(r.Err, store.ErrUnreachable) && !errors.Is(r.Err, store.ErrLeaseLost) {
		t.Errorf("killed: %s", r)
	}
	if _, err := Scan(t.Context(), w.db, []mirror.Mirror{h.Mirror}, Options{}); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("while it is away: %v", err)
	}
	cluster.Start(t)
	w.holds(h, 60)
	if st := w.state(h); st.Error != "" {
		t.Errorf("the mirror is to blame: %+v", st)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if r = w.scan(h, Options{Open: hooked{dir: h.dir}.open}); r.Skipped == "" {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the lease stays: %s", r)
		}
	}
	if r.Err != nil || r.Removed != 9 {
		t.Errorf("after it: %s", r)
	}
}

// No request of ours follows a mirror to another host, or to a private address,
// unless its settings allow that.
func TestNoStrangers(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		fmt.Fprint(w, "metadata")
	}))
	t.Cleanup(secret.Close)
	there := strings.Replace(secret.URL, "127.0.0.1", "localhost", 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, there+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(front.Close)
	files := []sampled{{"f", mirror.Version{ID: 1, Size: 1<<32 + 100}}}
	for _, how := range []mirror.Redirects{"", mirror.RedirectsSameHost, mirror.RedirectsPublic, mirror.RedirectsAny} {
		m := mirror.Mirror{HTTP: []string{front.URL + "/"}, Redirects: how}
		s := &scan{m: m, o: Options{DigestSize: 100}}
		var err error
		s.web, err = openWeb(&m, 5*time.Second)
		must(t, err)
		for what, ask := range map[string]func() bool{
			"proof and absence": func() bool { return s.askAll(t.Context(), m.HTTP[0], files)[0].e == nil },
			"a question":        func() bool { _, err := s.asking()(t.Context(), "f"); return err == nil },
			"a range":           func() bool { return s.askRange(t.Context(), files[0]).err == nil },
			"a digest":          func() bool { return s.sum(t.Context(), "f") != nil },
		} {
			visits.Store(0)
			answered := ask()
			if allowed := how == mirror.RedirectsAny; answered != allowed || (visits.Load() > 0) != allowed {
				t.Errorf("%s, redirects %q: answered %v, %d visits", what, how, answered, visits.Load())
			}
		}
		s.web.close()
	}
}

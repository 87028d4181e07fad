package scanner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// runs gives what is remembered of the scans of a mirror.
func (w *world) runs(h *host) []mirror.Run {
	w.t.Helper()
	history, err := w.db.MirrorHistory(w.t.Context(), h.ID, time.Time{})
	must(w.t, err)
	return history.Runs
}

// What is remembered of scans: full ones, good and bad, and how quickly the web
// server answered.
func TestRunsOfScans(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 250)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		must(t, os.RemoveAll(h.dir+"/d0"))
		const slow = 10 * time.Millisecond
		web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(slow)
			http.FileServer(http.Dir(*h.root.Load())).ServeHTTP(rw, r)
		}))
		t.Cleanup(web.Close)
		w.edit(h, func(m *mirror.Mirror) { m.HTTP = []string{web.URL + "/"} })

		w.accepted(h, Options{DryRun: true})
		w.accepted(h, Options{Subtree: "d1"})
		if runs := w.runs(h); len(runs) > 0 {
			t.Errorf("before a full scan: %+v", runs)
		}
		r := w.accepted(h, Options{})
		runs := w.runs(h)
		if len(runs) != 1 {
			t.Fatalf("%+v", runs)
		}
		if run := runs[0]; !run.OK || run.Protocol != "rsync" || run.Files != 250 || run.Held != r.Held || run.Held != 214 ||
			run.Response < slow || run.Response != r.Response || run.Took <= 0 || run.Error != "" {
			t.Errorf("%+v, reported %+v", run, r)
		}
		// What the guard stops is a failure, measured all the same.
		elsewhere := t.TempDir()
		syncTo(t, h.dir, elsewhere)
		h.serve(elsewhere)
		must(t, os.RemoveAll(h.dir))
		must(t, os.Mkdir(h.dir, 0o755))
		if r := w.scan(h, Options{}); r.Err == nil {
			t.Fatalf("%s", r)
		}
		runs = w.runs(h)
		if len(runs) != 2 {
			t.Fatalf("%+v", runs)
		}
		if run := runs[1]; run.OK || run.Protocol != "rsync" || run.Held != 214 || run.Response < slow || !strings.Contains(run.Error, "the listing is wrong") {
			t.Errorf("%+v", run)
		}
		// A listing that cannot be had tells no password.
		w.edit(h, func(m *mirror.Mirror) { m.Rsync = "rsync://me:secret@127.0.0.1:1/pub/" })
		if r := w.scan(h, Options{Protocols: []string{"rsync"}}); r.Err == nil {
			t.Fatalf("%s", r)
		}
		runs = w.runs(h)
		if run := runs[len(runs)-1]; run.OK || run.Protocol != "" || run.Response != 0 || run.Error == "" || strings.Contains(run.Error, "secret") {
			t.Errorf("%+v", run)
		}
	})
}

// Scans that fail by our fault are not held against mirrors.
func TestRunsInDoubt(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 5)
	w.index(origin.Options{})
	var hosts []*host
	var mirrors []mirror.Mirror
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		h := w.mirror(name)
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		m, err := w.db.Mirror(t.Context(), name)
		must(t, err)
		hosts, mirrors = append(hosts, h), append(mirrors, m)
	}
	open := func(string, listing.Options) (listing.Lister, error) { return nil, context.DeadlineExceeded }
	reports, err := Scan(t.Context(), w.db, mirrors, Options{Open: open})
	must(t, err)
	if Doubt(reports) == "" {
		t.Error("no doubt")
	}
	for _, h := range hosts {
		if runs := w.runs(h); len(runs) != 1 || !runs[0].OK {
			t.Errorf("%s: %+v", h.Name, runs)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	var w waits
	if w.median() != 0 {
		t.Error("of nothing")
	}
	for _, d := range []time.Duration{9, 0, 1, 5, -3, 7} {
		w.add(d)
	}
	if got := w.median(); got != 5 {
		t.Errorf("of four: %d", got)
	}
	w.add(8)
	if got := w.median(); got != 7 {
		t.Errorf("of five: %d", got)
	}
}

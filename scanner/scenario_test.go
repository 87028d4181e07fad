package scanner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

func TestCompletePartialStale(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		put(t, w.root, "odd/\xff name#?%", 5, base)
		must(t, os.Symlink("d1", filepath.Join(w.root, "link")))
		w.index(origin.Options{})
		complete, partial, stale := w.mirror("complete"), w.mirror("partial"), w.mirror("stale")
		for _, h := range []*host{complete, partial, stale} {
			syncTo(t, w.root, h.dir)
		}
		must(t, os.RemoveAll(filepath.Join(partial.dir, "d3")))
		put(t, partial.dir, "d4/f4", 3, base.Add(time.Hour))        // cut off while it came
		put(t, stale.dir, "d5/f5", 10+5, base.Add(-time.Hour))      // of last year
		put(t, stale.dir, "elsewhere/x", 1, base)                   // not ours
		must(t, os.Remove(filepath.Join(stale.dir, "d6/f6")))       // a folder now
		must(t, os.Mkdir(filepath.Join(stale.dir, "d6/f6"), 0o755)) //
		r := w.accepted(complete, Options{Enable: true})
		if r.Listed != 61 || r.Held != 61 || r.Added != 61 || r.Protocol != "rsync" || r.Advice != "" {
			t.Errorf("complete: %s", r)
		}
		if m, _ := w.db.Mirror(t.Context(), "complete"); !m.Enabled || m.Scan.Held != 61 {
			t.Errorf("mirror after the scan: %+v", m)
		}
		if r = w.accepted(partial, Options{}); r.Held != 61-9-1 || r.Stale != 1 {
			t.Errorf("partial: %s", r)
		}
		if r = w.accepted(stale, Options{}); r.Held != 61-2 || r.Stale != 1 || r.Unknown != 1 || r.NotFiles != 1 {
			t.Errorf("stale: %s", r)
		}
		if held := w.held(stale); slices.Contains(held, "d5/f5") || slices.Contains(held, "d6/f6") {
			t.Errorf("stale holds %q", held)
		}
		if r = w.accepted(complete, Options{}); r.Added != 0 || r.Removed != 0 {
			t.Errorf("again: %s", r)
		}
	})
}

// A mirror rolled back to last month's tree loses what is stale, although so
// much is absent that the guard would refuse.
func TestRolledBackMirror(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 100)
		old := t.TempDir()
		syncTo(t, w.root, old)
		// The month: 60 files replaced, 300 new ones.
		for i := range 60 {
			put(t, w.root, fmt.Sprintf("d%d/f%d", i%7, i), 1000+i, base.AddDate(0, 1, 0))
		}
		for i := range 300 {
			put(t, w.root, fmt.Sprintf("new/%d", i), 2000+i, base.AddDate(0, 1, 0))
		}
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.holds(h, 400)

		// The web server is rolled back with the tree, but HEAD has no answer: what
		// is absent stays, what is listed as something else goes.
		syncTo(t, old, h.dir)
		saved := h.HTTP
		w.edit(h, func(m *mirror.Mirror) { m.HTTP = []string{"http://127.0.0.1:1/"} })
		r := w.scan(h, Options{})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "does not tell") {
			t.Errorf("without an answer: %s", r)
		}
		w.holds(h, 340)
		if st := w.state(h); st.Error == "" || st.FailingSince.IsZero() {
			t.Errorf("state: %+v", st)
		}

		// With answers the holdings follow.
		w.edit(h, func(m *mirror.Mirror) { m.HTTP = saved })
		r = w.accepted(h, Options{})
		w.holds(h, 40)
		if !strings.Contains(strings.Join(r.Notes, "\n"), "gone by HEAD too") {
			t.Errorf("notes: %q", r.Notes)
		}
	})
}

// An unmounted disk empties the listing and the web server alike: the mirror
// is out of service. A listing that is empty for another reason, while the web
// server has the files, changes nothing.
func TestUnmountedDiskAndBrokenListing(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 250)
		w.index(origin.Options{})
		broken, unmounted, wrong, login := w.mirror("broken"), w.mirror("unmounted"), w.mirror("wrongmodule"), w.mirror("login")
		for _, h := range []*host{broken, unmounted, wrong, login} {
			syncTo(t, w.root, h.dir)
			w.accepted(h, Options{})
			w.holds(h, 250)
		}
		elsewhere := t.TempDir()
		syncTo(t, w.root, elsewhere)
		for _, h := range []*host{broken, unmounted, login} {
			must(t, os.RemoveAll(h.dir))
			must(t, os.Mkdir(h.dir, 0o755))
		}
		broken.serve(elsewhere)
		r := w.scan(broken, Options{})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "the listing is wrong") {
			t.Errorf("broken listing: %s", r)
		}
		w.holds(broken, 250)
		r = w.accepted(unmounted, Options{Protocols: []string{"rsync"}})
		if r.Removed != 250 || len(r.Notes) == 0 {
			t.Errorf("unmounted disk: %s", r)
		}
		w.holds(unmounted, 0)
		// A web server that answers 200 to everything, with a page of its own.
		pages := t.TempDir()
		for i := range 250 {
			put(t, pages, fmt.Sprintf("d%d/f%d", i%7, i), 5000, base)
		}
		login.serve(pages)
		w.accepted(login, Options{Protocols: []string{"rsync"}})
		w.holds(login, 0)
		// --force believes the listing without asking.
		w.accepted(broken, Options{Force: true})
		w.holds(broken, 0)

		// The module's folder, or the module itself, is gone.
		wrong.serve("")
		w.edit(wrong, func(m *mirror.Mirror) { m.Rsync = wrong.rsync.URL("nomodule") })
		w.accepted(wrong, Options{Protocols: []string{"rsync"}})
		w.holds(wrong, 0)
	})
}

// A listing that lacks a part and says so takes nothing away.
func TestIncompleteListing(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		// What such a listing lacks is not absent: d1 is still served.
		short := t.TempDir()
		syncTo(t, w.root, short)
		must(t, os.RemoveAll(filepath.Join(short, "d1")))
		w.accepted(h, Options{Open: hooked{dir: short, cut: true}.open})
		w.holds(h, 60)
		// But what the web server does not have either is gone, so that a folder
		// that cannot be read does not keep everything credited for ever.
		must(t, os.RemoveAll(filepath.Join(h.dir, "d1")))
		put(t, h.dir, "d2/f2", 1, base)
		w.accepted(h, Options{Open: hooked{dir: h.dir, cut: true}.open})
		w.holds(h, 50)
		// One that breaks off changes nothing, and the next protocol is tried.
		put(t, h.dir, "d3/f3", 1, base)
		r := w.scan(h, Options{Open: hooked{dir: h.dir, err: errors.New("connection reset")}.open})
		if r.Err == nil || strings.Count(r.Err.Error(), "connection reset") != 2 {
			t.Errorf("broken off: %s", r)
		}
		w.holds(h, 50)
	})
}

// What rsync lists is not what the web server has.
func TestWebServesSomethingElse(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		other := t.TempDir()
		for i := range 60 {
			put(t, other, fmt.Sprintf("d%d/f%d", i%7, i), 7, base)
		}
		for dir, why := range map[string]string{other: "instead of", "": "status 404"} {
			h.serve(dir)
			if r := w.scan(h, Options{}); r.Err == nil || !strings.Contains(r.Err.Error(), why) {
				t.Errorf("%q: %s", why, r)
			}
			w.holds(h, 0)
		}
		// A single file that differs is not credited, and stops nothing.
		syncTo(t, w.root, other)
		put(t, other, "d3/f59", 1, base)
		h.serve(other)
		w.accepted(h, Options{})
		w.holds(h, 59)
	})
}

// The origin's file is replaced by one of the same size and an older mtime
// while a mirror still has the newer, replaced one.
func TestReplacedByOlder(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 10)
		put(t, w.root, "x", 100, base.AddDate(0, 1, 0))
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.holds(h, 11)
		put(t, w.root, "x", 100, base)
		w.index(origin.Options{})
		w.holds(h, 10) // a changed file starts without mirrors
		w.accepted(h, Options{})
		w.holds(h, 10)
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.holds(h, 11)
		// Newer than both, but from before the index saw the second: no telling.
		put(t, h.dir, "x", 100, base.AddDate(0, 2, 0))
		if r := w.accepted(h, Options{}); r.Doubtful != 1 {
			t.Errorf("doubtful: %s", r)
		}
		w.holds(h, 10)
	})
}

// Everything on the origin is touched: with --same mirrors go on counting, by
// the old times and by the new.
func TestEverythingTouched(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 150)
		w.index(origin.Options{})
		before, after := w.mirror("before"), w.mirror("after")
		syncTo(t, w.root, before.dir)
		w.accepted(before, Options{})
		now := time.Now()
		for i := range 150 {
			must(t, os.Chtimes(filepath.Join(w.root, fmt.Sprintf("d%d/f%d", i%7, i)), now, now))
		}
		if _, err := origin.Index(t.Context(), w.db, origin.Options{Root: w.root}); !errors.Is(err, origin.ErrRefused) {
			t.Errorf("touched: %v", err)
		}
		w.index(origin.Options{Same: true})
		w.holds(before, 150)
		w.accepted(before, Options{})
		w.holds(before, 150)
		syncTo(t, w.root, after.dir)
		w.accepted(after, Options{})
		w.holds(after, 150)
	})
}

// During a long full scan the index changes, a subtree is scanned, and a file
// is taken away by hand: none of it is lost.
func TestIndexAndSubtreeScanDuringScan(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 100)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		during := func(n int) {
			if n != 50 {
				return
			}
			// A new release arrives on the origin and, at once, on the mirror.
			for i := range 20 {
				put(t, w.root, fmt.Sprintf("release/r%d", i), 500+i, base)
			}
			put(t, w.root, "d6/f97", 5000, base.AddDate(0, 1, 0))
			w.index(origin.Options{})
			syncTo(t, filepath.Join(w.root, "release"), filepath.Join(h.dir, "release"))
			r := w.accepted(h, Options{Subtree: "release", Protocols: []string{"rsync"}})
			if r.Held != 20 {
				t.Errorf("subtree scan: %s", r)
			}
		}
		// The long scan began before: its listing has nothing of the release.
		stale := t.TempDir()
		syncTo(t, w.root, stale)
		w.accepted(h, Options{Open: hooked{dir: stale, at: during}.open})
		got := w.held(h)
		if len(got) != 119 || slices.Contains(got, "d6/f97") || !slices.Contains(got, "release/r7") {
			t.Errorf("holds %d files: %q", len(got), got)
		}
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.holds(h, 120)
	})
}

// A file that appears during a scan, on the origin and on the mirror, is
// credited by that very scan when its listing had it.
func TestNewFileDuringScan(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 50)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		put(t, w.root, "d0/f0", 777, base.AddDate(0, 1, 0)) // replaced
		put(t, w.root, "znew", 42, base.AddDate(0, 1, 0))   // new
		syncTo(t, w.root, h.dir)
		indexed := func(n int) {
			if n == 30 {
				w.index(origin.Options{})
			}
		}
		r := w.accepted(h, Options{Open: hooked{dir: h.dir, at: indexed}.open})
		w.holds(h, 51)
		if r.Stale != 0 || r.Unknown != 0 {
			t.Errorf("counts: %s", r)
		}
	})
}

func TestTwoScansOfOneMirror(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 30)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		other := func(n int) {
			if n == 10 {
				if r := w.scan(h, Options{Holder: "second"}); !strings.Contains(r.Skipped, "first") {
					t.Errorf("second scan: %s", r)
				}
			}
		}
		w.accepted(h, Options{Holder: "first", Open: hooked{dir: h.dir, at: other}.open})
		w.holds(h, 30)
		w.accepted(h, Options{})
	})
}

// Interrupting a scan loses nothing, is not the mirror's fault, and frees it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 40)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		must(t, os.RemoveAll(filepath.Join(h.dir, "d1")))
		for _, n := range []int{0, 20} {
			ctx, cancel := context.WithCancel(t.Context())
			stop := hooked{dir: h.dir, at: func(i int) {
				if i == n {
					cancel()
				}
			}}
			r, err := Scan(ctx, w.db, []mirror.Mirror{h.Mirror}, Options{Open: stop.open})
			must(t, err)
			if !errors.Is(r[0].Err, context.Canceled) {
				t.Errorf("interrupted: %s", r[0])
			}
		}
		w.holds(h, 40)
		if st := w.state(h); st.Error != "" {
			t.Errorf("state: %+v", st)
		}
		w.accepted(h, Options{})
		w.holds(h, 34)
	})
}

// A mirror that stood for the whole tree, and stands for a folder now, is not
// credited any more with what lies elsewhere.
func TestSubtreeNarrowed(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		h := w.mirror("narrowed")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.holds(h, 70)
		syncTo(t, filepath.Join(w.root, "d2"), h.dir)
		w.edit(h, func(m *mirror.Mirror) { m.Subtree = "d2" })
		if r := w.accepted(h, Options{}); r.Held != 10 || r.Removed != 60 {
			t.Errorf("scan: %s", r)
		}
		w.holds(h, 10)
	})
}

// A mirror that carries a folder of the tree, and scans of a folder.
func TestSubtrees(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		part := w.mirror("part", func(h *host) { h.Subtree = "d2" })
		full := w.mirror("full")
		syncTo(t, filepath.Join(w.root, "d2"), part.dir)
		syncTo(t, w.root, full.dir)
		w.accepted(part, Options{})
		w.holds(part, 10)
		w.accepted(full, Options{Subtree: "d3"})
		w.holds(full, 10)
		if !w.state(full).Succeeded.IsZero() {
			t.Error("the scan of a folder counts as a scan of the mirror")
		}
		w.accepted(full, Options{})
		must(t, os.RemoveAll(filepath.Join(full.dir, "d4")))
		must(t, os.RemoveAll(filepath.Join(full.dir, "d5")))
		r := w.accepted(full, Options{Subtree: "d4", Protocols: []string{"rsync"}})
		if !strings.Contains(strings.Join(r.Notes, "\n"), "no such folder") || r.Removed != 10 {
			t.Errorf("the folder is not there: %s", r)
		}
		w.holds(full, 60)
		empty := w.mirror("empty")
		if r = w.accepted(empty, Options{Subtree: "d4", Protocols: []string{"rsync"}}); r.Listed != 0 || r.Held != 0 {
			t.Errorf("it never was: %s", r)
		}
		w.accepted(part, Options{Subtree: "d2"})
		if r = w.scan(part, Options{Subtree: "d3"}); r.Skipped == "" {
			t.Errorf("other folder: %s", r)
		}
		r = w.accepted(full, Options{DryRun: true})
		if r.Removed != 10 {
			t.Errorf("dry run: %s", r)
		}
		w.holds(full, 60)
	})
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		h := w.mirror("m")
		// The URL begins inside the tree.
		syncTo(t, filepath.Join(w.root, "d2"), h.dir)
		if r := w.accepted(h, Options{}); !strings.Contains(r.Advice, "--subtree d2") {
			t.Errorf("inside: %s", r)
		}
		// It begins above the tree.
		must(t, os.RemoveAll(h.dir))
		must(t, os.Mkdir(h.dir, 0o755))
		syncTo(t, w.root, filepath.Join(h.dir, "pub/project"))
		if r := w.accepted(h, Options{}); !strings.Contains(r.Advice, `add "pub/project/"`) {
			t.Errorf("above: %s", r)
		}
		// Its times are an hour off.
		syncTo(t, w.root, h.dir)
		for i := range 70 {
			at := base.Add(time.Duration(i)*time.Minute - time.Hour)
			must(t, os.Chtimes(filepath.Join(h.dir, fmt.Sprintf("d%d/f%d", i%7, i)), at, at))
		}
		if r := w.accepted(h, Options{}); !strings.Contains(r.Advice, "off by -1h0m0s") {
			t.Errorf("times: %s", r)
		}
		// Another project's.
		syncTo(t, w.root, h.dir)
		must(t, os.Rename(filepath.Join(h.dir, "d1"), filepath.Join(h.dir, "q")))
		for i := range 100 {
			put(t, h.dir, fmt.Sprintf("foreign/%d", i), 1, base)
		}
		if r := w.accepted(h, Options{}); !strings.Contains(r.Advice, "unknown to the origin") {
			t.Errorf("foreign: %s", r)
		}
	})
}

// Mirrors are scanned side by side, and one that fails stops no other.
func TestMany(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 20)
		w.index(origin.Options{})
		var all []mirror.Mirror
		var hosts []*host
		for i := range 6 {
			h := w.mirror(fmt.Sprintf("m%d", i))
			syncTo(t, w.root, h.dir)
			if i == 3 {
				h.rsync.Stop()
				h.web.Close()
			}
			all, hosts = append(all, h.Mirror), append(hosts, h)
		}
		reports, err := Scan(t.Context(), w.db, all, Options{Jobs: 3, Timeout: 5 * time.Second})
		must(t, err)
		for i, r := range reports {
			if (r.Err != nil) != (i == 3) {
				t.Errorf("%d: %s", i, r)
			}
			if i != 3 {
				w.holds(hosts[i], 20)
			}
		}
		if st := w.state(hosts[3]); st.Error == "" {
			t.Errorf("state of the failed one: %+v", st)
		}
		if _, err := Scan(t.Context(), w.db, all, Options{Protocols: []string{"gopher"}}); err == nil {
			t.Error("an unknown protocol is accepted")
		}
	})
}

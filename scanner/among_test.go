package scanner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// atEntry runs something once, at the given entry of a listing of dir.
func atEntry(dir string, n int, do func()) OpenLister {
	return hooked{dir: dir, at: func(i int) {
		if i == n {
			do()
		}
	}}.open
}

// During a full scan, a scan of a folder credits what the full one's listing
// did not have yet, and takes away what it still had; a file is taken away by
// hand. All of it stays.
func TestFullAndSubtreeScanAtOnce(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		must(t, os.Remove(filepath.Join(h.dir, "d2/f2")))
		must(t, os.Remove(filepath.Join(h.dir, "d2/f9")))
		w.accepted(h, Options{})
		w.holds(h, 68)
		listed := t.TempDir() // as the full scan sees it
		syncTo(t, h.dir, listed)
		during := func() {
			put(t, h.dir, "d2/f2", 12, base.Add(2*time.Minute))
			must(t, os.Remove(filepath.Join(h.dir, "d2/f16")))
			w.accepted(h, Options{Subtree: "d2", Protocols: []string{"rsync"}})
			byHand := roaring.New()
			vs, err := w.db.VersionsOf(t.Context(), "d3/f3")
			must(t, err)
			byHand.Add(uint32(vs[0].ID))
			must(t, w.db.SetHeld(t.Context(), h.ID, nil, byHand, "test"))
		}
		w.accepted(h, Options{Open: atEntry(listed, 40, during)})
		got := w.held(h)
		if len(got) != 67 || !slices.Contains(got, "d2/f2") || slices.Contains(got, "d2/f16") || slices.Contains(got, "d3/f3") {
			t.Errorf("holds %d files: %q", len(got), got)
		}
	})
}

// A mirror that is edited, renamed or deleted while its scan runs.
func TestMirrorChangesDuringScan(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 30)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		old := h.Mirror
		r := w.scan(h, Options{Open: atEntry(h.dir, 10, func() {
			w.edit(h, func(m *mirror.Mirror) { m.HTTP = append(m.HTTP, "https://m.example/") })
		})})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "changed meanwhile") {
			t.Errorf("edited: %s", r)
		}
		w.holds(h, 0)
		if st := w.state(h); st.Error != "" {
			t.Errorf("edited: it is to blame: %+v", st)
		}
		w.edit(h, func(m *mirror.Mirror) { m.HTTP = old.HTTP })
		// The list of mirrors may be hours old.
		stale := old
		stale.HTTP, stale.Rsync = []string{"http://127.0.0.1:1/"}, ""
		reports, err := Scan(t.Context(), w.db, []mirror.Mirror{stale}, Options{})
		must(t, err)
		if reports[0].Err != nil {
			t.Errorf("listed long ago: %s", reports[0])
		}
		stale.Subtree = "d1"
		reports, err = Scan(t.Context(), w.db, []mirror.Mirror{stale}, Options{})
		must(t, err)
		if reports[0].Err == nil {
			t.Errorf("listed with another subtree: %s", reports[0])
		}
		w.accepted(h, Options{Open: atEntry(h.dir, 10, func() {
			w.edit(h, func(m *mirror.Mirror) { m.Name = "renamed" })
		})})
		w.holds(h, 30)
		r = w.scan(h, Options{Open: atEntry(h.dir, 10, func() { must(t, w.db.DeleteMirror(t.Context(), h.ID, "test")) })})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "deleted during the scan") {
			t.Errorf("deleted: %s", r)
		}
		if r = w.scan(h, Options{}); r.Skipped == "" {
			t.Errorf("after that: %s", r)
		}
	})
}

// The folder that a mirror is limited to is all of it.
func TestSubtreeIsAllOfMirror(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		h := w.mirror("part", func(h *host) { h.Subtree, h.EnableAfterScan = "d2", true })
		syncTo(t, filepath.Join(w.root, "d2"), h.dir)
		other := func() {
			if r := w.scan(h, Options{}); r.Skipped == "" {
				t.Errorf("both at once: %s", r)
			}
		}
		w.accepted(h, Options{Subtree: "d2", Open: atEntry(h.dir, 5, other)})
		w.holds(h, 10)
		if m, err := w.db.Mirror(t.Context(), "part"); err != nil || !m.Enabled || m.Scan.Succeeded.IsZero() {
			t.Errorf("%v, %+v", err, m)
		}
	})
}

// A dry run writes nothing, whatever it sees.
func TestDryRun(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 70)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		w.edit(h, func(m *mirror.Mirror) { m.EnableAfterScan = true })
		head := func() store.Head {
			got, err := w.db.Head(t.Context())
			must(t, err)
			return got
		}
		before, was := head(), w.state(h)
		put(t, h.dir, "d1/f1", 700, base)
		good := w.scan(h, Options{DryRun: true})
		must(t, os.Rename(filepath.Join(h.dir, "d1"), filepath.Join(h.dir, "q")))
		h.serve("")
		wrong := w.scan(h, Options{DryRun: true, Protocols: []string{"rsync"}})
		must(t, os.RemoveAll(h.dir))
		must(t, os.Mkdir(h.dir, 0o755))
		gone := w.scan(h, Options{DryRun: true, Protocols: []string{"rsync"}, Enable: true})
		if good.Err != nil || good.Removed != 1 || wrong.Err == nil || gone.Err != nil || gone.Removed != 70 {
			t.Errorf("good: %s\nwrong: %s\ngone: %s", good, wrong, gone)
		}
		if got := head(); got != before {
			t.Errorf("the database was at %v, is at %v", before, got)
		}
		if diff := cmp.Diff(was, w.state(h)); diff != "" {
			t.Error(diff)
		}
	})
}

// An entry is counted once.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 60)
		must(t, os.Symlink("f1", filepath.Join(w.root, "d1/link")))
		put(t, w.root, "x", 100, base.AddDate(0, 1, 0))
		w.index(origin.Options{})
		put(t, w.root, "x", 100, base)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		put(t, h.dir, "x", 100, base.AddDate(0, 2, 0)) // doubtful
		put(t, h.dir, "d2/f2", 999, base)              // stale
		put(t, h.dir, "foreign", 9, base)              // unknown
		must(t, os.Remove(filepath.Join(h.dir, "d1/link")))
		put(t, h.dir, "d1/link", 11, base) // a link on the origin
		r := w.accepted(h, Options{})
		if sum := int(r.Held) + r.Unknown + r.Aliases + r.Stale + r.Doubtful + r.Unasked; sum != r.Listed || r.Aliases != 1 || r.Doubtful != 1 || r.Stale != 1 || r.Unknown != 1 {
			t.Errorf("%d counted: %s %+v", sum, r, r)
		}
	})
}

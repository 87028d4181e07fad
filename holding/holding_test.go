package holding

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func TestLacks(t *testing.T) {
	t.Parallel()
	many := roaring.New()
	many.AddRange(1, 1_000_001)
	for _, test := range []struct {
		name       string
		tree, held *roaring.Bitmap
		id         uint32
		behind     bool
	}{
		{"no files", roaring.New(), roaring.BitmapOf(1), 0, false},
		{"nothing held", roaring.BitmapOf(3, 5), roaring.New(), 3, true},
		{"only what is gone", roaring.BitmapOf(3, 5), roaring.BitmapOf(1, 4, 9), 3, true},
		{"all", roaring.BitmapOf(3, 5), roaring.BitmapOf(3, 5), 0, false},
		{"the newest, but not all", roaring.BitmapOf(3, 5), roaring.BitmapOf(5), 0, false},
		{"behind", roaring.BitmapOf(3, 5, 9, 10), roaring.BitmapOf(3, 5), 9, true},
		{"behind, with a former version newer than that", roaring.BitmapOf(3, 5, 9), roaring.BitmapOf(5, 7), 9, true},
		{"far behind", many, roaring.BitmapOf(7), 8, true},
		{"far behind by one", many, roaring.Flip(many, 1_000_000, 1_000_001), 1_000_000, true},
		{"the last id", roaring.BitmapOf(1<<32 - 1), roaring.BitmapOf(1<<32 - 1), 0, false},
	} {
		if id, behind := Lacks(test.tree, test.held); id != test.id || behind != test.behind {
			t.Errorf("%s: %d %v, want %d %v", test.name, id, behind, test.id, test.behind)
		}
	}
}

// Lacks is what its words say, whatever the sets.
func TestLacksAtRandom(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		tree, held := roaring.New(), roaring.New()
		for range r.IntN(200) {
			tree.Add(1 + r.Uint32N(1000))
			held.Add(1 + r.Uint32N(1+r.Uint32N(1000)))
		}
		if r.IntN(2) == 0 {
			tree.AddRange(200_000, 200_000+r.Uint64N(100))
			held.AddRange(200_000, 200_000+r.Uint64N(100))
			tree.RunOptimize()
			held.RunOptimize()
		}
		var newest, want uint32
		for _, id := range tree.ToArray() {
			if held.Contains(id) {
				newest = id
			}
		}
		for _, id := range tree.ToArray() {
			if id > newest {
				want = id
				break
			}
		}
		if id, behind := Lacks(tree, held); id != want || behind != (want != 0) {
			t.Fatalf("tree %v, held %v: %d %v, want %d", tree, held, id, behind, want)
		}
	}
}

// each runs a test on both databases.
func each(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": func() string { return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(url(), store.Options{})
			must(t, err)
			t.Cleanup(func() { s.Close() })
			must(t, s.Prepare(t.Context()))
			test(t, s)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// index adds files, one run for each, and gives their ids.
func index(t *testing.T, s *store.Store, paths ...string) []uint32 {
	t.Helper()
	ctx := t.Context()
	var ids []uint32
	for _, p := range paths {
		l, err := s.Acquire(ctx, "index", "test", time.Minute)
		must(t, err)
		_, err = s.ApplyIndex(ctx, l, store.IndexBatch{Add: []store.NewFile{{Path: p, Size: 1, MTime: 1e18, Precision: time.Second}}})
		must(t, err)
		must(t, s.FinishIndex(ctx, l, store.Origin{URL: "file:///x"}, store.IndexStats{}))
		must(t, s.Release(ctx, l))
		v, err := s.VersionsOf(ctx, p)
		must(t, err)
		ids = append(ids, uint32(v[0].ID))
		time.Sleep(2 * time.Millisecond) // SQLite's clock has milliseconds
	}
	return ids
}

func newMirror(t *testing.T, s *store.Store, name, subtree string, held ...uint32) {
	t.Helper()
	m := mirror.Mirror{Name: name, HTTP: []string{"https://m.example/"}, Subtree: subtree, Score: 100}
	must(t, s.CreateMirror(t.Context(), &m, "me"))
	must(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(held...), nil, "me"))
}

func read(t *testing.T, r *Reader, s *store.Store) *Report {
	t.Helper()
	w, err := World(t.Context(), s)
	must(t, err)
	report, err := r.Read(t.Context(), w)
	must(t, err)
	return report
}

func TestRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ids := index(t, s, "iso/a.iso", "iso/b.txt", "deb/debug/x", "iso/\xff.iso", "deb/y")
		seen := func(i int) time.Time {
			at, err := s.Seen(ctx, roaring.BitmapOf(ids[i]))
			must(t, err)
			return at[mirror.FileID(ids[i])]
		}
		must(t, s.SetMarkers(ctx, []store.Marker{
			{Name: "ISOs", Paths: []string{"iso/*.iso", "/iso/b.txt"}},
			{Name: "no debug", Paths: []string{"deb", "!deb/debug/**"}},
			{Name: "any x", Paths: []string{"**/x"}},
			{Name: "nothing", Paths: []string{"gone/*"}},
		}, "me"))
		newMirror(t, s, "all", "", ids...)
		newMirror(t, s, "behind", "", ids[0], ids[2], 9999)
		newMirror(t, s, "none", "")
		newMirror(t, s, "iso", "iso", ids[0], ids[1], ids[3])
		newMirror(t, s, "deb", "deb", ids[0], ids[2]) // the first from when it stood for all
		newMirror(t, s, "strange", "no/such/folder", ids[0])
		r := New(s)
		want := &Report{Files: 5, Markers: []string{"ISOs", "no debug", "any x", "nothing"}, Copies: []mirror.Copy{
			{Held: 5, Files: 5, Markers: []mirror.MarkerCopy{{Held: 3, Files: 3, Has: true}, {Held: 2, Files: 2}, {Held: 1, Files: 1, Has: true}, {}}},
			{Held: 2, Files: 5, BehindSince: seen(3), Markers: []mirror.MarkerCopy{{Held: 1, Files: 3}, {Held: 1, Files: 2}, {Held: 1, Files: 1, Has: true}, {}}},
			{Held: 0, Files: 5, BehindSince: seen(0), Markers: []mirror.MarkerCopy{{Files: 3}, {Files: 2}, {Files: 1}, {}}},
			{Held: 3, Files: 3, Markers: []mirror.MarkerCopy{{Held: 3, Files: 3, Has: true}, {Files: 2}, {Files: 1}, {}}},
			{Held: 1, Files: 2, BehindSince: seen(4), Markers: []mirror.MarkerCopy{{Held: 1, Files: 3}, {Held: 1, Files: 2}, {Held: 1, Files: 1, Has: true}, {}}},
			{Held: 0, Files: 0, Markers: []mirror.MarkerCopy{{Held: 1, Files: 3}, {Files: 2}, {Files: 1}, {}}},
		}}
		got := read(t, r, s)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// Nothing is looked up again while nothing changes.
		before := r.markers
		read(t, r, s)
		if &before[0] != &r.markers[0] {
			t.Error("markers were looked up again")
		}
		// New files and markers are seen at once.
		index(t, s, "iso/new.iso")
		must(t, s.PutMarker(ctx, store.Marker{Name: "new", Paths: []string{"iso/new.iso"}}, "me"))
		got = read(t, r, s)
		if len(got.Markers) != 5 || got.Copies[0].Markers[0] != (mirror.MarkerCopy{Held: 3, Files: 4, Has: true}) || got.Copies[0].Markers[4].Files != 1 ||
			got.Copies[0].BehindSince.IsZero() || got.Files != 6 {
			t.Errorf("%+v", got)
		}
	})
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		got, err := New(s).Read(t.Context(), &catalog.World{})
		must(t, err)
		if diff := cmp.Diff(&Report{Markers: []string{}, Copies: []mirror.Copy{}}, got); diff != "" {
			t.Error(diff)
		}
		newMirror(t, s, "m", "")
		if got := read(t, New(s), s); got.Copies[0].Files != 0 || !got.Copies[0].BehindSince.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}

func TestFolderOfPattern(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"*": "", "a/*": "a", "a/b*": "a", "a/b/c?/d": "a/b", "**/x": "", "/a/[bc]": "a", `a/\*`: "a", "!a/b/*": "a/b",
	} {
		m, err := NewMarker(&store.Marker{Name: "m", Paths: []string{pattern}})
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		if got := m.paths[0].folder(); got != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

// Half a thousand mirrors of a million files take milliseconds, with the bitmaps
// in memory.
func BenchmarkRead(b *testing.B) {
	s, err := store.Open("sqlite://"+filepath.Join(b.TempDir(), "test.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	const files, mirrors = 1_000_000, 500
	fill(b, s, files)
	w := &catalog.World{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range mirrors {
		held := roaring.New()
		held.AddRange(1, uint64(files-r.IntN(i+1)*100))
		for range r.IntN(20_000) { // holes
			held.Remove(1 + r.Uint32N(files))
		}
		held.RunOptimize()
		w.Mirrors, w.Held = append(w.Mirrors, &mirror.Mirror{ID: mirror.ID(i + 1)}), append(w.Held, held)
	}
	reader := New(s)
	for b.Loop() {
		if _, err := reader.Read(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
}

func fill(b *testing.B, s *store.Store, files int) {
	b.Helper()
	ctx := context.Background()
	l, err := s.Acquire(ctx, "index", "bench", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < files; i += store.MaxBatch {
		var batch store.IndexBatch
		for k := range store.MaxBatch {
			batch.Add = append(batch.Add, store.NewFile{Path: path(i + k), Size: 1})
		}
		if _, err := s.ApplyIndex(ctx, l, batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.FinishIndex(ctx, l, store.Origin{URL: "file:///x"}, store.IndexStats{}); err != nil {
		b.Fatal(err)
	}
}

func path(i int) string {
	return "d" + string(rune('a'+i/100_000)) + "/" + string(rune('a'+i/10_000%10)) + "/f" + time.Duration(i).String()
}

package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		h1 := add(t, s, l, "a", "dir/b", "dir/sub/c", "dir/not\xffutf8", "sp ace/\x01\n'\"\\%$1?")
		files := live(t, s)
		if len(files) != 5 {
			t.Fatalf("got %v", files)
		}
		for p, r := range files {
			if r.Size != int64(len(p)) || r.MTime != 1e18 || r.CTime != 1e18+1 || r.Precision != 1 || r.Revision != h1.Revision || r.Gone != 0 || r.Seen == 0 {
				t.Errorf("%q: %+v", p, r)
			}
		}
		// A path that is there may not be added, unless it is removed with it.
		again := IndexBatch{Add: []NewFile{{Path: "dir/b", Size: 9}}}
		if _, err := s.ApplyIndex(t.Context(), l, again); !errors.Is(err, ErrConflict) {
			t.Errorf("adding what is there: %v", err)
		}
		again.Remove = []mirror.FileID{files["dir/b"].ID}
		h2 := must[Head](t)(s.ApplyIndex(t.Context(), l, again))
		if h2.Revision != h1.Revision+1 || h2.Stamp == h1.Stamp {
			t.Errorf("head went from %+v to %+v", h1, h2)
		}
		vs := must[[]FileRow](t)(s.VersionsOf(t.Context(), "dir/b"))
		if len(vs) != 2 || !vs[0].Current() || vs[1].Current() || vs[0].Size != 9 || string(vs[1].Path) != "dir/b" {
			t.Errorf("versions: %+v", vs)
		}
		// The delta holds the new version and the one it replaced.
		n := 0
		ok(t, s.Read(t.Context(), func(snap *Snapshot) error {
			return snap.Files(h1.Revision, func(r FileRow) error {
				n++
				if string(r.Path) != "dir/b" || r.Revision != h2.Revision {
					t.Errorf("in the delta: %+v", r)
				}
				return nil
			})
		}))
		if n != 2 {
			t.Errorf("%d rows in the delta", n)
		}
		ok(t, s.FinishIndex(t.Context(), l, Origin{URL: "file:///srv", Host: "h"}, IndexStats{Files: 5}))
		ids, count, size, err := s.FolderIDs(t.Context(), "dir")
		ok(t, err)
		if count != 3 || size != 9+9+12 || ids.GetCardinality() != 3 || ids.Contains(uint32(files["dir/b"].ID)) {
			t.Errorf("dir: %d files, %d bytes, %v", count, size, ids)
		}
	})
}

func TestTouch(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		add(t, s, l, "a", "d/b")
		a := live(t, s)["a"]
		head := must[Head](t)(s.Head(ctx))
		// Only the ctime: nobody is told.
		h := must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{CTimes: []Touch{{ID: a.ID, CTime: 77}}}))
		if got := live(t, s)["a"]; h != head || got.CTime != 77 || got.MTime != a.MTime || got.Revision != a.Revision {
			t.Errorf("ctime: head %+v -> %+v, row %+v", head, h, got)
		}
		for _, mtime := range []int64{5, -6, 5} {
			h = must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Touch: []Touch{{ID: a.ID, MTime: mtime, CTime: 78, Precision: time.Second}}}))
		}
		got := live(t, s)["a"]
		if got.ID != a.ID || got.MTime != 5 || got.Precision != time.Second || got.CTime != 78 || got.Revision != h.Revision || got.Seen != a.Seen {
			t.Errorf("touched: %+v", got)
		}
		all := map[string][]AltMTime{}
		ok(t, s.Read(ctx, func(n *Snapshot) error {
			return n.Versions(func(r FileRow, alt []AltMTime) error {
				all[string(r.Path)] = append([]AltMTime(nil), alt...)
				return nil
			})
		}))
		want := map[string][]AltMTime{"d/b": nil, "a": {{-6, time.Second}, {5, time.Second}, {1e18, 1}}}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAliases(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		first := []Alias{{Path: "latest", Target: "v1", Folder: true}, {Path: "x/y/link\xff", Target: "x/file"}}
		h := must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{AddAliases: first}))
		since := func(rev int64) map[string]Alias {
			m := map[string]Alias{}
			ok(t, s.Read(ctx, func(n *Snapshot) error {
				return n.Aliases(rev, func(a Alias) error { m[a.Path] = a; return nil })
			}))
			return m
		}
		if diff := cmp.Diff(map[string]Alias{"latest": first[0], "x/y/link\xff": first[1]}, since(0)); diff != "" {
			t.Error(diff)
		}
		h2 := must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{
			RemoveAliases: []Alias{{Path: "x/y/link\xff"}, {Path: "never/was"}}, AddAliases: []Alias{{Path: "latest", Target: "v2", Folder: true}},
		}))
		delta := since(h.Revision)
		if len(delta) != 2 || delta["latest"].Target != "v2" || delta["latest"].Gone != 0 || delta["x/y/link\xff"].Gone == 0 {
			t.Errorf("delta %+v", delta)
		}
		if len(since(0)) != 1 || len(since(h2.Revision)) != 0 {
			t.Error("removed, but there")
		}
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{AddAliases: first[1:]}))
		if len(since(0)) != 2 {
			t.Error("did not come back")
		}
	})
}

func TestBadPaths(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		for _, p := range []string{"", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "nul\x00", strings.Repeat("n", 256)} {
			if _, err := s.ApplyIndex(t.Context(), l, IndexBatch{Add: []NewFile{{Path: p}}}); err == nil {
				t.Errorf("file %q was taken", p)
			}
			if _, err := s.ApplyIndex(t.Context(), l, IndexBatch{AddAliases: []Alias{{Path: p}}}); err == nil {
				t.Errorf("alias %q was taken", p)
			}
		}
		if _, err := s.ApplyIndex(t.Context(), l, IndexBatch{Remove: make([]mirror.FileID, MaxBatch+1)}); err == nil {
			t.Error("a batch that is too large was taken")
		}
	})
}

// Paths as long as systems allow, thousands of folders deep.
func TestDeepPaths(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		deep := strings.Repeat("d/", 1500) + "file"
		long := strings.Repeat(strings.Repeat("\xfe", 255)+"/", 15) + strings.Repeat("n", 255)
		add(t, s, l, deep, long)
		for p, r := range live(t, s) {
			if p != deep && p != long || r.Size != int64(len(p)) {
				t.Errorf("path of %d bytes: %+v", len(p), r)
			}
		}
		for _, p := range []string{deep, long} {
			if vs := must[[]FileRow](t)(s.VersionsOf(ctx, p)); len(vs) != 1 || string(vs[0].Path) != p {
				t.Errorf("versions: %v", vs)
			}
		}
		ok(t, s.FinishIndex(ctx, l, Origin{}, IndexStats{}))
		for _, f := range []string{"", "d", strings.Repeat("d/", 1499) + "d"} {
			if _, n, _, err := s.FolderIDs(ctx, f); err != nil || n == 0 {
				t.Errorf("folder of %d bytes: %d files, %v", len(f), n, err)
			}
		}
		if _, _, _, err := s.FolderIDs(ctx, "d/x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("no such folder: %v", err)
		}
	})
}

func TestFullBatch(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		paths := make([]string, MaxBatch)
		for i := range paths {
			paths[i] = fmt.Sprintf("dir%d/sub%d/file%d", i%7, i%300, i)
		}
		add(t, s, l, paths...)
		rows := live(t, s)
		if len(rows) != MaxBatch {
			t.Fatalf("%d files", len(rows))
		}
		var touch IndexBatch
		for _, r := range rows {
			touch.Touch = append(touch.Touch, Touch{ID: r.ID, MTime: int64(r.ID), Precision: 1})
		}
		must[Head](t)(s.ApplyIndex(ctx, l, touch))
		var replace IndexBatch
		for p, r := range live(t, s) {
			if r.MTime != int64(r.ID) {
				t.Fatalf("not touched: %+v", r)
			}
			if len(replace.Add) < MaxBatch/2 {
				replace.Add = append(replace.Add, NewFile{Path: p, Size: 1})
				replace.Remove = append(replace.Remove, r.ID)
			}
		}
		h := must[Head](t)(s.ApplyIndex(ctx, l, replace))
		if delta := rowsSince(t, s, h.Revision-1); len(delta) != MaxBatch/2 {
			t.Errorf("%d paths in the delta", len(delta))
		}
		ok(t, s.Read(ctx, func(n *Snapshot) error {
			count, err := n.FileCount()
			if count != MaxBatch {
				t.Errorf("%d files", count)
			}
			return err
		}))
		n := 0
		ids := roaring.New()
		ids.AddRange(1, 2*MaxBatch)
		ok(t, s.Paths(ctx, ids, func(mirror.FileID, []byte, mirror.Version) error { n++; return nil }))
		if n != MaxBatch+MaxBatch/2 {
			t.Errorf("%d paths", n)
		}
	})
}

// FolderIDs after every index run against a count of the live rows.
func TestFolderStats(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		r := rand.New(rand.NewPCG(3, 4))
		for range 6 {
			var b IndexBatch
			have := live(t, s)
			for range 30 {
				p := fmt.Sprintf("%d/%d/%d", r.IntN(3), r.IntN(3), r.IntN(4))
				if row, found := have[p]; found {
					b.Remove = append(b.Remove, row.ID)
				}
				if _, twice := have[p]; !twice || r.IntN(2) == 0 {
					b.Add = append(b.Add, NewFile{Path: p, Size: r.Int64N(1000)})
				}
				have[p] = FileRow{} // once per batch
			}
			seen := map[string]bool{}
			b.Add = slices.DeleteFunc(b.Add, func(f NewFile) bool { dup := seen[f.Path]; seen[f.Path] = true; return dup })
			b.Remove = slices.DeleteFunc(b.Remove, func(id mirror.FileID) bool { return id == 0 })
			if _, err := s.ApplyIndex(ctx, l, b); err != nil {
				t.Fatal(err)
			}
			ok(t, s.FinishIndex(ctx, l, Origin{URL: "file:///x"}, IndexStats{}))
			want := map[string]int64{}
			for p, row := range live(t, s) {
				for f, _ := splitPath(p); ; f, _ = splitPath(f) {
					want[f] += row.Size
					if f == "" {
						break
					}
				}
			}
			for f, size := range want {
				if _, _, got, err := s.FolderIDs(ctx, f); err != nil || got != size {
					t.Fatalf("folder %q: %d bytes (%v), want %d", f, got, err, size)
				}
			}
		}
	})
}

func TestOriginKept(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		if o := must[Origin](t)(s.Origin(ctx)); o != (Origin{}) {
			t.Errorf("at first: %+v", o)
		}
		l := lease(t, s, "index")
		want := Origin{URL: "file:///srv/pub", HTTP: "https://o.example/", Host: "h", Stats: IndexStats{Files: 3, Took: time.Second}}
		ok(t, s.FinishIndex(ctx, l, want, want.Stats))
		got := must[Origin](t)(s.Origin(ctx))
		if time.Since(got.IndexedAt).Abs() > time.Minute {
			t.Errorf("at %v", got.IndexedAt)
		}
		head := must[Head](t)(s.Head(ctx))
		if got.IndexedAt = (time.Time{}); got != want {
			t.Errorf("%+v", got)
		}
		ok(t, s.FinishIndex(ctx, l, want, want.Stats))
		if h := must[Head](t)(s.Head(ctx)); h != head {
			t.Error("the same origin again was told to all")
		}
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := newMirror(t, s, "m")
		l, scan := lease(t, s, "index"), lease(t, s, "scan")
		add(t, s, l, "a", "b")
		a := live(t, s)["a"].ID
		ok(t, s.PutDigest(ctx, a, [32]byte{1}))
		ok(t, s.SetHeld(ctx, m.ID, roaring.BitmapOf(1, 2), nil, "who"))
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Remove: []mirror.FileID{a}}))
		ok(t, s.FinishIndex(ctx, l, Origin{}, IndexStats{}))
		if st := must[PurgeStats](t)(s.Purge(ctx, time.Hour)); st.Versions != 0 {
			t.Errorf("too early: %+v", st)
		}
		if n := len(must[[]FileRow](t)(s.VersionsOf(ctx, "a"))); n != 1 {
			t.Errorf("%d versions kept", n)
		}
		head := must[Head](t)(s.Head(ctx))
		if st := must[PurgeStats](t)(s.Purge(ctx, 0)); st.Versions != 1 {
			t.Errorf("purged %+v", st)
		}
		if n := len(must[[]FileRow](t)(s.VersionsOf(ctx, "a"))); n != 0 {
			t.Errorf("%d versions left", n)
		}
		if h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID)); h.Held.Contains(uint32(a)) {
			t.Error("still held")
		}
		if err := s.PutDigest(ctx, a, [32]byte{1}); !errors.Is(err, ErrNotFound) {
			t.Errorf("digest of what is gone: %v", err)
		}
		// A scan that began before does not bring it back.
		must[ScanOutcome](t)(s.CommitScan(ctx, scan, ScanResult{Mirror: m.ID, Knew: roaring.BitmapOf(1, 2), Found: roaring.BitmapOf(1, 2)}))
		if h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID)); !h.Held.Equals(roaring.BitmapOf(2)) {
			t.Errorf("held %v", h.Held)
		}
		ok(t, s.Read(ctx, func(n *Snapshot) error {
			known, err := n.Known(head)
			if !known {
				t.Error("a position of today was forgotten")
			}
			return err
		}))
	})
}

func TestDigests(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		h := add(t, s, l, "a", "b")
		a, b := live(t, s)["a"].ID, live(t, s)["b"].ID
		ok(t, s.PutDigest(ctx, a, [32]byte{1, 0, 255}))
		mid := must[Head](t)(s.Head(ctx))
		ok(t, s.PutDigest(ctx, b, [32]byte{2}))
		ok(t, s.PutDigests(ctx, map[mirror.FileID][32]byte{b: {3}, 999: {4}}))
		since := func(rev int64) map[mirror.FileID]byte {
			got := map[mirror.FileID]byte{}
			ok(t, s.Read(ctx, func(n *Snapshot) error {
				return n.Digests(rev, func(id mirror.FileID, sum [32]byte) error { got[id] = sum[0]; return nil })
			}))
			return got
		}
		if diff := cmp.Diff(map[mirror.FileID]byte{a: 1, b: 3}, since(0)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[mirror.FileID]byte{b: 3}, since(mid.Revision)); diff != "" || len(since(h.Revision)) != 2 {
			t.Error(diff)
		}
	})
}

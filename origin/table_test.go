package origin

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// TestDiffModel compares the differ with maps, on random trees.
func TestDiffModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		index, tree := map[string]File{}, map[string]File{}
		for i := range rnd.IntN(3000) {
			f := File{Path: fmt.Sprintf("d%d/f%d", i%13, i), Size: rnd.Int64N(5), MTime: rnd.Int64N(5), CTime: 1 + rnd.Int64N(3), Precision: 1}
			if rnd.IntN(10) > 0 {
				index[f.Path] = f
			}
			if rnd.IntN(3) == 0 {
				f.Size, f.MTime, f.CTime = rnd.Int64N(5), rnd.Int64N(5), 1+rnd.Int64N(3)
			}
			if rnd.IntN(10) > 0 {
				tree[f.Path] = f
			}
		}
		d := &differ{t: newTable(0)}
		ids := map[string]mirror.FileID{}
		for p, f := range index {
			ids[p] = mirror.FileID(len(ids) + 1)
			must(t, d.load([]byte(p), mirror.Version{ID: ids[p], Size: f.Size, MTime: f.MTime, Precision: 1}, f.CTime))
		}
		for _, f := range tree {
			d.file(f)
		}
		type diff struct {
			Kind kind
			Old  mirror.FileID
			File File
		}
		got, want := map[string]diff{}, map[string]diff{}
		must(t, d.spool.each(func(c change) error {
			got[fmt.Sprint(c.old, c.file.Path)] = diff{c.kind, c.old, c.file}
			return nil
		}))
		for p, f := range tree {
			old, ok := index[p]
			w := diff{added, ids[p], f}
			switch {
			case !ok:
			case old.Size != f.Size:
				w.Kind = changed
			case old.MTime != f.MTime:
				w.Kind = touched
			case old.CTime != f.CTime:
				w.Kind, w.File.Path = restated, ""
			default:
				continue
			}
			want[fmt.Sprint(w.Old, w.File.Path)] = w
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, d)
		}
		gone := 0
		d.unseen(func(mirror.FileID) { gone++ })
		for p := range index {
			if _, ok := tree[p]; !ok {
				gone--
			}
		}
		if gone != 0 {
			t.Errorf("seed %d: %d too many are unseen", seed, gone)
		}
	}
}

// FuzzSpool: what goes in comes out.
func FuzzSpool(f *testing.F) {
	f.Add("a/b", int64(-1), int64(1)<<62, uint32(7), uint8(2))
	f.Fuzz(func(t *testing.T, path string, size, mtime int64, old uint32, k uint8) {
		var s spool
		want := change{old: mirror.FileID(old), kind: kind(k % 4), file: File{Path: path, Size: size, MTime: mtime, CTime: -mtime, Precision: time.Duration(old)}}
		for range 3 {
			s.add(want)
		}
		n := 0
		must(t, s.each(func(c change) error {
			if n++; c != want {
				t.Fatalf("got %+v, want %+v", c, want)
			}
			return nil
		}))
		if n != 3 {
			t.Fatalf("%d changes", n)
		}
	})
}

// FuzzGlobs: no pattern and path make it crash or run away.
func FuzzGlobs(f *testing.F) {
	f.Add("a/**/b*", "a/x/y/b.c")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 64 || len(path) > 256 {
			return
		}
		g, err := NewGlobs([]string{pattern})
		if err != nil {
			return
		}
		if g.Match(path, true) && !g.MatchBelow(path, true) {
			t.Fatal("matches the path but not the path and what is above it")
		}
	})
}

func TestRsyncTemporary(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		".f.iso.aB3xY9": true, ".x.000000": true, ".f.iso.aB3xY": false, "f.iso.aB3xY9": false, "..aB3xY9": false,
		".f.iso.aB3x-9": false, ".htaccess": false, ".": false, "": false, ".f.isoaB3xY9": false,
	} {
		if got := rsyncTemporary(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

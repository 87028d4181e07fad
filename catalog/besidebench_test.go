package catalog

import (
	"fmt"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// BenchmarkRepositories asks 100 mirrors about an index of 10,000 files among
// 2,000 repositories: as requests do, and for the first time after a change.
func BenchmarkRepositories(b *testing.B) {
	ids := roaring.New()
	ids.AddRange(100, 10_100)
	w := (&World{}).with(hundredMirrors(ids), true)
	byFolder := map[string]*Repository{}
	for i := range 2000 {
		folder := fmt.Sprintf("pub/releases/%d/Everything/x86_64/os/repodata", i)
		byFolder[folder] = newRepository(folder, rpmMD, [16]byte{}, nil, ids)
	}
	r := NewRepositories()
	r.SetRules([]RepositoryRule{{Folder: "pub"}})
	r.table.Store(newRepositoryTable(*r.rules.Load(), byFolder))
	path := "pub/releases/77/Everything/x86_64/os/repodata/repomd.xml"
	found := r.Find(path)
	for name, fn := range map[string]func(i int){
		"find":             func(int) { r.Find(path) },
		"find none":        func(int) { r.Find("pub/releases/77/Everything/x86_64/os/Packages/k/kernel.rpm") },
		"complete":         func(i int) { found.Complete(w, i%100) },
		"complete, anew":   func(i int) { found.has(w.Held[i%100]) },
		"complete, holder": func(i int) { a := AnyOf{World: w, Repository: found}; a.Holds(i%100, 100) },
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				fn(i)
			}
		})
	}
}

func hundredMirrors(held *roaring.Bitmap) worldDelta {
	d := newWorldDelta()
	for i := range mirror.ID(100) {
		d.mirrors[i] = &mirror.Mirror{ID: i}
		d.hold(i, held)
	}
	return d
}

// BenchmarkKept asks for the versions of a path that has three, and of one
// that has none, among 100,000 paths.
func BenchmarkKept(b *testing.B) {
	k := NewKept(Options{})
	t := keptOf([16]byte{}, "pub/some/folder/file.iso", 3)
	var ops []op[keptVal]
	for i := range 100_000 {
		path := fmt.Sprint("pub/some/folder/", i)
		ops = append(ops, op[keptVal]{key: t.hash.path(path), val: keptVal{id: uint32(i) + 10, gone: 1, check: t.check.path(path)}})
	}
	k.table.Store(t.with(ops))
	buf := make([]KeptVersion, 0, 4)
	for _, path := range []string{"pub/some/folder/file.iso", "pub/some/folder/none.iso"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				buf = k.Versions(path, 0, 0, buf[:0])
			}
		})
	}
}

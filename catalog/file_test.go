package catalog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// plain is a View as plain values, for comparing.
type plain struct {
	Head     Head
	History  []Head
	Key      [16]byte
	Files    map[uint64][]Entry
	Sums     map[uint64][32]byte
	Links    map[string]link
	Settings map[string]string
	Mirrors  []mirror.Mirror
	Held     [][]uint32
}

func toPlain(v *View) plain {
	p := plain{Head: v.head, History: v.history, Key: v.hash.key, Settings: v.settings, Files: map[uint64][]Entry{}, Sums: map[uint64][32]byte{}}
	for i := range v.files.shards {
		v.files.all(i, func(key uint64, f *fileVal) { p.Files[key] = append(p.Files[key], f.entry()) })
	}
	for i := range v.sums.shards {
		v.sums.all(i, func(key uint64, s *sum) { p.Sums[key] = *s })
	}
	if v.aliases != nil {
		p.Links = v.aliases.links
	}
	for i, m := range v.world.Mirrors {
		p.Mirrors = append(p.Mirrors, *m)
		p.Held = append(p.Held, v.world.Held[i].ToArray())
	}
	return p
}

// smallCatalog has a little of everything.
func smallCatalog(t testing.TB, files int) *Catalog {
	t.Helper()
	db, c := newFakeDB(), New(Options{})
	for i := range files {
		id := db.add(fmt.Sprintf("f/\xff%d", i), int64(i)*1e12)
		if i%2 == 0 {
			db.digest(id, [32]byte{byte(i), 1})
		}
	}
	created := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	db.putMirror(mirror.Mirror{ID: 1, Name: "one", HTTP: []string{"http://one/"}, Place: mirror.Place{Country: "de", Lat: 1.5, HasCoords: true}, Created: created})
	db.putMirror(mirror.Mirror{ID: 7, Name: "seven", ASNs: []uint32{1, 2}, Created: created})
	db.hold(7, 1, 2, 3, 70000)
	db.link("l\xfe", "f", true)
	db.link("l2", "f/1", false)
	db.settings["max_scan_age"] = "48h"
	db.commit()
	mustSync(t, c, db)
	db.add("later", 1)
	db.commit()
	mustSync(t, c, db)
	return c
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	for _, files := range []int{0, 1, 5000} {
		c := smallCatalog(t, files)
		path := filepath.Join(t.TempDir(), "catalog")
		if err := c.Save(path); err != nil {
			t.Fatal(err)
		}
		d := New(Options{})
		if err := d.Load(path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(toPlain(c.View()), toPlain(d.View()), cmp.Comparer(func(a, b mirror.Mirror) bool { return sameMirror(&a, &b) })); diff != "" {
			t.Errorf("-saved +loaded\n%s", diff)
		}
		h1, s1 := c.Position()
		h2, s2 := d.Position()
		if h1 != h2 || !s1.Equal(s2) || !d.Ready() || d.View().Setting("max_scan_age") != "48h" {
			t.Errorf("position %v %v, want %v %v", h2, s2, h1, s1)
		}
		if e, res := d.Lookup("later"); res != Found || e.Size != 1 || e.Precision != time.Second {
			t.Errorf("later: %+v %v", e, res)
		}
		if d.Holdings().Version == 0 {
			t.Error("mirrors were loaded, but the version of the list is the empty one's")
		}
	}
}

func TestSaveErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := New(Options{}).Save(filepath.Join(dir, "x")); err == nil {
		t.Error("an empty catalog was saved")
	}
	if err := New(Options{}).Load(filepath.Join(dir, "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loading what is not there: %v", err)
	}
	c := smallCatalog(t, 3)
	if err := c.Save(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("saved into a folder that is not there")
	}
	target := filepath.Join(dir, "target")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.Save(target); err == nil {
		t.Error("saved over a folder")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("after failed saves the folder has %v (%v)", left, err)
	}
}

// TestLoadDamaged changes and cuts a file at every byte.
func TestLoadDamaged(t *testing.T) {
	t.Parallel()
	c := smallCatalog(t, 10)
	path := filepath.Join(t.TempDir(), "catalog")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	load := func(p []byte) error {
		_, _, err := readView(bytes.NewReader(p), int64(len(p)), nil)
		return err
	}
	if err := load(whole); err != nil {
		t.Fatal(err)
	}
	if err := load(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("a byte too many went unnoticed")
	}
	damaged := bytes.Clone(whole)
	for i := range whole {
		if err := load(whole[:i]); err == nil {
			t.Fatalf("cut off at %d of %d: no error", i, len(whole))
		}
		damaged[i] ^= 1 << (i % 8)
		if err := load(damaged); !errors.Is(err, errFormat) {
			t.Fatalf("a bit of byte %d changed: %v", i, err)
		}
		damaged[i] = whole[i]
	}

	before := c.View()
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(path); err == nil || c.View() != before {
		t.Errorf("half a file: %v, catalog changed: %v", err, c.View() != before)
	}
}

// reseal makes the checksums right again, so that fuzzing gets behind them.
func reseal(p []byte) {
	for p = p[min(len(p), preambleLen):]; len(p) >= headerLen; {
		n := int(binary.LittleEndian.Uint32(p[16:]))
		if n > len(p)-headerLen {
			return
		}
		sum := crc32.Checksum(p[:headerLen-4], castagnoli)
		sum = crc32.Update(sum, castagnoli, p[headerLen:headerLen+n])
		binary.LittleEndian.PutUint32(p[headerLen-4:], sum)
		p = p[headerLen+n:]
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	for _, n := range []int{0, 3} {
		b.Reset()
		if err := smallCatalog(f, n).View().write(&b, 1); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(b.Bytes()))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		for range 2 {
			v, _, err := readView(bytes.NewReader(p), int64(len(p)), nil)
			if err == nil {
				v.Lookup("f/1")
				v.Resolve("l2/x")
				for i := range v.world.Mirrors {
					v.world.Holds(i, 70000)
				}
				var again bytes.Buffer
				if err := v.write(&again, 1); err != nil {
					t.Errorf("what was loaded cannot be saved: %v", err)
				}
			}
			p = bytes.Clone(p)
			reseal(p)
		}
	})
}

func FuzzBitmap(f *testing.F) {
	for _, b := range []*roaring.Bitmap{roaring.New(), roaring.BitmapOf(1, 2, 70000)} {
		p, err := b.ToBytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	r := roaring.New()
	r.AddRange(5, 100000)
	r.RunOptimize()
	p, err := r.ToBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Fuzz(func(t *testing.T, p []byte) {
		if b, err := decodeBitmap(p); err == nil {
			b.Contains(5)
			b.Contains(70000)
		}
	})
}

func FuzzPrefixFile(f *testing.F) {
	var b bytes.Buffer
	w := prefixWriter{b: newBlockWriter(&b, magicPrefixes)}
	if err := w.b.json(blockMeta, 0, 0, prefixMeta{3}); err != nil {
		f.Fatal(err)
	}
	for _, p := range testPrefixes {
		w.add(p)
	}
	w.flush()
	w.b.block(blockEnd, 0, 0, nil)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, p []byte) {
		for range 2 {
			_, err := readPrefixes(bytes.NewReader(p), int64(len(p)), func(x Prefix) error {
				if !x.Prefix.IsValid() {
					t.Errorf("%v is not valid", x)
				}
				return nil
			})
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("error %v", err)
			}
			p = bytes.Clone(p)
			reseal(p)
		}
	})
}

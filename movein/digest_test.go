package movein

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// tree makes files that hold their own names, indexes them and gives their
// digests as another system would have them.
func tree(t *testing.T, db *store.Store, names ...string) (root string, sums []Digest) {
	t.Helper()
	root = t.TempDir()
	must(t, os.Chmod(root, 0o755))
	when := time.Unix(1_700_000_000, 123)
	for _, name := range names {
		p := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(name), 0o644))
		must(t, os.Chtimes(p, when, when))
		m, s, d := md5.Sum([]byte(name)), sha1.Sum([]byte(name)), sha256.Sum256([]byte(name))
		sums = append(sums, Digest{
			Path: name, Size: int64(len(name)), MTime: 1_700_000_000e9, Precision: time.Second,
			MD5: m[:], SHA1: s[:], SHA256: d[:],
		})
	}
	_, err := origin.Index(t.Context(), db, origin.Options{Root: root, Holder: "test"})
	must(t, err)
	return root, sums
}

func source(sums []Digest) DigestSource {
	return func(_ context.Context, fn func(*Digest) error) error {
		for i := range sums {
			if err := fn(&sums[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func stored(t *testing.T, db *store.Store) map[mirror.FileID][32]byte {
	t.Helper()
	all := map[mirror.FileID][32]byte{}
	must(t, db.Read(t.Context(), func(n *store.Snapshot) error {
		return n.Digests(0, func(id mirror.FileID, sum [32]byte) error {
			all[id] = sum
			return nil
		})
	}))
	return all
}

func TestDigests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.Store) {
		root, sums := tree(t, db, "a/one", "a/two", "b\xff", "three")
		s := Sampling{Root: root, Files: 20, Bytes: 1 << 20}
		other := sums[0]
		other.Size++
		older := sums[1]
		older.MTime -= 1e9
		none := sums[2]
		none.SHA256 = nil
		missing := sums[0]
		missing.Path = "nowhere"
		d, err := ReadDigests(t.Context(), db, source(append(sums[:3:3], other, older, none, missing)), s)
		must(t, err)
		must(t, d.Check(t.Context(), s))
		if want := (DigestReport{Read: 7, Other: 4, Taken: 3, Checked: 3, Bytes: 12}); d.Report != want {
			t.Errorf("%+v, want %+v", d.Report, want)
		}
		must(t, d.Store(t.Context(), db))
		if got := stored(t, db); len(got) != 3 {
			t.Errorf("stored %v", got)
		}

		// Again: they are known, and those that came are checked.
		d, err = ReadDigests(t.Context(), db, source(sums), s)
		must(t, err)
		must(t, d.Check(t.Context(), s))
		if want := (DigestReport{Read: 4, Known: 3, Taken: 1, Checked: 1, Bytes: 5}); d.Report != want {
			t.Errorf("%+v, want %+v", d.Report, want)
		}

		// What `mbctl hash` finds meanwhile stays.
		rows, err := db.VersionsOf(t.Context(), "three")
		must(t, err)
		must(t, db.PutDigest(t.Context(), rows[0].ID, [32]byte{1}))
		must(t, d.Store(t.Context(), db))
		if stored(t, db)[rows[0].ID] != ([32]byte{1}) || d.Report.Taken != 0 {
			t.Error("a digest of ours was replaced")
		}
		_, err = ReadDigests(t.Context(), db, source(sums), s)
		if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "three has SHA-256 0100") {
			t.Errorf("one that differs from ours: %v", err)
		}
	})
}

func TestDifference(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(d *Digest){
		"SHA-256": func(d *Digest) { d.SHA256 = make([]byte, 32) },
		"SHA-1":   func(d *Digest) { d.SHA1 = make([]byte, 20) },
		"MD5":     func(d *Digest) { d.MD5 = make([]byte, 16) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one(t, func(t *testing.T, db *store.Store) {
				root, sums := tree(t, db, "a/one", "a/two")
				spoil(&sums[1])
				s := Sampling{Root: root, Files: 20, Bytes: 1 << 20}
				d, err := ReadDigests(t.Context(), db, source(sums), s)
				must(t, err)
				err = d.Check(t.Context(), s)
				if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "a/two has the "+name) {
					t.Error(err)
				}
			})
		})
	}
}

// TestUnchecked: digests of which none could be checked are not believed.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		root, sums := tree(t, db, "a/one", "a/two", "three")
		s := Sampling{Root: root, Files: 2, Bytes: 1}
		d, err := ReadDigests(t.Context(), db, source(sums), s)
		must(t, err)
		if err := d.Check(t.Context(), s); err == nil || !strings.Contains(err.Error(), "larger than the sample") {
			t.Error(err)
		}
		s.Bytes = 100
		d, err = ReadDigests(t.Context(), db, source(sums), s)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(root, "a/one"), []byte("other"), 0o644))
		must(t, os.Remove(filepath.Join(root, "a/two")))
		must(t, os.Remove(filepath.Join(root, "three")))
		if err := d.Check(t.Context(), s); err == nil || errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "mbctl index") {
			t.Error(err)
		}
		s.Root = filepath.Join(root, "gone")
		if err := d.Check(t.Context(), s); err == nil {
			t.Error("no error without a tree")
		}
	})
}

func TestSample(t *testing.T) {
	t.Parallel()
	s := sample{files: 5, bytes: 1000}
	for i := range 10_000 {
		s.offer(&Digest{Path: fmt.Sprint(i), Size: int64(i % 1500)}, mirror.Version{})
	}
	got := s.drawn()
	if len(s.kept) != 20 || len(got) < 2 || len(got) > 6 || got[len(got)-1].Size != 1000 {
		t.Errorf("kept %d, drawn %d", len(s.kept), len(got))
	}
	total, seen := int64(0), map[string]bool{}
	for _, d := range got[:len(got)-1] {
		total += d.Size
		if seen[d.Path] {
			t.Errorf("%s twice", d.Path)
		}
		seen[d.Path] = true
	}
	if total > 1000 {
		t.Errorf("%d bytes to read", total)
	}
	if none := (&sample{files: 5, bytes: 10}).drawn(); len(none) != 0 {
		t.Errorf("of nothing: %v", none)
	}
}

package store

import (
	"errors"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestLargeFiles(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		get := must[LargeFiles](t)
		if f := get(s.LargeFiles(t.Context(), m.ID)); !f.Sound.IsEmpty() || !f.Unsound.IsEmpty() || len(f.URLs) > 0 || !f.Since.IsZero() {
			t.Errorf("nothing is remembered, but %+v", f)
		}
		check := func(what string, urls []string, sound, unsound []uint32) time.Time {
			t.Helper()
			f := get(s.LargeFiles(t.Context(), m.ID))
			if !cmp.Equal(f.URLs, urls) || !f.Sound.Equals(roaring.BitmapOf(sound...)) || !f.Unsound.Equals(roaring.BitmapOf(unsound...)) {
				t.Errorf("%s: %v: sound %v, unsound %v", what, f.URLs, f.Sound, f.Unsound)
			}
			if f.Since.IsZero() != (len(unsound) == 0) {
				t.Errorf("%s: since %v", what, f.Since)
			}
			return f.Since
		}
		one, two := []string{"http://m.example/"}, []string{"http://m.example/", "https://m.example/"}
		before, err := s.Head(t.Context())
		ok(t, err)
		ok(t, s.AddLargeFiles(t.Context(), m.ID, LargeFiles{URLs: one, Sound: roaring.BitmapOf(1, 2), Unsound: roaring.BitmapOf(3)}))
		since := check("first", one, []uint32{1, 2}, []uint32{3})
		ok(t, s.AddLargeFiles(t.Context(), m.ID, LargeFiles{URLs: one, Sound: roaring.BitmapOf(4), Unsound: roaring.BitmapOf(2)}))
		if again := check("more", one, []uint32{1, 4}, []uint32{2, 3}); !again.Equal(since) {
			t.Errorf("since %v, then %v", since, again)
		}
		ok(t, s.AddLargeFiles(t.Context(), m.ID, LargeFiles{URLs: one, Sound: roaring.BitmapOf(2, 3)}))
		check("mended", one, []uint32{1, 2, 3, 4}, nil)
		ok(t, s.AddLargeFiles(t.Context(), m.ID, LargeFiles{URLs: two, Unsound: roaring.BitmapOf(1)}))
		check("other URLs", two, nil, []uint32{1})
		after, err := s.Head(t.Context())
		ok(t, err)
		if after != before {
			t.Error("nodes are told of it")
		}
		if err := s.AddLargeFiles(t.Context(), m.ID+1, LargeFiles{URLs: one}); !errors.Is(err, ErrNotFound) {
			t.Errorf("of no mirror: %v", err)
		}
	})
}

func TestSHA256Of(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		add(t, s, lease(t, s, "index"), "a", "b", "c")
		files := live(t, s)
		sum := [32]byte{1, 2, 3}
		ok(t, s.PutDigest(t.Context(), files["b"].ID, sum))
		got, err := s.SHA256Of(t.Context(), []mirror.FileID{files["a"].ID, files["b"].ID})
		ok(t, err)
		if diff := cmp.Diff(map[mirror.FileID][32]byte{files["b"].ID: sum}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A disk without room says so, and nothing is lost.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t.TempDir()+"/full.db"))
	s.db.SetMaxOpenConns(1)
	l := lease(t, s, "index")
	add(t, s, l, "a", "b")
	before, err := s.Head(t.Context())
	ok(t, err)
	_, err = s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1") // at once the present number
	ok(t, err)
	b := IndexBatch{}
	for i := range 5000 {
		b.Add = append(b.Add, NewFile{Path: "dir/" + time.Duration(i).String(), Size: 1, MTime: 1e18, Precision: time.Nanosecond})
	}
	if _, err := s.ApplyIndex(t.Context(), l, b); !errors.Is(err, ErrFull) || errors.Is(err, ErrUnreachable) {
		t.Errorf("full: %v", err)
	}
	after, err := s.Head(t.Context())
	ok(t, err)
	if files := live(t, s); len(files) != 2 || before != after {
		t.Errorf("%d files after %v, %v", len(files), before, after)
	}
	_, err = s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000")
	ok(t, err)
	_, err = s.ApplyIndex(t.Context(), l, b)
	ok(t, err)
}

package store

import (
	"errors"
	"testing"
	"time"

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
		_ = time.Second
	})
}

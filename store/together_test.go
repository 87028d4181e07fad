package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Scans, index runs, edits and a following node at the same time, over two
// stores: nothing is lost, and the node sees all by following revisions.
func TestTogether(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		ctx := t.Context()
		a, b := open(t, url), open(t, url)
		var mirrors []mirror.Mirror
		for i := range 3 {
			mirrors = append(mirrors, newMirror(t, a, fmt.Sprintf("m%d", i)))
		}
		const rounds = 15
		var work sync.WaitGroup
		errs := make(chan error, 100)
		start := func(fn func() error) {
			work.Go(func() {
				if err := fn(); err != nil {
					errs <- err
				}
			})
		}
		for i, m := range mirrors {
			s := []*Store{a, b}[i%2]
			start(func() error { // scans that credit one more file each time
				l, err := s.Acquire(ctx, "scan/"+m.Name, "t", time.Minute)
				for r := range uint32(rounds) {
					if err == nil {
						one := roaring.BitmapOf(r + 1)
						_, err = s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Knew: one, Found: one})
					}
				}
				return err
			})
			start(func() error { // edits of the same rows
				for range rounds {
					if _, err := b.UpdateMirror(ctx, m.ID, "who", "score", func(m *mirror.Mirror) error { m.Score++; return nil }); err != nil {
						return err
					}
					if err := a.SetHeld(ctx, m.ID, roaring.BitmapOf(1000), roaring.BitmapOf(1001), "who"); err != nil {
						return err
					}
				}
				return nil
			})
		}
		start(func() error {
			l, err := a.Acquire(ctx, "index", "t", time.Minute)
			for r := range rounds {
				if err == nil {
					_, err = a.ApplyIndex(ctx, l, IndexBatch{Add: []NewFile{{Path: fmt.Sprintf("d%d/f", r)}}})
				}
			}
			if err == nil {
				err = a.FinishIndex(ctx, l, Origin{URL: "file:///x"}, IndexStats{})
			}
			return err
		})
		finished := make(chan struct{})
		go func() { work.Wait(); close(finished) }()
		node := follow(t, b, finished)
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		if len(node.files) != rounds {
			t.Errorf("the node knows %d files", len(node.files))
		}
		for _, m := range mirrors {
			h := node.held[m.ID]
			want := roaring.BitmapOf(1000)
			want.AddRange(1, rounds+1)
			if h == nil || !h.Equals(want) {
				t.Errorf("%s holds %v", m.Name, h)
			}
			if got := node.score[m.ID]; got != 100+rounds {
				t.Errorf("%s has score %d", m.Name, got)
			}
		}
	})
}

type follower struct {
	files map[string]bool
	held  map[mirror.ID]*roaring.Bitmap
	score map[mirror.ID]int
}

// follow applies what is newer than the last position, as nodes do, until it
// has read once more after the end.
func follow(t *testing.T, s *Store, end <-chan struct{}) follower {
	t.Helper()
	f := follower{map[string]bool{}, map[mirror.ID]*roaring.Bitmap{}, map[mirror.ID]int{}}
	var at Head
	for last := false; ; {
		ok(t, s.Read(t.Context(), func(n *Snapshot) error {
			if n.Head() == at {
				return nil
			}
			if known, err := n.Known(at); err != nil || !known && at != (Head{}) {
				t.Errorf("position %+v is not known: %v", at, err)
			}
			if n.Head().Revision <= at.Revision {
				t.Errorf("went from %+v to %+v", at, n.Head())
			}
			since := at.Revision
			at = n.Head()
			if err := n.Files(since, func(r FileRow) error { f.files[string(r.Path)] = r.Gone == 0; return nil }); err != nil {
				return err
			}
			if err := n.Mirrors(since, func(m mirror.Mirror, _ bool) error { f.score[m.ID] = m.Score; return nil }); err != nil {
				return err
			}
			return n.Holdings(since, func(h Holdings) error { f.held[h.Mirror] = h.Held; return nil })
		}))
		if last {
			return f
		}
		select {
		case <-end:
			last = true
		default:
			s.Wait(t.Context(), 50*time.Millisecond)
		}
	}
}

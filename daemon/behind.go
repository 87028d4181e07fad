package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	recentAge   = 24 * time.Hour // what counts as new
	recentFiles = 20_000         // how many new files are looked at
	behindEvery = 5 * time.Minute
	// A mirror is behind that has less than these per cent of the new files,
	// although it has at least half of the tree: others are known to be partial.
	enoughRecent = 90
)

// laggards finds the mirrors that are behind, now and then.
type laggards struct {
	db   *store.Store
	at   time.Time
	list map[mirror.ID]bool
}

func (l *laggards) find(ctx context.Context, mirrors []mirror.Mirror) (map[mirror.ID]bool, error) {
	if !l.at.IsZero() && time.Since(l.at) < behindEvery {
		return l.list, nil
	}
	list, err := behind(ctx, l.db, mirrors)
	if err != nil {
		return nil, err
	}
	l.at, l.list = time.Now(), list
	return list, nil
}

// part is what there is below a mirror's subtree.
type part struct {
	recent *roaring.Bitmap // new files
	files  int64
}

func behind(ctx context.Context, db *store.Store, mirrors []mirror.Mirror) (map[mirror.ID]bool, error) {
	recent, err := db.RecentIDs(ctx, time.Now().Add(-recentAge), recentFiles)
	if err != nil || recent.IsEmpty() {
		return nil, err
	}
	parts := map[string]part{}
	list := map[mirror.ID]bool{}
	for i := range mirrors {
		m := &mirrors[i]
		if !scannable(m) || m.Scan.Succeeded.IsZero() {
			continue
		}
		p, known := parts[m.Subtree]
		if !known {
			ids, files, _, err := db.FolderIDs(ctx, m.Subtree)
			switch {
			case errors.Is(err, store.ErrNotFound):
				ids, files = roaring.New(), 0
			case err != nil:
				return nil, err
			}
			p = part{roaring.And(recent, ids), files}
			parts[m.Subtree] = p
		}
		if p.recent.IsEmpty() || int64(m.Scan.Held)*2 < p.files {
			continue
		}
		h, err := db.HoldingsOf(ctx, m.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list[m.ID] = h.Held.AndCardinality(p.recent)*100 < p.recent.GetCardinality()*enoughRecent
	}
	return list, nil
}

package store

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// RecentIDs gives the ids of current files that the index first saw after
// since, of the newest limit files at most.
func (s *Store) RecentIDs(ctx context.Context, since time.Time, limit int) (*roaring.Bitmap, error) {
	ids, err := s.recentIDs(ctx, since, limit)
	return ids, fail("reading the newest files", deadline(ctx, err))
}

func (s *Store) recentIDs(ctx context.Context, since time.Time, limit int) (*roaring.Bitmap, error) {
	// Ids are given out in the order in which files are seen.
	rows, err := s.db.QueryContext(ctx, "SELECT id, seen FROM file WHERE gone = 0 ORDER BY id DESC LIMIT $1", int64(limit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := roaring.New()
	for rows.Next() {
		var id, seen int64
		if err := rows.Scan(&id, &seen); err != nil {
			return nil, err
		}
		if seen <= nanos(since) {
			break
		}
		ids.Add(uint32(id))
	}
	return ids, rows.Err()
}

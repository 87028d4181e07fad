package store

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"
)

// LongFiles gives current files of at least so many bytes, at most limit of
// them. All files are looked at, which takes a second or so for some millions.
func (s *Store) LongFiles(ctx context.Context, size int64, limit int) (*roaring.Bitmap, error) {
	large := roaring.New()
	err := s.read(ctx, func(n *Snapshot) error {
		rows, err := n.q.QueryContext(ctx, "SELECT id FROM file WHERE gone = 0 AND size >= $1 LIMIT $2", size, int64(limit))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id uint32
			if err := rows.Scan(&id); err != nil {
				return err
			}
			large.Add(id)
		}
		return rows.Err()
	})
	return large, fail("looking for large files", deadline(ctx, err))
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Trees gives the ids of the current files below each of some folders, as of one
// and the same index run; "" is the whole tree. A folder that is not there, or
// that nothing was ever below, has none. It is FolderIDs for many folders, and
// asks as many questions as the deepest of them is deep, and a few.
func (s *Store) Trees(ctx context.Context, folders []string) (map[string]*roaring.Bitmap, error) {
	all := make(map[string]*roaring.Bitmap, len(folders))
	err := s.read(ctx, func(n *Snapshot) error {
		wanted := make(map[string]struct{}, len(folders))
		for _, f := range folders {
			wanted[f] = struct{}{}
		}
		ids, err := foldersByPath(ctx, n.q, s.d, wanted)
		if err != nil {
			return err
		}
		stats, err := statIDs(ctx, n.q, slices.Sorted(maps.Values(ids)))
		if err != nil {
			return err
		}
		for f := range wanted {
			all[f] = orEmpty(stats[ids[f]])
		}
		return nil
	})
	return all, fail("reading what is in folders", deadline(ctx, err))
}

// foldersByPath gives the ids of those folders, and of those above them, that are
// there.
func foldersByPath(ctx context.Context, q querier, d *dialect, paths map[string]struct{}) (map[string]int64, error) {
	ids := map[string]int64{"": rootFolder}
	for _, level := range byDepth(paths) {
		keys := make(map[folderKey]string, len(level))
		for _, p := range level {
			above, name := splitPath(p)
			if parent, ok := ids[above]; ok {
				keys[folderKey{parent, name}] = p
			}
		}
		if err := lookUpFolders(ctx, q, d, keys, ids); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// statIDs gives the ids of the files below folders, by folder.
func statIDs(ctx context.Context, q querier, folders []int64) (map[int64]*roaring.Bitmap, error) {
	all := make(map[int64]*roaring.Bitmap, len(folders))
	for some := range slices.Chunk(folders, listChunk) {
		err := eachRow(ctx, q, "SELECT folder, ids FROM folder_stat WHERE folder IN ("+idList(some)+")", func(rows *sql.Rows) error {
			var folder int64
			var raw []byte
			err := rows.Scan(&folder, &raw)
			if err == nil {
				all[folder], err = unpacked(raw)
			}
			if err != nil {
				return fmt.Errorf("what is in folder %d: %w", folder, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// eachRow calls fn for each row of a query.
func eachRow(ctx context.Context, q querier, query string, fn func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// treeIDs gives the ids of the current files below a folder as of the last index
// run; none where there is no such folder.
func treeIDs(ctx context.Context, q querier, d *dialect, folder string) (*roaring.Bitmap, error) {
	ids, err := foldersByPath(ctx, q, d, map[string]struct{}{folder: {}})
	if err != nil {
		return nil, err
	}
	id, ok := ids[folder]
	if !ok {
		return roaring.New(), nil
	}
	stats, err := statIDs(ctx, q, []int64{id})
	return orEmpty(stats[id]), err
}

// Seen gives when the index first saw versions, by id. Those that it does not
// know any more are left out.
func (s *Store) Seen(ctx context.Context, ids *roaring.Bitmap) (map[mirror.FileID]time.Time, error) {
	all := make(map[mirror.FileID]time.Time, ids.GetCardinality())
	err := s.read(ctx, func(n *Snapshot) error {
		it := ids.ManyIterator()
		some := make([]uint32, listChunk)
		for k := it.NextMany(some); k > 0; k = it.NextMany(some) {
			err := eachRow(ctx, n.q, "SELECT id, seen FROM file WHERE id IN ("+idList(some[:k])+")", func(rows *sql.Rows) error {
				var id mirror.FileID
				var seen int64
				err := rows.Scan(&id, &seen)
				all[id] = instant(seen)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all, fail("reading when files were seen", deadline(ctx, err))
}

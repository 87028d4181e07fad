package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// folderStat is what lies below one folder.
type folderStat struct {
	files, bytes int64
	ids          *roaring.Bitmap
}

// updateFolderStats brings folder_stat from the revision it was made for to
// the present one. The bitmaps say what is counted already, so a run that was
// interrupted is simply done again.
func (s *Store) updateFolderStats(ctx context.Context, doing string, l Lease) error {
	stats := make(map[int64]*folderStat)
	var upTo int64
	err := s.read(ctx, func(n *Snapshot) error {
		var since int64
		if err := n.q.QueryRowContext(ctx, "SELECT revision FROM index_state").Scan(&since); err != nil {
			return err
		}
		upTo = n.head.Revision
		if since == upTo {
			return nil
		}
		return n.folderChanges(since, stats)
	})
	if err != nil {
		return fail(doing, deadline(ctx, err))
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(stats)), listChunk) {
		err := s.update(ctx, doing, func(t *tx) error {
			if err := t.holds(ctx, l); err != nil {
				return err
			}
			return t.putFolderStats(ctx, some, stats)
		})
		if err != nil {
			return err
		}
	}
	return s.update(ctx, doing, func(t *tx) error {
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, "UPDATE index_state SET revision = $1 WHERE revision < $1", upTo)
		return err
	})
}

// folderChanges reads what the folders with changed files held, and applies
// the changes to them and to those above.
func (n *Snapshot) folderChanges(since int64, stats map[int64]*folderStat) error {
	where, args := "revision > $1", []any{since}
	tree, err := n.tree("file", since > 1, where, args)
	if err != nil {
		return err
	}
	if err := n.readFolderStats(since, stats); err != nil {
		return err
	}
	rows, err := n.q.QueryContext(n.ctx, "SELECT id, folder, size, gone FROM file WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, folder, size, gone int64
		if err := rows.Scan(&id, &folder, &size, &gone); err != nil {
			return err
		}
		for at, steps := folder, 0; ; steps++ {
			st := stats[at]
			if st == nil {
				st = &folderStat{ids: roaring.New()}
				stats[at] = st
			}
			st.apply(uint32(id), size, gone == 0)
			if at == rootFolder {
				break
			}
			node, ok := tree.nodes[at]
			if !ok || steps > len(tree.nodes) {
				return fmt.Errorf("folder %d has no way up to the root in the database", folder)
			}
			at = node.parent
		}
	}
	return rows.Err()
}

func (f *folderStat) apply(id uint32, size int64, live bool) {
	switch {
	case live && f.ids.CheckedAdd(id):
		f.files++
		f.bytes += size
	case !live && f.ids.CheckedRemove(id):
		f.files--
		f.bytes -= size
	}
}

// readFolderStats reads the rows of the folders concerned. At the first run
// there are none.
func (n *Snapshot) readFolderStats(since int64, stats map[int64]*folderStat) error {
	rows, err := n.q.QueryContext(n.ctx, `WITH RECURSIVE up (id) AS (
			SELECT folder FROM file WHERE revision > $1
			UNION SELECT f.parent FROM folder f JOIN up ON f.id = up.id
		) SELECT s.folder, s.files, s.bytes, s.ids FROM up JOIN folder_stat s ON s.folder = up.id`, since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var folder int64
		var raw []byte
		st := &folderStat{}
		if err := rows.Scan(&folder, &st.files, &st.bytes, &raw); err != nil {
			return err
		}
		if st.ids, err = unpacked(raw); err != nil {
			return fmt.Errorf("what is in folder %d: %w", folder, err)
		}
		stats[folder] = st
	}
	return rows.Err()
}

func (t *tx) putFolderStats(ctx context.Context, folders []int64, stats map[int64]*folderStat) error {
	rows := make([][]any, len(folders))
	for i, id := range folders {
		st := stats[id]
		raw, err := packed(st.ids)
		if err != nil {
			return err
		}
		rows[i] = []any{id, st.files, st.bytes, raw}
	}
	if _, err := t.ExecContext(ctx, "DELETE FROM folder_stat WHERE folder IN ("+idList(folders)+")"); err != nil {
		return err
	}
	return t.d.insert(ctx, t, "folder_stat", []string{"folder", "files", "bytes", "ids"}, rows)
}

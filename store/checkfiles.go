package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const newIndex = "restore a backup, or set up an empty database, import the mirrors ('mbctl export yaml' still works), index and scan"

// folderTree reads the folders, and checks that each has a way up to the root
// and a name.
func (c *checker) folderTree() error {
	rows, err := c.q.QueryContext(c.ctx, "SELECT id, parent, name FROM folder")
	if err != nil {
		return err
	}
	defer rows.Close()
	c.tree = map[int64]int64{}
	for rows.Next() {
		var id, parent int64
		var name sql.RawBytes
		if err := rows.Scan(&id, &parent, &name); err != nil {
			return err
		}
		if id == rootFolder {
			continue
		}
		c.tree[id] = parent
		c.name("folder", id, name)
	}
	lost := c.lostFolders()
	for _, id := range lost[:min(len(lost), maxFindings)] {
		c.add(newIndex, nil, "folder %d has no way up to the root", id)
	}
	return rows.Err()
}

// lostFolders are those that are in a circle, or below one or below nothing.
func (c *checker) lostFolders() (lost []int64) {
	good := map[int64]bool{rootFolder: true}
	for id := range c.tree {
		var way []int64
		at, on := id, map[int64]bool{}
		for !good[at] && !on[at] {
			parent, known := c.tree[at]
			if !known {
				break
			}
			on[at] = true
			way = append(way, at)
			at = parent
		}
		if good[at] {
			for _, w := range way {
				good[w] = true
			}
		} else {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	return lost
}

func (c *checker) name(kind string, id int64, name []byte) {
	if len(name) == 0 || bytes.ContainsAny(name, "/\x00") || string(name) == "." || string(name) == ".." || len(name) > mirror.MaxName {
		c.add(newIndex, nil, "%s %d has a name that cannot be: %q", kind, id, name)
	}
}

// files reads all versions: their ids, names and times, and whether a path has
// two current ones.
func (c *checker) files() error {
	c.ids, c.live = roaring.New(), roaring.New()
	rows, err := c.q.QueryContext(c.ctx, "SELECT id, name, size, gone FROM file")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, size, gone int64
		var name sql.RawBytes
		if err := rows.Scan(&id, &name, &size, &gone); err != nil {
			return err
		}
		if id <= 0 || id > 1<<32-1 || size < 0 {
			c.add(newIndex, nil, "file %d of %d bytes cannot be", id, size)
			continue
		}
		c.name("file", id, name)
		c.ids.Add(uint32(id))
		if gone == 0 {
			c.live.Add(uint32(id))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, q := range []struct{ mend, from, format string }{
		{newIndex, "(SELECT 1 FROM file WHERE gone = 0 GROUP BY folder, name HAVING count(*) > 1) x", "%d paths have several current versions: the index of the table file is damaged"},
		{"mbctl index", "file f JOIN alias a ON a.folder = f.folder AND a.name = f.name AND a.gone = 0 WHERE f.gone = 0", "%d paths are a file and a symbolic link at once"},
		{"mbctl hash --force", "digest WHERE length(sha256) <> 32", "%d SHA-256 sums have a wrong length"},
		{"mbctl hash --force", "file_hash WHERE length(md5) NOT IN (0, 16) OR length(sha1) NOT IN (0, 20) OR length(sha512) NOT IN (0, 64)", "%d files have digests of a wrong length"},
	} {
		var n int64
		if err := c.q.QueryRowContext(c.ctx, "SELECT count(*) FROM "+q.from).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.add(q.mend, nil, q.format, n)
		}
	}
	return nil
}

// folderStats compares folder_stat with the files. What changed after it was
// made is left out on both sides.
func (c *checker) folderStats() error {
	want, later, err := c.summed()
	if err != nil {
		return err
	}
	rows, err := c.q.QueryContext(c.ctx, "SELECT folder, files, bytes, ids FROM folder_stat")
	if err != nil {
		return err
	}
	defer rows.Close()
	wrong, seen := 0, map[int64]bool{}
	for rows.Next() {
		var folder int64
		var raw sql.RawBytes
		have := folderStat{}
		if err := rows.Scan(&folder, &have.files, &have.bytes, &raw); err != nil {
			return err
		}
		seen[folder] = true
		if have.ids, err = unpacked(raw); err != nil || !have.agrees(want[folder], later) {
			wrong++
		}
	}
	for folder := range want {
		if !seen[folder] {
			wrong++
		}
	}
	if wrong > 0 {
		c.add(byRepair+", then mbctl index", func(ctx context.Context, t *tx) error {
			if _, err := t.ExecContext(ctx, "DELETE FROM folder_stat"); err != nil {
				return err
			}
			_, err := t.ExecContext(ctx, "UPDATE index_state SET revision = 0")
			return err
		}, "what is in %d folders is not what is stored of it", wrong)
	}
	return rows.Err()
}

// summed adds up what is below each folder. later are the ids of versions that
// changed after folder_stat was made.
func (c *checker) summed() (stats map[int64]*folderStat, later *roaring.Bitmap, err error) {
	rows, err := c.q.QueryContext(c.ctx, "SELECT id, folder, size, gone, CASE WHEN revision > (SELECT revision FROM index_state) THEN 1 ELSE 0 END FROM file")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	stats, later = map[int64]*folderStat{}, roaring.New()
	for rows.Next() {
		var id, folder, size, gone, after int64
		if err := rows.Scan(&id, &folder, &size, &gone, &after); err != nil {
			return nil, nil, err
		}
		switch {
		case after != 0:
			later.Add(uint32(id))
		case gone == 0:
			for at, steps := folder, 0; steps <= len(c.tree); steps++ {
				if stats[at] == nil {
					stats[at] = &folderStat{ids: roaring.New()}
				}
				stats[at].apply(uint32(id), size, true)
				parent, ok := c.tree[at]
				if !ok {
					break
				}
				at = parent
			}
		}
	}
	return stats, later, rows.Err()
}

// agrees compares what is stored with what was added up.
func (f *folderStat) agrees(want *folderStat, later *roaring.Bitmap) bool {
	if want == nil {
		want = &folderStat{ids: roaring.New()}
	}
	if f.files != int64(f.ids.GetCardinality()) {
		return false
	}
	if !f.ids.Intersects(later) {
		return f.bytes == want.bytes && f.ids.Equals(want.ids)
	}
	f.ids.AndNot(later)
	return f.ids.Equals(want.ids)
}

// holdings checks that mirrors hold what there is.
func (c *checker) holdings() error {
	rows, err := c.q.QueryContext(c.ctx, "SELECT h.mirror, m.name, h.held, h.exact FROM holdings h JOIN mirror m ON m.id = h.mirror WHERE m.gone = 0 ORDER BY h.mirror")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name string
		var rawHeld, rawExact sql.RawBytes
		if err := rows.Scan(&id, &name, &rawHeld, &rawExact); err != nil {
			return err
		}
		held, err1 := unpacked(rawHeld)
		exact, err2 := unpacked(rawExact)
		if err1 != nil || err2 != nil {
			c.add(byRepair+", then mbctl scan "+name, c.setHoldings(id, roaring.New(), roaring.New()), "what mirror %s holds cannot be read", name)
			continue
		}
		unknown := roaring.AndNot(held, c.ids)
		beyond := roaring.AndNot(exact, held)
		if n := unknown.GetCardinality(); n > 0 {
			c.add(byRepair, c.setHoldings(id, roaring.And(held, c.ids), roaring.And(roaring.And(exact, held), c.ids)),
				"mirror %s holds %d versions that are not in the index (%s)", name, n, some(unknown))
		} else if n := beyond.GetCardinality(); n > 0 {
			c.add(byRepair, c.setHoldings(id, held, roaring.And(exact, held)),
				"mirror %s has the exact size of %d versions that it does not hold (%s)", name, n, some(beyond))
		}
	}
	return rows.Err()
}

// setHoldings takes away what was found to be wrong, and nothing that a scan
// stored since.
func (c *checker) setHoldings(id int64, held, exact *roaring.Bitmap) func(context.Context, *tx) error {
	revision := c.head.Revision
	return func(ctx context.Context, t *tx) error {
		var now int64
		err := t.QueryRowContext(ctx, "SELECT revision FROM holdings WHERE mirror = $1"+t.d.forUpdate, id).Scan(&now)
		if err != nil {
			return err
		}
		if now > revision {
			return fmt.Errorf("mirror %d was scanned since the check: %w; check again", id, ErrConflict)
		}
		return t.putHoldings(ctx, Holdings{Mirror: mirror.ID(id), Held: held, Exact: exact})
	}
}

// some names the first few ids.
func some(ids *roaring.Bitmap) string {
	text := ""
	for i, it := 0, ids.Iterator(); it.HasNext(); i++ {
		if i == 5 {
			return text + ", ..."
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(it.Next())
	}
	return text
}

// bitmaps checks that the other bitmaps can be read.
func (c *checker) bitmaps() error {
	for _, b := range []struct{ table, column string }{{"purged", "ids"}, {"large_file", "sound"}, {"large_file", "unsound"}} {
		bad, err := c.unreadable(b.table, b.column)
		if err != nil {
			return err
		}
		if bad > 0 {
			c.add(byRepair, statement("DELETE FROM "+b.table), "%d rows of %s cannot be read", bad, b.table)
		}
	}
	return nil
}

// unreadable counts bitmaps that are none.
func (c *checker) unreadable(table, column string) (bad int, err error) {
	rows, err := c.q.QueryContext(c.ctx, "SELECT "+column+" FROM "+table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return 0, err
		}
		if _, err := unpacked(raw); err != nil {
			bad++
		}
	}
	return bad, rows.Err()
}

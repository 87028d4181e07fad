package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Finding is something in the database that should not be.
type Finding struct {
	What string
	Mend string // what the operator can do
	// repair puts it right; nil: only what Mend says does.
	repair func(ctx context.Context, t *tx) error
	first  bool // before the position of the database can be raised
}

// Repairable reports whether Repair can put it right by itself.
func (f *Finding) Repairable() bool { return f.repair != nil }

// byRepair is the mend of what Repair can do.
const byRepair = "mbctl db check --repair"

// maxFindings bounds what is told of one kind of fault.
const maxFindings = 20

// Check looks for what contradicts itself, in one snapshot. It reads all files
// once, and changes nothing.
func (s *Store) Check(ctx context.Context) ([]Finding, error) {
	c := &checker{}
	err := s.read(ctx, func(n *Snapshot) error {
		c.Snapshot = n
		for _, part := range []func() error{
			c.integrity, c.position, c.counters, c.revisions, c.orphans, c.folderTree, c.files, c.folderStats, c.mirrors, c.holdings, c.bitmaps, c.lists,
		} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	return c.found, fail("checking the database", deadline(ctx, err))
}

// Repair puts right what Check found, one finding after the other. Those that
// are not Repairable are passed over.
func (s *Store) Repair(ctx context.Context, list []Finding) (done int, err error) {
	for _, f := range list {
		if f.repair == nil {
			continue
		}
		const doing = "repairing the database"
		work := func(t *tx) error { return f.repair(ctx, t) }
		if f.first {
			err = s.update(ctx, doing, work)
		} else {
			_, err = s.visible(ctx, doing, work)
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w", f.What, err)
		}
		done++
	}
	return done, nil
}

// checker collects what is found. ids are all versions, live those that are
// current.
type checker struct {
	*Snapshot
	found     []Finding
	ids, live *roaring.Bitmap
	tree      map[int64]int64 // parent by folder; the root is not among them
}

func (c *checker) add(mend string, repair func(context.Context, *tx) error, format string, args ...any) {
	c.found = append(c.found, Finding{What: fmt.Sprintf(format, args...), Mend: mend, repair: repair})
}

// statement is a repair of one statement.
func statement(q string, args ...any) func(context.Context, *tx) error {
	return func(ctx context.Context, t *tx) error {
		_, err := t.ExecContext(ctx, q, args...)
		return err
	}
}

// integrity asks SQLite whether the file is sound; PostgreSQL has pg_amcheck.
func (c *checker) integrity() error {
	if c.d.name != sqliteDialect.name {
		return nil
	}
	const mend = "restore a backup; or see what 'sqlite3 FILE .recover' saves"
	rows, err := c.q.QueryContext(c.ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			c.add(mend, nil, "the file is damaged: %s", text)
		}
	}
	return rows.Err()
}

// position checks that the history of the database holds where it is.
func (c *checker) position() error {
	var n int64
	if err := c.q.QueryRowContext(c.ctx, "SELECT count(*) FROM change WHERE revision > $1", c.head.Revision).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		c.add(byRepair, statement("UPDATE head SET revision = (SELECT max(revision) FROM change)"),
			"%d changes are later than the position %d: the position was put back", n, c.head.Revision)
		c.found[len(c.found)-1].first = true
	}
	err := c.q.QueryRowContext(c.ctx, "SELECT count(*) FROM change c JOIN head h ON c.revision = h.revision AND c.stamp = h.stamp").Scan(&n)
	if err != nil {
		return err
	}
	if n != 1 {
		// Any visible write adds a position that is known.
		c.add(byRepair, func(context.Context, *tx) error { return nil },
			"position %d is not among the changes: nodes would take the database for another one", c.head.Revision)
	}
	return nil
}

// counters checks that no number is given out twice.
func (c *checker) counters() error {
	for _, name := range []string{"file", "folder", "mirror"} {
		var last sql.NullInt64
		var highest int64
		err := c.q.QueryRowContext(c.ctx, "SELECT (SELECT value FROM counter WHERE name = $1), coalesce(max(id), 0) FROM "+name, name).Scan(&last, &highest)
		if err != nil {
			return err
		}
		if !last.Valid || last.Int64 < highest {
			c.add(byRepair, statement("INSERT INTO counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, highest),
				"the counter of %s ids is at %d, and %d is in use: the next one would be given out twice", name, last.Int64, highest)
		}
	}
	return nil
}

// revisions checks that no row is from the future: nodes would read it again
// and again, or never.
func (c *checker) revisions() error {
	for _, table := range []string{"file", "digest", "alias", "mirror", "holdings"} {
		var n int64
		if err := c.q.QueryRowContext(c.ctx, "SELECT count(*) FROM "+table+" WHERE revision > $1", c.head.Revision).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.add(byRepair, func(ctx context.Context, t *tx) error {
				_, err := t.ExecContext(ctx, "UPDATE "+table+" SET revision = $1 WHERE revision > $1", t.head.Revision)
				return err
			}, "%d rows of %s are later than the position of the database, %d", n, table, c.head.Revision)
		}
	}
	return nil
}

// orphans checks that rows belong to something. The databases hold that, too,
// unless somebody told them not to.
func (c *checker) orphans() error {
	for _, o := range []struct{ table, column, of string }{
		{"alt_mtime", "file", "file"},
		{"digest", "file", "file"},
		{"file_hash", "file", "file"},
		{"zsync_part", "file", "file"},
		{"hash_claim", "file", "file"},
		{"folder_stat", "folder", "folder"},
		{"holdings", "mirror", "mirror"},
		{"large_file", "mirror", "mirror"},
		{"scan_run", "mirror", "mirror"},
		{"mirror_state", "mirror", "mirror"},
	} {
		where := "NOT EXISTS (SELECT 1 FROM " + o.of + " p WHERE p.id = " + o.table + "." + o.column + ")"
		if err := c.count(o.table, where, statement("DELETE FROM "+o.table+" WHERE "+where), byRepair, "%d rows of "+o.table+" belong to no "+o.of); err != nil {
			return err
		}
	}
	for _, table := range []string{"file", "alias"} {
		where := "NOT EXISTS (SELECT 1 FROM folder p WHERE p.id = " + table + ".folder)"
		err := c.count(table, where, nil, "restore a backup; what is lost is only the index, if it cannot be had: set up an empty database, import the mirrors, index and scan",
			"%d rows of "+table+" are in no folder")
		if err != nil {
			return err
		}
	}
	const ofGone = "EXISTS (SELECT 1 FROM mirror m WHERE m.id = holdings.mirror AND m.gone <> 0)"
	return c.count("holdings", ofGone, statement("DELETE FROM holdings WHERE "+ofGone), byRepair, "%d deleted mirrors still hold files")
}

// count finds rows of a table.
func (c *checker) count(table, where string, repair func(context.Context, *tx) error, mend, format string) error {
	var n int64
	if err := c.q.QueryRowContext(c.ctx, "SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		c.add(mend, repair, format, n)
	}
	return nil
}

// mirrors checks what commands could not have stored.
func (c *checker) mirrors() error {
	rows, err := c.q.QueryContext(c.ctx, "SELECT "+mirrorColumnList+", id FROM mirror WHERE gone = 0 ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	names := map[string]bool{}
	for rows.Next() {
		var row mirrorRow
		var id int64
		if err := rows.Scan(append(row.pointers(), &id)...); err != nil {
			return err
		}
		m, err := row.mirror()
		if err != nil {
			c.add("mend the list with mbctl db shell", nil, "%v", err)
			continue
		}
		err = validMirror(&m)
		if err == nil && names[m.Name] {
			err = errors.New("another has the same name")
		}
		if names[row.m.Name] = true; err != nil {
			c.add(fmt.Sprintf("mbctl edit %s, or mbctl delete %s", row.m.Name, row.m.Name), nil, "mirror %s (%d): %v", row.m.Name, id, err)
		}
	}
	return rows.Err()
}

func validMirror(m *mirror.Mirror) error {
	if err := mirror.ValidName(m.Name); err != nil {
		return err
	}
	if len(m.HTTP) == 0 {
		return errors.New("has no URL that clients can be sent to")
	}
	for _, u := range m.HTTP {
		if clean, err := mirror.PublicURL(u); err != nil {
			return err
		} else if clean != u {
			return fmt.Errorf("URL %s should be %s", mirror.Redact(u), mirror.Redact(clean))
		}
	}
	if m.Score < 0 || m.MaxSize < 0 || m.MaxShare < 0 || m.Quota.Bytes < 0 || m.Rules.Interval < 0 {
		return errors.New("has a negative number among its settings")
	}
	return mirror.ValidPath(m.Subtree)
}

// lists checks what is kept as JSON.
func (c *checker) lists() error {
	list, err := markers(c.ctx, c.q)
	if err == nil {
		err = checkMarkers(list)
	}
	if err != nil && classify(err) == nil && c.ctx.Err() == nil {
		c.add("mbctl markers edit; if that fails: mbctl db shell, DELETE FROM marker", nil, "markers: %v", err)
		return nil
	}
	return err
}

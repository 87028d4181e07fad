package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// ApplyIndex makes the changes of a batch visible in one transaction, under
// the lease of the index run. An added path must not have a current version
// unless that is in Remove of the same batch: else ErrConflict. What the batch
// removes or touches and is no longer current is passed over.
func (s *Store) ApplyIndex(ctx context.Context, l Lease, b IndexBatch) (Head, error) {
	const doing = "writing the index"
	if n := b.Len(); n > MaxBatch {
		return Head{}, fmt.Errorf("%s: %d changes in a batch, at most %d may be", doing, n, MaxBatch)
	}
	if err := b.check(); err != nil {
		return Head{}, fail(doing, err)
	}
	if b.Len() == len(b.CTimes) { // nothing that others could see
		return s.applyCTimes(ctx, doing, l, b.CTimes)
	}
	return s.visible(ctx, doing, func(t *tx) error {
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		for _, step := range []func(context.Context, *IndexBatch) error{
			t.removeFiles, t.touchFiles, t.setCTimes, t.addFiles, t.removeAliases, t.addAliases,
		} {
			if err := step(ctx, &b); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) applyCTimes(ctx context.Context, doing string, l Lease, c []Touch) (Head, error) {
	if len(c) > 0 {
		err := s.update(ctx, doing, func(t *tx) error {
			if err := t.holds(ctx, l); err != nil {
				return err
			}
			return t.setCTimes(ctx, &IndexBatch{CTimes: c})
		})
		if err != nil {
			return Head{}, err
		}
	}
	return s.Head(ctx)
}

// check refuses paths that no tree can have; what is stored is later trusted.
func (b *IndexBatch) check() error {
	for i := range b.Add {
		f := &b.Add[i]
		if f.Path == "" || f.Size < 0 {
			return fmt.Errorf("path %q of %d bytes cannot be a file", f.Path, f.Size)
		}
		if err := mirror.ValidPath(f.Path); err != nil {
			return err
		}
	}
	for _, list := range [][]Alias{b.AddAliases, b.RemoveAliases} {
		for _, a := range list {
			if a.Path == "" {
				return fmt.Errorf("an alias (to %q) has no path", a.Target)
			}
			if err := mirror.ValidPath(a.Path); err != nil {
				return err
			}
			if err := mirror.ValidPath(a.Target); err != nil {
				return fmt.Errorf("alias %q: target: %w", a.Path, err)
			}
		}
	}
	return nil
}

const listChunk = 1000 // ids or rows in one statement

func (t *tx) removeFiles(ctx context.Context, b *IndexBatch) error {
	for ids := b.Remove; len(ids) > 0; {
		n := min(listChunk, len(ids))
		_, err := t.ExecContext(ctx, "UPDATE file SET gone = $1, revision = $2 WHERE gone = 0 AND id IN ("+idList(ids[:n])+")",
			t.now, t.head.Revision)
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// touchRows gives the common table expression v (id, mtime, ctime, prec).
func touchRows(list []Touch) string {
	b := []byte("WITH v (id, mtime, ctime, prec) AS (VALUES ")
	for i, t := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "(%d, %d, %d, %d)", t.ID, t.MTime, t.CTime, int64(t.Precision))
	}
	return string(append(b, ") "...))
}

func (t *tx) touchFiles(ctx context.Context, b *IndexBatch) error {
	for list := b.Touch; len(list) > 0; {
		n := min(listChunk, len(list))
		v := touchRows(list[:n])
		// A time that is not known (precision 0) is not worth keeping.
		_, err := t.ExecContext(ctx, v+`INSERT INTO alt_mtime (file, mtime, mtime_precision)
			SELECT f.id, f.mtime, f.mtime_precision FROM file f JOIN v ON v.id = f.id
			WHERE f.gone = 0 AND f.mtime <> v.mtime AND f.mtime_precision > 0
			ON CONFLICT (file, mtime) DO NOTHING`)
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, v+`UPDATE file SET mtime = v.mtime, mtime_precision = v.prec, ctime = v.ctime, revision = $1
			FROM v WHERE file.id = v.id AND file.gone = 0`, t.head.Revision)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (t *tx) setCTimes(ctx context.Context, b *IndexBatch) error {
	for list := b.CTimes; len(list) > 0; {
		n := min(listChunk, len(list))
		_, err := t.ExecContext(ctx, touchRows(list[:n])+"UPDATE file SET ctime = v.ctime FROM v WHERE file.id = v.id AND file.gone = 0")
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (t *tx) addFiles(ctx context.Context, b *IndexBatch) error {
	if len(b.Add) == 0 {
		return nil
	}
	paths := make(map[string]struct{})
	for i := range b.Add {
		folder, _ := splitPath(b.Add[i].Path)
		paths[folder] = struct{}{}
	}
	folders, err := t.folderIDs(ctx, paths)
	if err != nil {
		return err
	}
	first, err := t.draw(ctx, "file", len(b.Add))
	if err != nil {
		return err
	}
	if first+int64(len(b.Add))-1 > math.MaxUint32 {
		return fmt.Errorf("the %d numbers for file versions are used up", uint32(math.MaxUint32))
	}
	rows := make([][]any, len(b.Add))
	for i := range b.Add {
		f := &b.Add[i]
		folder, name := splitPath(f.Path)
		rows[i] = []any{
			first + int64(i), folders[folder], []byte(name), f.Size, f.MTime, int64(f.Precision), f.CTime, t.now, int64(0), t.head.Revision,
		}
	}
	return t.d.insert(ctx, t, "file", strings.Split(fileColumns, ", "), rows)
}

func (t *tx) removeAliases(ctx context.Context, b *IndexBatch) error {
	for _, a := range b.RemoveAliases {
		parent, name := splitPath(a.Path)
		folder, err := findFolder(ctx, t, t.d.bytes, parent)
		if errors.Is(classify(err), ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, "UPDATE alias SET gone = $1, revision = $2 WHERE folder = $3 AND name = $4 AND gone = 0",
			t.now, t.head.Revision, folder, []byte(name))
		if err != nil {
			return err
		}
	}
	return nil
}

// addAliases adds links, or gives them another target.
func (t *tx) addAliases(ctx context.Context, b *IndexBatch) error {
	if len(b.AddAliases) == 0 {
		return nil
	}
	paths := make(map[string]struct{})
	for _, a := range b.AddAliases {
		folder, _ := splitPath(a.Path)
		paths[folder] = struct{}{}
	}
	folders, err := t.folderIDs(ctx, paths)
	if err != nil {
		return err
	}
	stmt, err := t.PrepareContext(ctx, `INSERT INTO alias (folder, name, target, is_folder, gone, revision) VALUES ($1, $2, $3, $4, 0, $5)
		ON CONFLICT (folder, name) DO UPDATE SET target = excluded.target, is_folder = excluded.is_folder, gone = 0, revision = excluded.revision`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, a := range b.AddAliases {
		folder, name := splitPath(a.Path)
		_, err := stmt.ExecContext(ctx, folders[folder], []byte(name), []byte(a.Target), a.Folder, t.head.Revision)
		if err != nil {
			return err
		}
	}
	return nil
}

// Origin is where the tree comes from; the zero Origin when it was never indexed.
func (s *Store) Origin(ctx context.Context) (Origin, error) {
	o, err := readOrigin(ctx, s.db)
	return o, fail("reading the origin", deadline(ctx, err))
}

func readOrigin(ctx context.Context, q querier) (o Origin, err error) {
	var at int64
	var stats []byte
	err = q.QueryRowContext(ctx, "SELECT url, http, host, indexed_at, stats FROM index_state").Scan(&o.URL, &o.HTTP, &o.Host, &at, &stats)
	if err != nil {
		return o, err
	}
	o.IndexedAt = instant(at)
	return o, json.Unmarshal(stats, &o.Stats)
}

// FinishIndex ends an index run: what each folder holds is brought up to date,
// and the origin is remembered with the time of now and stats. Only another
// origin than before is a change that nodes see.
func (s *Store) FinishIndex(ctx context.Context, l Lease, o Origin, stats IndexStats) error {
	const doing = "ending the index run"
	if err := s.updateFolderStats(ctx, doing, l); err != nil {
		return err
	}
	raw, err := json.Marshal(stats)
	if err != nil {
		return fail(doing, err)
	}
	return s.update(ctx, doing, func(t *tx) error {
		before, err := readOrigin(ctx, t)
		if err != nil {
			return err
		}
		if before.URL != o.URL || before.HTTP != o.HTTP {
			err = t.raise(ctx)
		} else {
			t.now, err = t.clock(ctx)
		}
		if err != nil {
			return err
		}
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, "UPDATE index_state SET url = $1, http = $2, host = $3, indexed_at = $4, stats = $5",
			text(o.URL), text(o.HTTP), text(o.Host), t.now, string(raw))
		return err
	})
}

var _ querier = (*sql.Tx)(nil)

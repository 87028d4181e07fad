package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The kinds of wishes.
const (
	WishScan  = "scan"
	WishIndex = "index"
)

// Wish is something to be done before its turn: a scan of a mirror's folder, or
// an index run of a folder.
type Wish struct {
	ID      int64     // set by the store
	Kind    string    // WishScan or WishIndex
	Mirror  mirror.ID // 0: all mirrors
	Subtree string    // folder of the tree; "": the whole
	At      time.Time // when it was last made, by the database's clock; set by the store
	Due     time.Time // not before; zero: at once
	Times   int64     // how often it was made; set by the store
	Who     string    // who made it last, for people
}

// maxWishes is how many wishes of a kind there are at most, but for what is made
// at the same moment. Beyond, wishes are made for a larger folder.
const maxWishes = 1000

// maxWho is how much is kept of who made a wish, in bytes.
const maxWho = 200

// Wish makes a wish, and gives its id. There is one for each kind, mirror and
// folder: made again it counts as new, and is due at the earlier of both times.
// Nothing but the database's user need be trusted: when there are very many
// wishes, this one and others become one for a folder around them.
func (s *Store) Wish(ctx context.Context, w Wish) (id int64, err error) {
	if w.Kind != WishScan && w.Kind != WishIndex {
		return 0, fmt.Errorf("wish of kind %q: there are only %s and %s", w.Kind, WishScan, WishIndex)
	}
	if w.Subtree, err = mirror.CleanSubtree(w.Subtree); err != nil {
		return 0, fmt.Errorf("wish: %w", err)
	}
	if len(w.Who) > maxWho {
		w.Who = w.Who[:maxWho]
	}
	err = s.update(ctx, "making a wish", func(t *tx) error {
		if err := t.makeRoom(ctx, &w); err != nil {
			return err
		}
		id, err = t.wish(ctx, &w)
		if err != nil || t.d.notify == "" {
			return err
		}
		_, err = t.ExecContext(ctx, t.d.notify)
		return err
	})
	return id, err
}

func (t *tx) wish(ctx context.Context, w *Wish) (id int64, err error) {
	now, err := t.clock(ctx)
	if err != nil {
		return 0, err
	}
	due := nanos(w.Due)
	if due == 0 {
		due = now
	}
	err = t.QueryRowContext(ctx, `INSERT INTO wish (kind, mirror, subtree, at, due, times, who) VALUES ($1, $2, $3, $4, $5, 1, $6)
		ON CONFLICT (kind, mirror, subtree) DO UPDATE SET at = excluded.at, times = wish.times + 1, who = excluded.who,
			due = CASE WHEN excluded.due < wish.due THEN excluded.due ELSE wish.due END
		RETURNING id`, w.Kind, int64(w.Mirror), []byte(w.Subtree), now, due, text(w.Who)).Scan(&id)
	return id, err
}

// makeRoom widens w to a folder in which there are other wishes, which it takes
// the place of, if there are too many.
func (t *tx) makeRoom(ctx context.Context, w *Wish) error {
	var same, all int
	err := t.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(CASE WHEN mirror = $2 AND subtree = $3 THEN 1 ELSE 0 END), 0)
		FROM wish WHERE kind = $1`, w.Kind, int64(w.Mirror), []byte(w.Subtree)).Scan(&all, &same)
	if err != nil || same > 0 || all < maxWishes {
		return err
	}
	list, err := wishes(ctx, t, w.Kind)
	if err != nil {
		return err
	}
	merged := widen(w, list)
	ids := make([]int64, len(merged))
	for i, o := range merged {
		ids[i] = o.ID
		if o.Due.Before(w.Due) { // a zero one is at once
			w.Due = o.Due
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = t.ExecContext(ctx, "DELETE FROM wish WHERE id IN ("+idList(ids)+")")
	return err
}

// widen makes w a wish for the nearest folder around it in which there are
// others, at last one for all mirrors, and gives those others.
func widen(w *Wish, list []Wish) (others []Wish) {
	for folder, top := w.Subtree, false; !top; {
		folder, top = folder[:max(0, strings.LastIndexByte(folder, '/'))], folder == ""
		for _, o := range list {
			if o.Kind == w.Kind && o.Mirror == w.Mirror && mirror.Below(o.Subtree, folder) {
				others = append(others, o)
			}
		}
		if len(others) > 0 {
			w.Subtree = folder
			return others
		}
	}
	w.Subtree, w.Mirror = "", 0
	for _, o := range list {
		if o.Kind == w.Kind {
			others = append(others, o)
		}
	}
	return others
}

// Wishes gives all wishes, those due first first.
func (s *Store) Wishes(ctx context.Context) ([]Wish, error) {
	list, err := wishes(ctx, s.db, WishScan, WishIndex)
	return list, fail("reading the wishes", deadline(ctx, err))
}

func wishes(ctx context.Context, q querier, kinds ...string) ([]Wish, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, kind, mirror, subtree, at, due, times, who FROM wish
		WHERE kind IN ('`+strings.Join(kinds, "', '")+`') ORDER BY due, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Wish
	for rows.Next() {
		var w Wish
		var subtree []byte
		var at, due int64
		if err := rows.Scan(&w.ID, &w.Kind, &w.Mirror, &subtree, &at, &due, &w.Times, &w.Who); err != nil {
			return nil, err
		}
		w.Subtree, w.At, w.Due = string(subtree), instant(at), instant(due)
		all = append(all, w)
	}
	return all, rows.Err()
}

// Grant takes a wish away, as Wishes gave it before its work began, unless it
// was made again since.
func (s *Store) Grant(ctx context.Context, w Wish) error {
	return s.update(ctx, "taking a wish away", func(t *tx) error {
		_, err := t.ExecContext(ctx, "DELETE FROM wish WHERE id = $1 AND times = $2", w.ID, w.Times)
		return err
	})
}

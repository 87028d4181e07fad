package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// wishMissed is the kind of wish that a Miss is kept as: due is the next scan,
// times are the scans so far.
const wishMissed = "missed"

const (
	// maxMisses is how many folders are remembered at once.
	maxMisses = 200
	// keepMiss is how long a folder is remembered that nobody asks for any more.
	keepMiss = 24 * time.Hour

	firstMissPause = 10 * time.Minute
	lastMissPause  = 6 * time.Hour
)

// Miss is a folder with new files that clients ask for and no mirror has.
type Miss struct {
	ID     int64
	Folder string
	At     time.Time // when they last did, by the database's clock
	Due    time.Time // not to be scanned before
	Scans  int64     // how often it was scanned since files appeared in it
	Who    string    // the node that said so last
}

// scanned is when the folder was last scanned for it; zero: never.
func (m *Miss) scanned() time.Time {
	if m.Scans == 0 {
		return time.Time{}
	}
	return m.Due.Add(-missPause(m.Scans))
}

// Wanted reports whether somebody asked since the last scan.
func (m *Miss) Wanted() bool { return m.At.After(m.scanned()) }

// missPause is how long a folder is left alone after so many scans, so that
// files that no mirror ever takes are not looked for again and again.
func missPause(scans int64) time.Duration {
	return min(firstMissPause<<min(max(scans-1, 0), 10), lastMissPause)
}

// Missed notes that clients asked for files in a folder that no mirror has. A
// scan of it is due after settle, in which mirrors may fetch them; of a folder
// that was scanned before, after a pause that grows, and begins anew when files
// were seen (mirror.Version.Seen) that are newer than that scan.
func (s *Store) Missed(ctx context.Context, folder string, seen time.Time, settle time.Duration, who string) error {
	return s.update(ctx, "noting what no mirror has", func(t *tx) error {
		now, err := t.clock(ctx)
		if err != nil {
			return err
		}
		m, err := t.miss(ctx, folder)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return t.newMiss(ctx, folder, now, now+int64(settle), who)
		case err != nil:
			return err
		}
		if last := m.scanned(); m.Scans > 0 && seen.After(last) {
			m.Scans, m.Due = 0, instant(max(now+int64(settle), nanos(last.Add(firstMissPause))))
		}
		_, err = t.ExecContext(ctx, "UPDATE wish SET at = $1, due = $2, times = $3, who = $4 WHERE id = $5",
			now, nanos(m.Due), m.Scans, text(who), m.ID)
		return err
	})
}

func (t *tx) miss(ctx context.Context, folder string) (m Miss, err error) {
	var due int64
	err = t.QueryRowContext(ctx, "SELECT id, due, times FROM wish WHERE kind = $1 AND mirror = 0 AND subtree = $2"+t.d.forUpdate,
		wishMissed, []byte(folder)).Scan(&m.ID, &due, &m.Scans)
	m.Due = instant(due)
	return m, err
}

// newMiss remembers a folder. Where there are too many already, it takes the
// place of one that was scanned, the one that nobody has asked for the longest.
func (t *tx) newMiss(ctx context.Context, folder string, now, due int64, who string) error {
	if err := mirror.ValidPath(folder); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, "DELETE FROM wish WHERE kind = $1 AND at < $2", wishMissed, now-int64(keepMiss))
	if err != nil {
		return err
	}
	var n int
	if err := t.QueryRowContext(ctx, "SELECT count(*) FROM wish WHERE kind = $1", wishMissed).Scan(&n); err != nil {
		return err
	}
	if n >= maxMisses {
		out, err := t.ExecContext(ctx, `DELETE FROM wish WHERE id IN
			(SELECT id FROM wish WHERE kind = $1 AND times > 0 ORDER BY at, id LIMIT 1)`, wishMissed)
		if err != nil {
			return err
		}
		if freed, err := out.RowsAffected(); err != nil || freed == 0 {
			return cmp.Or(err, errNothing)
		}
	}
	// Another node may be quicker.
	_, err = t.ExecContext(ctx, `INSERT INTO wish (kind, mirror, subtree, at, due, times, who) VALUES ($1, 0, $2, $3, $4, 0, $5)
		ON CONFLICT (kind, mirror, subtree) DO NOTHING`, wishMissed, []byte(folder), now, due, text(who))
	return err
}

// Misses gives the folders with new files that no mirror has, those due first
// first.
func (s *Store) Misses(ctx context.Context) ([]Miss, error) {
	list, err := wishes(ctx, s.db, wishMissed)
	all := make([]Miss, len(list))
	for i, w := range list {
		all[i] = Miss{ID: w.ID, Folder: w.Subtree, At: w.At, Due: w.Due, Scans: w.Times, Who: w.Who}
	}
	return all, fail("reading what no mirror has", deadline(ctx, err))
}

// MissScanned notes that a scan of the folder ended that began at began, by the
// database's clock.
func (s *Store) MissScanned(ctx context.Context, m Miss, began time.Time) error {
	return s.update(ctx, "noting a scan of what no mirror had", func(t *tx) error {
		scans := m.Scans + 1
		_, err := t.ExecContext(ctx, "UPDATE wish SET times = $1, due = $2 WHERE id = $3 AND times = $4",
			scans, nanos(began.Add(missPause(scans))), m.ID, m.Scans)
		return err
	})
}

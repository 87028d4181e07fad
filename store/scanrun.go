package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// keepRuns is for how long scans of mirrors are remembered: a year and the
	// same month of the year before.
	keepRuns = 400 * 24 * time.Hour
	// wholeRuns is for how long all of them are; of each day before, the last
	// one that was accepted and the last one that failed.
	wholeRuns = 30 * 24 * time.Hour
	// maxRuns is how many there are of a mirror at most, however often it is
	// scanned.
	maxRuns = 5000
	// maxRunError is how many bytes are kept of why a scan failed.
	maxRunError = 500
)

const (
	// pastRuns are those before $1, and those before $2 that a later one of the
	// same day stands for.
	pastRuns = `(at < $1 OR at < $2 AND EXISTS (SELECT 1 FROM scan_run l WHERE l.mirror = scan_run.mirror AND l.ok = scan_run.ok
		AND l.at > scan_run.at AND l.at < (scan_run.at / 86400000000000 + 1) * 86400000000000))`
	// surplusRuns are those of mirror $1 beyond the newest $2.
	surplusRuns = "mirror = $1 AND at <= (SELECT at FROM scan_run WHERE mirror = $1 ORDER BY at DESC LIMIT 1 OFFSET $2)"
)

// past gives the parameters of pastRuns.
func past(now int64) []any { return []any{now - int64(keepRuns), now - int64(wholeRuns)} }

// addRun remembers a full scan of a mirror that holds what is in held, and lets
// go of what is out of date of those before. What it is measured against is what
// the last index run counted.
func (t *tx) addRun(ctx context.Context, m *mirror.Mirror, held *roaring.Bitmap, r mirror.Run) error {
	ids, err := treeIDs(ctx, t, t.d, m.Subtree)
	if err != nil {
		return err
	}
	r.Files, r.Held = ids.GetCardinality(), ids.AndCardinality(held)
	// Clocks of hosts differ; a run of the future would stay the newest one.
	at := min(nanos(r.At), t.now)
	_, err = t.ExecContext(ctx, `INSERT INTO scan_run (mirror, at, took, ok, protocol, held, files, response, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (mirror, at) DO NOTHING`,
		int64(m.ID), at, int64(max(r.Took, 0)), r.OK, text(r.Protocol), int64(r.Held), int64(r.Files), int64(max(r.Response, 0)), runError(r.Error))
	if err != nil {
		return err
	}
	return t.thinRuns(ctx, m.ID)
}

// thinRuns keeps the rows of a mirror few, on databases that nobody cleans up,
// too.
func (t *tx) thinRuns(ctx context.Context, id mirror.ID) error {
	for _, step := range []struct {
		where string
		args  []any
	}{
		{"mirror = $3 AND " + pastRuns, append(past(t.now), int64(id))},
		{surplusRuns, []any{int64(id), int64(maxRuns)}},
	} {
		if _, err := t.ExecContext(ctx, "DELETE FROM scan_run WHERE "+step.where, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// runError is why a scan failed in one line that is not too long.
func runError(s string) string {
	clean := func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}
	s = strings.Join(strings.Fields(strings.Map(clean, text(s))), " ")
	if len(s) <= maxRunError {
		return s
	}
	end := maxRunError
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// runs gives the scans of a mirror after a time, the oldest first.
func runs(ctx context.Context, q querier, id mirror.ID, since int64) ([]mirror.Run, error) {
	var all []mirror.Run
	err := eachRun(ctx, q, `SELECT mirror, at, took, ok, protocol, held, files, response, error
		FROM scan_run WHERE mirror = $1 AND at > $2 ORDER BY at`, []any{int64(id), since}, func(_ mirror.ID, r mirror.Run) { all = append(all, r) })
	return all, err
}

func eachRun(ctx context.Context, q querier, query string, args []any, fn func(mirror.ID, mirror.Run)) error {
	return eachRow(ctx, q, query, func(rows *sql.Rows) error {
		var id mirror.ID
		var at int64
		var r mirror.Run
		err := rows.Scan(&id, &at, &r.Took, &r.OK, &r.Protocol, &r.Held, &r.Files, &r.Response, &r.Error)
		r.At = instant(at)
		fn(id, r)
		return err
	}, args...)
}

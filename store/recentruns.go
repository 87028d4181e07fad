package store

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// LastRuns is how many of the newest scans of a mirror RecentRuns gives at least.
const LastRuns = 14

// RecentRuns gives scans of all mirrors after a time, the oldest first: of each
// mirror the newest, and of each 24 hours since that time the last one that was
// accepted and the last one that failed. There may be a thousand of a mirror, and
// nodes ask for them often.
func (s *Store) RecentRuns(ctx context.Context, since time.Time) (map[mirror.ID][]mirror.Run, error) {
	query := fmt.Sprintf(`SELECT r.mirror, r.at, r.took, r.ok, r.protocol, r.held, r.files, r.response, r.error FROM scan_run r
		JOIN mirror m ON m.id = r.mirror WHERE m.gone = 0 AND (r.mirror, r.at) IN (
			SELECT mirror, max(at) FROM scan_run WHERE at > $1 GROUP BY mirror, ok, (at - $1) / %d
			UNION SELECT mirror, at FROM (
				SELECT mirror, at, row_number() OVER (PARTITION BY mirror ORDER BY at DESC) AS nth FROM scan_run WHERE at > $1
			) newest WHERE nth <= %d
		) ORDER BY r.mirror, r.at`, int64(24*time.Hour), LastRuns)
	all := map[mirror.ID][]mirror.Run{}
	err := s.read(ctx, func(n *Snapshot) error {
		return eachRun(ctx, n.q, query, []any{nanos(since)}, func(id mirror.ID, r mirror.Run) { all[id] = append(all[id], r) })
	})
	return all, fail("reading the scans of mirrors", deadline(ctx, err))
}

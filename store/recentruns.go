package store

import (
	"context"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// RecentRuns gives the scans of all mirrors after a time, the oldest first.
func (s *Store) RecentRuns(ctx context.Context, since time.Time) (map[mirror.ID][]mirror.Run, error) {
	all := map[mirror.ID][]mirror.Run{}
	err := s.read(ctx, func(n *Snapshot) error {
		return eachRun(ctx, n.q, `SELECT r.mirror, r.at, r.took, r.ok, r.protocol, r.held, r.files, r.response, r.error FROM scan_run r
			JOIN mirror m ON m.id = r.mirror WHERE m.gone = 0 AND r.at > $1 ORDER BY r.mirror, r.at`, []any{nanos(since)},
			func(id mirror.ID, r mirror.Run) { all[id] = append(all[id], r) })
	})
	return all, fail("reading the scans of mirrors", deadline(ctx, err))
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// CommitScan makes a scan's result the mirror's holdings, under the lease of
// the scan: what the mirror held less what the scan knew, and what the scan
// found. What the scan did not know (files added meanwhile, other folders), and
// what others have changed since it began, stays as it is by now. A full scan also sets the mirror's scan state, and
// switches the mirror on if it waited for that.
func (s *Store) CommitScan(ctx context.Context, l Lease, r ScanResult) (ScanOutcome, error) {
	var out ScanOutcome
	head, err := s.visible(ctx, fmt.Sprintf("committing the scan of mirror %d", r.Mirror), func(t *tx) error {
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		m, err := t.lockMirror(ctx, r.Mirror)
		if err != nil {
			return err
		}
		if r.Still != nil {
			if err := r.Still(&m); err != nil {
				return err
			}
		}
		held, err := t.mergeScan(ctx, &r, &out)
		if err != nil {
			return err
		}
		before := m
		if r.Subtree == "" {
			now := instant(t.now)
			m.Scan = mirror.ScanState{Succeeded: now, Attempted: now, Protocol: r.Protocol, Held: out.Held, FilesPerSec: r.FilesPerSec}
			run := mirror.Run{At: now, Took: took(r.Started, now), OK: true, Protocol: r.Protocol, Response: r.Response}
			if err := t.addRun(ctx, &m, held, run); err != nil {
				return err
			}
		}
		return t.afterScan(ctx, &before, &m, &r)
	})
	if err != nil {
		return ScanOutcome{}, err
	}
	out.Head = head
	return out, nil
}

// took is for how long a scan went on; 0 where that is not known. The clocks may
// be those of two hosts.
func took(started, ended time.Time) time.Duration {
	if started.IsZero() {
		return 0
	}
	return max(0, ended.Sub(started))
}

// mergeScan computes and stores the new holdings, and gives what is held.
func (t *tx) mergeScan(ctx context.Context, r *ScanResult, out *ScanOutcome) (*roaring.Bitmap, error) {
	h, found, err := holdingsOf(ctx, t, r.Mirror, t.d.forUpdate)
	if err != nil {
		return nil, err
	}
	dead, err := t.purgedIDs(ctx)
	if err != nil {
		return nil, err
	}
	knew, taken := r.since(h.Held)
	dead.Or(taken)
	after := Holdings{Mirror: r.Mirror, Held: merge(h.Held, knew, r.Found, dead), Exact: merge(h.Exact, knew, r.Exact, dead)}
	after.Exact.And(after.Held)
	out.Held = after.Held.GetCardinality()
	out.Added = after.Held.GetCardinality() - after.Held.AndCardinality(h.Held)
	out.Removed = h.Held.GetCardinality() - after.Held.AndCardinality(h.Held)
	if found && after.Held.Equals(h.Held) && after.Exact.Equals(h.Exact) {
		return after.Held, nil
	}
	return after.Held, t.putHoldings(ctx, after)
}

// since gives what the scan still decides about, and what others have taken
// from the mirror since it began: the scan may have seen it before they did.
func (r *ScanResult) since(held *roaring.Bitmap) (knew, taken *roaring.Bitmap) {
	if r.Before == nil {
		return orEmpty(r.Knew), roaring.New()
	}
	credited := roaring.AndNot(held, r.Before)
	credited.AndNot(orEmpty(r.Lost)) // never credited in doubt
	return roaring.AndNot(orEmpty(r.Knew), credited), roaring.AndNot(r.Before, held)
}

// merge is ((old - knew) | found) - dead.
func merge(old, knew, found, dead *roaring.Bitmap) *roaring.Bitmap {
	b := roaring.AndNot(old, orEmpty(knew))
	b.Or(orEmpty(found))
	b.AndNot(dead)
	return b
}

// afterScan stores the mirror's row.
func (t *tx) afterScan(ctx context.Context, before, m *mirror.Mirror, r *ScanResult) error {
	if r.Enable || m.EnableAfterScan && r.Subtree == "" {
		m.Enabled, m.EnableAfterScan = true, false
	}
	var row mirrorRow
	row.fill(m)
	if err := t.writeMirror(ctx, &row); err != nil {
		return err
	}
	if m.Enabled == before.Enabled {
		return nil
	}
	return t.event(ctx, Event{Mirror: m.ID, MirrorName: m.Name, Who: r.Who, What: "enabled", Detail: "after a successful scan"})
}

// ScanFailed remembers a full scan that failed, under the lease of the scan. The
// holdings stay.
func (s *Store) ScanFailed(ctx context.Context, l Lease, f ScanFailure) error {
	_, err := s.visible(ctx, fmt.Sprintf("noting the failed scan of mirror %d", f.Mirror), func(t *tx) error {
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		m, err := t.changeMirror(ctx, f.Mirror, "", "", func(m *mirror.Mirror) error {
			if m.Scan.FailingSince.IsZero() {
				m.Scan.FailingSince = f.At
			}
			m.Scan.Attempted, m.Scan.Error = f.At, f.Reason
			m.Scan.Failures++
			return nil
		})
		if err != nil {
			return err
		}
		h, _, err := holdingsOf(ctx, t, f.Mirror, "")
		if err != nil {
			return err
		}
		return t.addRun(ctx, &m, h.Held, mirror.Run{
			At: f.At, Took: took(f.Started, f.At), Protocol: f.Protocol, Response: f.Response, Error: f.Reason,
		})
	})
	return err
}

// ForgetFailures takes back what ScanFailed remembered of a mirror that was well
// until since: what failed was not its doing. The time of the attempt stays.
func (s *Store) ForgetFailures(ctx context.Context, id mirror.ID, since time.Time) error {
	_, err := s.visible(ctx, fmt.Sprintf("forgetting the failures of mirror %d", id), func(t *tx) error {
		_, err := t.changeMirror(ctx, id, "", "", func(m *mirror.Mirror) error {
			if m.Scan.FailingSince.After(since) {
				m.Scan.FailingSince, m.Scan.Failures, m.Scan.Error = time.Time{}, 0, ""
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, "DELETE FROM scan_run WHERE mirror = $1 AND at > $2 AND NOT ok", int64(id), nanos(since))
		return err
	})
	return err
}

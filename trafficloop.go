package mirrorbrain

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/traffic"
)

const (
	balanceEvery   = time.Second
	trafficEvery   = 10 * time.Second
	trafficTimeout = 5 * time.Second
	// lastTrafficTimeout leaves the process time to end in, with the database
	// away.
	lastTrafficTimeout = 3 * time.Second
)

var _ redirector.Load = (*traffic.Load)(nil)

// followTraffic keeps the weights of the mirrors, and the database's sums of
// what was sent to them, up to date until ctx ends.
func (d *database) followTraffic(ctx context.Context) {
	d.traffic.Balance(time.Now())
	if !d.ready(ctx) {
		return
	}
	balance, flush := time.NewTicker(balanceEvery), time.NewTicker(trafficEvery)
	defer balance.Stop()
	defer flush.Stop()
	flushed := make(chan struct{}, 1) // has room while no flush is under way
	storeTraffic := func() {
		select {
		case flushed <- struct{}{}:
		default:
			return // the database takes its time; the weights must not wait for it
		}
		d.loops.Go(func() {
			d.flushTraffic(ctx, trafficTimeout)
			<-flushed
		})
	}
	storeTraffic() // so that quotas are known from the start
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-balance.C:
			d.traffic.Balance(now)
		case <-flush.C:
			storeTraffic()
		}
	}
}

// flushTraffic adds what was counted to the database, and takes over from there
// what all nodes sent. That this fails while the database is away, or is a
// replica, is no news; what was counted is kept for the next time.
func (d *database) flushTraffic(ctx context.Context, timeout time.Duration) {
	entries := d.traffic.Drain()
	if len(entries) == 0 && !d.quotas() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sums, err := d.store.AddTraffic(ctx, entries)
	if err != nil {
		d.traffic.Restore(entries)
	} else {
		d.traffic.Learn(sums)
		err = d.store.SettleQuotas(ctx, hostname())
	}
	if err != nil && !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, store.ErrReadOnly) && ctx.Err() == nil {
		logs.logger().Warn("what was sent to mirrors is not added up", "database", d.store.Describe(), "err", err)
	}
}

// quotas reports whether any mirror has one, or is still marked as if it had.
func (d *database) quotas() bool {
	return slices.ContainsFunc(d.catalog.View().Holdings().Mirrors, func(m *mirror.Mirror) bool {
		return m.Quota.Bytes > 0 || m.Quota.Spent
	})
}

// load gives what the mirrors of a list carry; nil: nothing that matters to this
// site.
func (h *Handler) load(mirrors []*mirror.Mirror) redirector.Load {
	load := h.rt.db.traffic.For(mirrors, h.ShareBy == redirector.ShareByBytes)
	if load == nil {
		return nil // not a nil *Load in an interface
	}
	return load
}

package origin

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin/zone"
)

// hold keeps an entry with a time of an unnamed zone back until enough others
// tell the zone.
func (m *remote) hold(ctx context.Context, e listing.Entry, q *questions) {
	m.held = append(m.held, e)
	m.mu.Lock()
	if r := m.d.t.find(e.Path); r != nil && r.id != 0 {
		old := mirror.Version{ID: r.id, Size: r.size, MTime: r.mtime, Precision: m.d.t.precs[r.prec]}
		if v, ok := zone.Of(&e, []mirror.Version{old}); ok {
			m.votes = append(m.votes, v)
		}
	}
	m.mu.Unlock()
	if len(m.held) >= maxBuffer || len(m.votes) >= maxVotes {
		m.settleZone(ctx, q)
	}
}

// settleZone learns the zone from what the index has, else from the web
// server's own times of a few files, and goes on with what was held back.
func (m *remote) settleZone(ctx context.Context, q *questions) {
	m.zone = zone.Detect(m.votes)
	if !m.zone.Known && m.web != "" {
		m.zone = zone.Detect(m.sampleZone(ctx))
	}
	m.zoneDone = true
	for _, e := range m.held {
		m.file(e, q)
	}
	m.held, m.votes = nil, nil
}

func (m *remote) sampleZone(ctx context.Context) []zone.Vote {
	var votes []zone.Vote
	stride := max(1, len(m.held)/maxSamples)
	for i := 0; i < len(m.held) && len(votes) < maxSamples && ctx.Err() == nil; i += stride {
		e := m.held[i]
		h, err := httphead.Head(ctx, m.client, m.web+mirror.EscapePath(e.Path))
		if err != nil || !h.Found() || h.LastModified.IsZero() {
			if i > maxSamples*stride/4 && len(votes) == 0 {
				return nil // it does not tell
			}
			continue
		}
		at := mirror.Version{ID: 1, Size: h.Size, MTime: h.LastModified.UnixNano(), Precision: time.Second}
		if v, ok := zone.Of(&e, []mirror.Version{at}); ok {
			votes = append(votes, v)
		}
	}
	return votes
}

// questions asks the web server about entries, some at once, while the listing
// goes on.
type questions struct {
	in chan listing.Entry
	wg sync.WaitGroup
}

func newQuestions(ctx context.Context, m *remote) *questions {
	q := &questions{in: make(chan listing.Entry)}
	for range askers {
		q.wg.Go(func() {
			for e := range q.in {
				h, err := httphead.Head(ctx, m.client, m.web+mirror.EscapePath(e.Path))
				m.answered(e, h, err)
			}
		})
	}
	return q
}

func (q *questions) ask(e listing.Entry) { q.in <- e }

func (q *questions) wait() {
	close(q.in)
	q.wg.Wait()
}

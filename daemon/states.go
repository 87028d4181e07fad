package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// statesEvery is how often the states of mirrors are recorded: some change by
// themselves, as time goes by.
const statesEvery = time.Minute

// states has the states of mirrors recorded, one time after the other.
type states struct {
	record func(ctx context.Context, maxScanAge time.Duration)
	due    time.Time
	free   chan struct{} // holds one while nothing is being recorded
}

func newStates() states {
	s := states{record: func(context.Context, time.Duration) {}, free: make(chan struct{}, 1)}
	s.free <- struct{}{}
	return s
}

// soon says that something has happened.
func (s *states) soon() { s.due = time.Time{} }

// turn starts the recording if it is time, in the background: the database may
// take its own.
func (s *states) turn(ctx context.Context, now time.Time, maxScanAge time.Duration) {
	if now.Before(s.due) {
		return
	}
	select {
	case <-s.free:
	default:
		return
	}
	s.due = now.Add(statesEvery)
	go func() {
		bounded, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		s.record(bounded, maxScanAge)
		s.free <- struct{}{}
	}()
}

// end waits for what is being recorded, and has recorded what happened last.
func (s *states) end(ctx context.Context, maxScanAge time.Duration) {
	select {
	case <-s.free:
		s.record(ctx, maxScanAge)
	case <-ctx.Done():
	}
}

// recordStates records the states of all mirrors. Others do so, too, and if none
// can, the next turn will.
func (w *worker) recordStates(ctx context.Context, maxScanAge time.Duration) {
	err := w.db.RecordStates(ctx, time.Time{}, maxScanAge)
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, store.ErrReadOnly) {
		w.log.Warn("recording the states of mirrors failed, trying again in a minute", "error", err)
	}
}

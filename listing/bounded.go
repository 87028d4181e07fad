package listing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Limits bound a whole listing, as Options.Timeout bounds a silence: a server
// that goes on sending, but never comes to an end, would be listened to for
// ever. Zero values are defaults.
type Limits struct {
	// Time is how long the listing may take. Default: 6h.
	Time time.Duration
	// Idle is how long the server may go on without a new entry; twice as long
	// at most. The time that yield takes does not count. Default: ten times
	// DefaultTimeout.
	Idle time.Duration
	// Entries is how many entries are taken. Default: 200 million.
	Entries int
}

// DefaultTime is how long a listing may take.
const DefaultTime = 6 * time.Hour

// idleTimeouts is how many timeouts may pass without an entry.
const idleTimeouts = 10

func (l Limits) withDefaults() Limits {
	if l.Time <= 0 {
		l.Time = DefaultTime
	}
	if l.Idle <= 0 {
		l.Idle = idleTimeouts * DefaultTimeout
	}
	if l.Entries <= 0 {
		l.Entries = 200_000_000
	}
	return l
}

// IdleFor gives Limits.Idle to go with Options.Timeout.
func IdleFor(timeout time.Duration) time.Duration { return idleTimeouts * timeout }

// LimitError is why a listing was ended that went on and on.
type LimitError struct{ why string }

func (e *LimitError) Error() string { return e.why }

// Bounded gives l, listing within limits; what exceeds them ends with a
// *LimitError.
func Bounded(l Lister, limits Limits) Lister {
	return &bounded{l, limits.withDefaults()}
}

type bounded struct {
	Lister

	limits Limits
}

// List implements Lister.
func (b *bounded) List(ctx context.Context, sub string, yield func(Entry) error) (Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var steps atomic.Int64 // into yield and out of it: odd within
	stop := func(format string, limit any) {
		cancel(&LimitError{fmt.Sprintf(format+" (%d entries came)", limit, (steps.Load()+1)/2)})
	}
	defer time.AfterFunc(b.limits.Time, func() { stop("the listing did not end within %v", b.limits.Time) }).Stop()
	defer watch(&steps, b.limits.Idle, func() {
		stop("the server sent nothing new for %v, though it went on sending", b.limits.Idle)
	})()

	sum, err := b.Lister.List(ctx, sub, func(e Entry) error {
		if steps.Add(1) > 2*int64(b.limits.Entries) {
			stop("the listing has more than %d entries", b.limits.Entries)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		defer steps.Add(1)
		return yield(e)
	})
	if limit, ok := errors.AsType[*LimitError](context.Cause(ctx)); ok && err != nil {
		err = limit
	}
	return sum, err
}

// watch calls stuck when steps stays the same, and even, from one look to the
// next. A look costs less than a timer that each entry sets anew.
func watch(steps *atomic.Int64, every time.Duration, stuck func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := steps.Load()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := steps.Load()
			if now == last && now%2 == 0 {
				stuck()
				return
			}
			last = now
		}
	}()
	return func() { close(done) }
}

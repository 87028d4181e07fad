package mirrorbrain

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Documents may ask the database; redirects never do. These bound what that
// may cost when it is slow or gone.
const (
	askPatience = 200 * time.Millisecond // how long a request waits for an answer
	askTimeout  = 10 * time.Second       // how long the database may take for it
	askAtOnce   = 32                     // questions under way
	waitAtOnce  = 1024                   // requests that wait for answers, and renewals
	refreshAge  = time.Minute            // older answers are given, and asked for again
	missingAge  = 5 * time.Second        // how long "there is none" is believed
	forgetAge   = 24 * time.Hour         // how long answers are good while the database is away
)

// errBusy: the database did not answer in time, and there is no older answer.
var errBusy = errors.New("the database does not answer in time")

// remembered asks the database and remembers its answers, up to a weight.
// Requests for the same thing wait for one question. Old answers are given
// while newer ones are asked for in the background.
type remembered[K comparable, V any] struct {
	cache   *otter.Cache[K, answer[V]]
	ask     func(context.Context, K) (V, error) // store.ErrNotFound: there is none
	asking  chan struct{}
	waiting chan struct{}
}

type answer[V any] struct {
	value V
	found bool
}

// newRemembered keeps answers that weigh max bytes at most; weigh says what
// one weighs, its overhead apart.
func newRemembered[K comparable, V any](limit uint64, weigh func(K, V) int, ask func(context.Context, K) (V, error)) *remembered[K, V] {
	const overhead = 128
	return &remembered[K, V]{
		cache: otter.Must(&otter.Options[K, answer[V]]{
			MaximumWeight: limit,
			Weigher:       func(k K, a answer[V]) uint32 { return uint32(overhead + weigh(k, a.value)) },
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[K, answer[V]]) time.Duration {
				if !e.Value.found {
					return missingAge
				}
				return forgetAge
			}),
			RefreshCalculator: otter.RefreshWriting[K, answer[V]](refreshAge),
			Logger:            &otter.NoopLogger{}, // that the database is away is said by the catalog
		}),
		ask:     ask,
		asking:  make(chan struct{}, askAtOnce),
		waiting: make(chan struct{}, waitAtOnce),
	}
}

// get gives what is known about key. found is false where the database says
// that there is nothing; errBusy: it said nothing.
func (m *remembered[K, V]) get(key K) (value V, found bool, err error) {
	if e, ok := m.cache.GetEntry(key); ok {
		if e.RefreshableAfter() <= 0 {
			m.background(func(ctx context.Context) { <-m.cache.Refresh(ctx, key, m.loader()) })
		}
		return e.Value.value, e.Value.found, nil
	}
	got := make(chan answer[V], 1)
	if !m.background(func(ctx context.Context) {
		defer close(got)
		if a, err := m.cache.Get(ctx, key, m.loader()); err == nil {
			got <- a
		}
	}) {
		return value, false, errBusy
	}
	patience := time.NewTimer(askPatience)
	defer patience.Stop()
	select {
	case a, ok := <-got:
		if ok {
			return a.value, a.found, nil
		}
	case <-patience.C:
	}
	return value, false, errBusy
}

// forget makes the next get ask anew.
func (m *remembered[K, V]) forget(key K) { m.cache.Invalidate(key) }

// close ends what the memory keeps running.
func (m *remembered[K, V]) close() { m.cache.StopAllGoroutines() }

// background runs fn, which gets an answer, unless too many wait already.
func (m *remembered[K, V]) background(fn func(context.Context)) bool {
	select {
	case m.waiting <- struct{}{}:
	default:
		return false
	}
	go func() {
		defer func() { <-m.waiting }()
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		fn(ctx)
	}()
	return true
}

func (m *remembered[K, V]) loader() otter.Loader[K, answer[V]] {
	return otter.LoaderFunc[K, answer[V]](m.load)
}

func (m *remembered[K, V]) load(ctx context.Context, key K) (answer[V], error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout) // refreshes come without an end
	defer cancel()
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return answer[V]{}, ctx.Err()
	}
	v, err := m.ask(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return answer[V]{}, nil
	case err != nil:
		return answer[V]{}, err
	}
	return answer[V]{value: v, found: true}, nil
}

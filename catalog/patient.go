package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patient calls a Source that may hang: a stopped server, a connection into
// the void, a driver that does not notice the end of its context. It is used
// by one goroutine.
type patient struct {
	src Source
	// stuck is closed when a call that was given up has ended after all; nil
	// when there is none. Until then no other is begun, so they do not pile up.
	stuck chan struct{}
}

// grace is how long a call may take to notice that its context has ended.
const grace = 2 * time.Second

var errStuck = errors.New("an earlier call to the database still hangs")

// ask calls fn with a context that ends when fn did not call progress for as
// long as it last said, at first limit. If fn does not return then, its answer
// is not waited for.
func ask[T any](ctx context.Context, p *patient, limit time.Duration, fn func(context.Context, func(time.Duration)) (T, error)) (T, error) {
	var none T
	if p.stuck != nil {
		select {
		case <-p.stuck:
			p.stuck = nil
		default:
			return none, errStuck
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("no answer for %v: %w", limit, context.DeadlineExceeded)) })
	defer timer.Stop()

	type answer struct {
		value T
		err   error
	}
	answers, ended := make(chan answer, 1), make(chan struct{})
	go func() {
		defer close(ended)
		v, err := fn(ctx, func(d time.Duration) { timer.Reset(d) })
		answers <- answer{v, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case a := <-answers:
		if a.err != nil {
			return none, fmt.Errorf("%w (%w)", context.Cause(ctx), a.err)
		}
		return a.value, nil
	case <-t.C:
		p.stuck = ended
		return none, context.Cause(ctx)
	}
}

func (p *patient) head(ctx context.Context, limit time.Duration) (Head, error) {
	return ask(ctx, p, limit, func(ctx context.Context, _ func(time.Duration)) (Head, error) { return p.src.Head(ctx) })
}

// readSnapshot calls fn with a snapshot and gives what it gave.
func readSnapshot[T any](ctx context.Context, p *patient, limit time.Duration, fn func(Snapshot, func(time.Duration)) (T, error)) (T, error) {
	return ask(ctx, p, limit, func(ctx context.Context, progress func(time.Duration)) (v T, err error) {
		err = p.src.Read(ctx, func(s Snapshot) error {
			v, err = fn(s, progress)
			return err
		})
		return v, err
	})
}

// wait waits for a change, or d; a Source that hangs is left alone.
func (p *patient) wait(ctx context.Context, d time.Duration) {
	_, err := ask(ctx, p, 2*d, func(ctx context.Context, _ func(time.Duration)) (struct{}, error) {
		p.src.Wait(ctx, d)
		return struct{}{}, nil
	})
	if errors.Is(err, errStuck) {
		sleep(ctx, d)
	}
}

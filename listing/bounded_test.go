package listing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// endless lists the same file again and again, one in each pause.
type endless struct{ pause time.Duration }

func (endless) Protocol() string { return "rsync" }

func (l endless) List(ctx context.Context, _ string, yield func(Entry) error) (Summary, error) {
	var sum Summary
	for {
		select {
		case <-ctx.Done():
			return sum, context.Cause(ctx)
		case <-time.After(l.pause):
		}
		if err := yield(Entry{Path: "x"}); err != nil {
			return sum, err
		}
		sum.Entries++
	}
}

func TestBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pause   time.Duration
		limits  Limits
		took    time.Duration
		entries int
		why     string
	}{
		"too long":        {time.Second, Limits{Time: 90500 * time.Millisecond}, 90500 * time.Millisecond, 90, "did not end within 1m30.5s (90 entries came)"},
		"nothing new":     {time.Hour, Limits{Idle: time.Minute}, time.Minute, 0, "nothing new for 1m0s"},
		"too many":        {time.Second, Limits{Entries: 5}, 6 * time.Second, 5, "more than 5 entries"},
		"by default":      {time.Minute, Limits{}, DefaultTime, 359, "did not end within 6h0m0s"},
		"idle by default": {11 * time.Minute, Limits{}, 10 * time.Minute, 0, "nothing new for 10m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				n := 0
				sum, err := Bounded(endless{c.pause}, c.limits).List(t.Context(), "", func(Entry) error { n++; return nil })
				if _, ok := errors.AsType[*LimitError](err); !ok || !strings.Contains(err.Error(), c.why) {
					t.Errorf("error %v, want %q", err, c.why)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if n < c.entries || n > c.entries+1 || sum.Entries != n {
					t.Errorf("%d entries, %d counted, want %d", n, sum.Entries, c.entries)
				}
			})
		})
	}
}

// The time that yield takes is not the server's.
func TestBoundedSlowYield(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		enough := errors.New("enough")
		_, err := Bounded(endless{time.Second}, Limits{Idle: time.Minute}).List(t.Context(), "", func(Entry) error {
			time.Sleep(time.Hour)
			if n++; n == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || n != 3 {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}

// The end of the caller's context is the caller's.
func TestBoundedInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Bounded(endless{time.Millisecond}, Limits{}).List(ctx, "", func(Entry) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

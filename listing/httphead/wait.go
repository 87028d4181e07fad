package httphead

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// wait measures for how long servers are waited for. Setting connections up is
// left out: whether one is there already is a matter of chance.
type wait struct {
	mu    sync.Mutex // an answer may come when nobody wants it any more
	since time.Time  // zero: nobody is waited for
	sum   time.Duration
}

// watched is a context for requests that are measured.
func (w *wait) watched(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.since = time.Now() // again where a connection was dead
		},
		GotFirstResponseByte: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !w.since.IsZero() {
				w.sum += time.Since(w.since)
				w.since = time.Time{}
			}
		},
	})
}

func (w *wait) total() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}

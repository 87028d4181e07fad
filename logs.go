package mirrorbrain

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// logs passes on what objects in the pools log. They outlive the configuration
// that made them, whose logger ends with it; so each record goes to the logger
// of the newest configuration that is alive.
var logs relay

type relay struct {
	mu      sync.Mutex
	loggers []*slog.Logger
	now     atomic.Pointer[slog.Logger]
}

// offer adds the logger of a configuration that is being loaded.
func (r *relay) offer(l *slog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loggers = append(r.loggers, l)
	r.now.Store(l)
}

// retract removes the logger of a configuration that ends, or failed to load.
func (r *relay) retract(l *slog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loggers = slices.DeleteFunc(r.loggers, func(o *slog.Logger) bool { return o == l })
	var now *slog.Logger
	if n := len(r.loggers); n > 0 {
		now = r.loggers[n-1]
	}
	r.now.Store(now)
}

func (r *relay) logger() *slog.Logger { return slog.New(&relayed{r: r}) }

// relayed is a slog.Handler in front of whatever logger there is at the time.
type relayed struct {
	r    *relay
	with func(slog.Handler) slog.Handler // attributes and groups so far; nil: none
}

func (h *relayed) target() slog.Handler {
	l := h.r.now.Load()
	switch {
	case l == nil:
		return slog.DiscardHandler
	case h.with == nil:
		return l.Handler()
	}
	return h.with(l.Handler())
}

// Enabled implements slog.Handler.
func (h *relayed) Enabled(ctx context.Context, level slog.Level) bool {
	return h.target().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *relayed) Handle(ctx context.Context, r slog.Record) error {
	return h.target().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *relayed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.and(func(t slog.Handler) slog.Handler { return t.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *relayed) WithGroup(name string) slog.Handler {
	return h.and(func(t slog.Handler) slog.Handler { return t.WithGroup(name) })
}

func (h *relayed) and(f func(slog.Handler) slog.Handler) slog.Handler {
	before := h.with
	if before == nil {
		return &relayed{r: h.r, with: f}
	}
	return &relayed{r: h.r, with: func(t slog.Handler) slog.Handler { return f(before(t)) }}
}

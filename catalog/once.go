package catalog

import (
	"context"
	"log/slog"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// ReadOnce gives the catalog as it is in the database now, for tools that follow
// nothing. It has no SHA-256 digests, which would be more than half of its memory.
func ReadOnce(ctx context.Context, src Source) (*View, error) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	if err := newFollower(c, undigested{src}, FollowOptions{}).sync(ctx); err != nil {
		return nil, err
	}
	return c.View(), nil
}

// undigested is a database without digests.
type undigested struct{ Source }

// Read implements Source.
func (u undigested) Read(ctx context.Context, fn func(Snapshot) error) error {
	return u.Source.Read(ctx, func(s Snapshot) error { return fn(undigestedSnapshot{s}) })
}

type undigestedSnapshot struct{ Snapshot }

// Digests implements Snapshot.
func (undigestedSnapshot) Digests(int64, func(mirror.FileID, [32]byte) error) error { return nil }

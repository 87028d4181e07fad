package mirrorbrain

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// The settings that the catalog keeps with the rest, so that they are known
// while the database is away.
const (
	settingScanAge = "max_scan_age"
	// settingOrigin is not in the table of settings: it is the URL at which the
	// origin of the index can be fetched from.
	settingOrigin = "origin_http"
)

// source is a database as the catalog wants to read it. An empty one is set up
// at the first attempt that reaches it.
type source struct {
	store    *store.Store
	prepared atomic.Bool
}

func (s *source) prepare(ctx context.Context) error {
	if s.prepared.Load() {
		return nil
	}
	if err := s.store.Prepare(ctx); err != nil {
		return err
	}
	s.prepared.Store(true)
	return nil
}

// Head implements catalog.Source.
func (s *source) Head(ctx context.Context) (catalog.Head, error) {
	if err := s.prepare(ctx); err != nil {
		return catalog.Head{}, err
	}
	h, err := s.store.Head(ctx)
	return catalog.Head(h), err
}

// Read implements catalog.Source.
func (s *source) Read(ctx context.Context, fn func(catalog.Snapshot) error) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.store.Read(ctx, func(n *store.Snapshot) error { return fn(snapshot{n}) })
}

// Wait implements catalog.Source.
func (s *source) Wait(ctx context.Context, d time.Duration) { s.store.Wait(ctx, d) }

// snapshot is a snapshot in the catalog's types.
type snapshot struct{ *store.Snapshot }

func (s snapshot) Head() catalog.Head { return catalog.Head(s.Snapshot.Head()) }

func (s snapshot) Known(h catalog.Head) (bool, error) { return s.Snapshot.Known(store.Head(h)) }

func (s snapshot) Holdings(since int64, fn func(catalog.Holdings) error) error {
	return s.Snapshot.Holdings(since, func(h store.Holdings) error { return fn(catalog.Holdings(h)) })
}

func (s snapshot) Files(since int64, fn func(catalog.FileRow) error) error {
	return s.Snapshot.Files(since, func(r store.FileRow) error { return fn(catalog.FileRow(r)) })
}

func (s snapshot) Aliases(since int64, fn func(catalog.Alias) error) error {
	return s.Snapshot.Aliases(since, func(a store.Alias) error { return fn(catalog.Alias(a)) })
}

func (s snapshot) Prefixes(fn func(catalog.Prefix) error) error {
	return s.Snapshot.Prefixes(func(p store.Prefix) error { return fn(catalog.Prefix(p)) })
}

func (s snapshot) Setting(name string) (string, error) {
	if name == settingOrigin {
		o, err := s.Origin()
		return o.HTTP, err
	}
	return s.Snapshot.Setting(name)
}

var _ catalog.Source = (*source)(nil)

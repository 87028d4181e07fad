package mirrorbrain

import (
	"context"
	"sync/atomic"

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
	// settingKeep is how long versions that are gone are known.
	settingKeep = store.SettingKeepVersions
)

// source is a database as the catalog wants to read it. An empty one is set up
// at the first attempt that reaches it.
type source struct {
	catalog.Source

	store    *store.Store
	prepared atomic.Bool
}

func newSource(s *store.Store) *source { return &source{Source: catalog.FromStore(s), store: s} }

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
	return s.Source.Head(ctx)
}

// Read implements catalog.Source.
func (s *source) Read(ctx context.Context, fn func(catalog.Snapshot) error) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.store.Read(ctx, func(n *store.Snapshot) error { return fn(snapshot{n}) })
}

// snapshot is a snapshot that has the origin among its settings.
type snapshot struct{ *store.Snapshot }

func (s snapshot) Setting(name string) (string, error) {
	if name == settingOrigin {
		o, err := s.Origin()
		return o.HTTP, err
	}
	return s.Snapshot.Setting(name)
}

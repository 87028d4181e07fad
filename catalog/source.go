package catalog

import (
	"context"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// What store and catalog speak of is the same.
type (
	Head     = store.Head
	FileRow  = store.FileRow
	AltMTime = store.AltMTime
	Alias    = store.Alias
	Holdings = store.Holdings
	Prefix   = store.Prefix
)

// Source is the database that a catalog follows.
type Source interface {
	// Head gives the newest revision.
	Head(ctx context.Context) (Head, error)
	// Read calls fn with one consistent snapshot.
	Read(ctx context.Context, fn func(Snapshot) error) error
	// Wait returns after d, or earlier when something changed.
	Wait(ctx context.Context, d time.Duration)
}

// Snapshot is the database at one revision. For since 0 everything that is
// live is given, else only what changed after that revision.
type Snapshot interface {
	Head() Head
	Standby() bool             // a replica, which may lag
	Known(Head) (bool, error)  // whether the pair is part of this database's history
	Key() ([16]byte, error)    // the key of the path hash
	FileCount() (int64, error) // about how many files there are
	Mirrors(since int64, fn func(m mirror.Mirror, deleted bool) error) error
	Holdings(since int64, fn func(Holdings) error) error
	Files(since int64, fn func(FileRow) error) error
	Aliases(since int64, fn func(Alias) error) error
	Digests(since int64, fn func(id mirror.FileID, sha256 [32]byte) error) error
	PrefixGeneration() (int64, error)
	Prefixes(fn func(Prefix) error) error
	Setting(name string) (string, error) // "" when it is not set
	// Kept gives the versions gone after a time, LiveIn the current files in a
	// folder, LiveNamed those below one with certain names; see store.Snapshot.
	Kept(since, goneAfter int64, fn func(FileRow) error) error
	LiveIn(folder string, below bool, fn func(FileRow) error) error
	LiveNamed(folder string, names, parts []string, fn func(FileRow) error) error
}

// FromStore makes a Source of a store.
func FromStore(s *store.Store) Source { return storeSource{s} }

type storeSource struct{ *store.Store }

func (s storeSource) Read(ctx context.Context, fn func(Snapshot) error) error {
	return s.Store.Read(ctx, func(n *store.Snapshot) error { return fn(n) })
}

package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Versions is the index of all known versions of all paths, kept ones too, that
// listings are matched against. Fill it with Add, or take LoadVersions. Lookup
// may be called by many at once, but not while Add or Compact runs.
type Versions struct {
	hash hasher
	b    builder[versionVal]
}

// versionVal is a version in 32 bytes, 40 with its key.
type versionVal struct {
	size, mtime, seen int64
	id                uint32
	prec              uint8
	gone              [3]byte // in units of goneUnit, rounded up; 0: current
}

// goneUnit is how exactly Gone is kept: matching only asks whether it is set.
const goneUnit = int64(256 * time.Second)

// NewVersions makes an empty index. The key is the database's, or any: it is
// not kept anywhere. hash nil is SipHash-2-4.
func NewVersions(key [16]byte, hash Hash) *Versions {
	// Nobody reads this table while it changes shards, so there need not be
	// more of them than keep one rebuild short.
	return &Versions{hash: newHasher(key, hash), b: builder[versionVal]{t: newTable[versionVal](minBits), fixed: true}}
}

// VersionSource is the part of a store's snapshot that LoadVersions reads.
type VersionSource interface {
	Key() ([16]byte, error)
	Versions(fn func(row FileRow, alts []AltMTime) error) error
}

// LoadVersions reads all versions of one consistent snapshot.
func LoadVersions(ctx context.Context, s VersionSource) (*Versions, error) {
	key, err := s.Key()
	if err != nil {
		return nil, fmt.Errorf("loading the versions: %w", err)
	}
	v := NewVersions(key, nil)
	if err := v.Load(ctx, s); err != nil {
		return nil, err
	}
	return v, nil
}

// Load adds all versions of a snapshot and makes the index compact.
func (v *Versions) Load(ctx context.Context, s VersionSource) error {
	n := 0
	err := s.Versions(func(row FileRow, alts []AltMTime) error {
		if n++; n&1023 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.add(v.hash.bytes(row.Path), row.Version, alts)
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading the versions: %w", err)
	}
	v.Compact()
	return nil
}

// Add puts a version in. Each of alts, the mtimes that it had before, becomes
// a further entry with the same ID.
func (v *Versions) Add(path string, version mirror.Version, alts ...AltMTime) {
	v.add(v.hash.path(path), version, alts)
}

func (v *Versions) add(key uint64, version mirror.Version, alts []AltMTime) {
	val := versionVal{
		size: version.Size, mtime: version.MTime, seen: version.Seen,
		id: uint32(version.ID), prec: packPrecision(version.Precision), gone: packGone(version.Gone),
	}
	v.b.add(key, val)
	for _, a := range alts {
		val.mtime, val.prec = a.MTime, packPrecision(a.Precision)
		v.b.add(key, val)
	}
}

// Compact gives back what growing left over.
func (v *Versions) Compact() { v.b.cut(8) }

// Len is the number of entries: versions and their former mtimes.
func (v *Versions) Len() int { return v.b.t.n }

// Lookup appends the versions of path to buf, in no order. Gone is rounded up
// to some four minutes. When two live versions have one hash they are of two
// paths, of which neither can be told from the other: then there is none.
func (v *Versions) Lookup(path string, buf []mirror.Version) []mirror.Version {
	start, live := len(buf), mirror.FileID(0)
	collided := false
	v.b.t.each(v.hash.path(path), func(val *versionVal) {
		ver := val.version()
		if ver.Current() {
			collided = collided || live != 0 && live != ver.ID
			live = ver.ID
		}
		buf = append(buf, ver)
	})
	if collided {
		return buf[:start]
	}
	return buf
}

func (val *versionVal) version() mirror.Version {
	return mirror.Version{
		ID: mirror.FileID(val.id), Size: val.size, MTime: val.mtime,
		Precision: unpackPrecision(val.prec), Seen: val.seen, Gone: unpackGone(val.gone),
	}
}

func packGone(ns int64) (g [3]byte) {
	if ns == 0 {
		return g
	}
	u := min(max((ns-1)/goneUnit+1, 1), 1<<24-1)
	return [3]byte{byte(u), byte(u >> 8), byte(u >> 16)}
}

func unpackGone(g [3]byte) int64 {
	return (int64(g[0]) | int64(g[1])<<8 | int64(g[2])<<16) * goneUnit
}

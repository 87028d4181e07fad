package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// update is what a poll read from one snapshot. It is gathered whole before
// any of it is applied, so that a connection that breaks half-way changes
// nothing.
type update struct {
	kind     updateKind
	head     Head
	prefixes int64 // generation of the prefix table

	key      [16]byte
	world    worldDelta
	settings map[string]string
	removed  []string
	added    map[string]link
	// A change lists what to do to the tables there are; a reload makes new ones.
	fileOps  []op[fileVal]
	sumOps   []op[sum]
	newFiles *builder[fileVal]
	newSums  *builder[sum]
}

// updateKind is what the snapshot turned out to be to this catalog.
type updateKind uint8

const (
	nothingNew updateKind = iota
	change                // newer than ours, of the same history
	reload                // of another history, or ours is too old
	lagging               // an older state of a replica: ignored
)

// reader gathers an update.
type reader struct {
	base     *View
	hash     Hash
	settings []string
	limits   limits
	progress func(time.Duration) // called often; the database may be silent that long from now on
	rows     int
	limit    time.Duration
}

// row counts rows, and says now and then that they arrive.
func (r *reader) row() {
	if r.rows++; r.rows&1023 == 0 {
		r.progress(r.limit)
	}
}

// read gathers what s has that base has not.
func (r *reader) read(s Snapshot) (*update, error) {
	u := &update{head: s.Head()}
	var err error
	if u.prefixes, err = s.PrefixGeneration(); err != nil {
		return nil, fmt.Errorf("reading the generation of prefixes: %w", err)
	}
	if u.key, err = s.Key(); err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	if u.kind, err = r.classify(s, u.key); err != nil {
		return nil, err
	}
	switch u.kind {
	case change:
		r.limit = r.limits.poll
		err = r.gather(u, s, r.base.head.Revision)
	case reload:
		r.limit = r.limits.load
		err = r.gather(u, s, 0)
	case nothingNew, lagging:
	}
	return u, err
}

// classify says what the snapshot is to base.
func (r *reader) classify(s Snapshot, key [16]byte) (updateKind, error) {
	own, head := r.base.head, s.Head()
	switch {
	case !r.base.ready || key != r.base.hash.key:
		return reload, nil
	case own == head:
		return nothingNew, nil
	}
	known, err := s.Known(own)
	switch {
	case err != nil:
		return 0, fmt.Errorf("looking up revision %d: %w", own.Revision, err)
	case known:
		return change, nil
	case !s.Standby() || head.Revision >= own.Revision:
		return reload, nil
	}
	same, err := r.sharesHistory(s)
	if err != nil || !same {
		return reload, err
	}
	return lagging, nil
}

// sharesHistory reports whether a replica that is behind us is on our way: it
// must know the newest of our former positions that it has reached. Otherwise
// it replicates a database that was restored. Where we have no former position
// to ask for, it is taken to be on our way.
func (r *reader) sharesHistory(s Snapshot) (bool, error) {
	for _, h := range slices.Backward(r.base.history) {
		if h.Revision > s.Head().Revision {
			continue
		}
		known, err := s.Known(h)
		if err != nil {
			return false, fmt.Errorf("looking up revision %d: %w", h.Revision, err)
		}
		return known, nil
	}
	return true, nil
}

// gather reads everything newer than since.
func (r *reader) gather(u *update, s Snapshot, since int64) error {
	r.progress(r.limit)
	u.world, u.added, u.settings = newWorldDelta(), map[string]link{}, map[string]string{}
	for _, step := range []struct {
		what string
		read func(*update, Snapshot, int64) error
	}{
		{"mirrors", r.mirrors},
		{"holdings", r.holdings},
		{"aliases", r.aliases},
		{"files", r.files},
		{"digests", r.digests},
		{"settings", r.readSettings},
	} {
		if err := step.read(u, s, since); err != nil {
			return fmt.Errorf("reading the %s: %w", step.what, err)
		}
		r.progress(r.limit)
	}
	return nil
}

func (r *reader) mirrors(u *update, s Snapshot, since int64) error {
	return s.Mirrors(since, func(m mirror.Mirror, deleted bool) error {
		r.row()
		if deleted {
			u.world.mirrors[m.ID] = nil
		} else {
			u.world.mirrors[m.ID] = &m
		}
		return nil
	})
}

func (r *reader) holdings(u *update, s Snapshot, since int64) error {
	return s.Holdings(since, func(h Holdings) error {
		r.progress(r.limit)
		u.world.hold(h.Mirror, h.Held)
		return nil
	})
}

func (r *reader) aliases(u *update, s Snapshot, since int64) error {
	return s.Aliases(since, func(a Alias) error {
		r.row()
		// A link that was pointed elsewhere has a row that is gone and one that
		// is not; removals are applied first.
		if a.Gone != 0 {
			u.removed = append(u.removed, a.Path)
		} else {
			u.added[a.Path] = link{Target: a.Target, Folder: a.Folder}
		}
		return nil
	})
}

func (r *reader) files(u *update, s Snapshot, since int64) error {
	h := newHasher(u.key, r.hash)
	if u.kind == reload {
		n, err := s.FileCount()
		if err != nil {
			return err
		}
		u.newFiles = newBuilder[fileVal](int(min(max(n, 0), 1<<30)))
	}
	return s.Files(since, func(f FileRow) error {
		r.row()
		key := h.bytes(f.Path)
		switch {
		case u.newFiles == nil:
			u.fileOps = append(u.fileOps, op[fileVal]{key: key, gone: f.Gone != 0, val: newFileVal(f.Version)})
			if f.Gone != 0 {
				u.sumOps = append(u.sumOps, op[sum]{key: idKey(f.ID), gone: true})
			}
		case f.Gone == 0:
			u.newFiles.add(key, newFileVal(f.Version))
		}
		return nil
	})
}

func (r *reader) digests(u *update, s Snapshot, since int64) error {
	if u.kind == reload {
		u.newSums = newBuilder[sum](0)
	}
	return s.Digests(since, func(id mirror.FileID, sha256 [32]byte) error {
		r.row()
		if u.newSums != nil {
			u.newSums.add(idKey(id), sha256)
		} else {
			u.sumOps = append(u.sumOps, op[sum]{key: idKey(id), val: sha256})
		}
		return nil
	})
}

func (r *reader) readSettings(u *update, s Snapshot, _ int64) error {
	for _, name := range r.settings {
		v, err := s.Setting(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if v != "" {
			u.settings[name] = v
		}
	}
	return nil
}

// maxHistory bounds how many former positions a View remembers.
const maxHistory = 256

// view gives base after u, which is a change or a reload.
func (u *update) view(base *View, hash Hash) *View {
	v := &View{ready: true, head: u.head, filesAt: u.head, settings: u.settings}
	if u.kind == reload {
		v.hash = newHasher(u.key, hash)
		v.files, v.sums = u.newFiles.done(), u.newSums.done()
		v.aliases = newAliases(u.added)
		v.world = base.world.with(u.world, true)
		return v
	}
	v.hash = base.hash
	v.history = append(slices.Clone(base.history[max(0, len(base.history)-maxHistory+1):]), base.head)
	if len(u.fileOps) == 0 {
		v.filesAt = base.filesAt
	}
	v.files = base.files.apply(u.fileOps, sameFile)
	v.sums = base.sums.apply(u.sumOps, sameSum)
	v.aliases = base.aliases.with(u.removed, u.added)
	v.world = base.world
	if len(u.world.mirrors)+len(u.world.held) > 0 {
		v.world = base.world.with(u.world, false)
	}
	return v
}

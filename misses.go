package mirrorbrain

import (
	"context"
	"errors"
	"path"
	"slices"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	missSlots  = 1024 // files counted at once; a power of two
	missProbes = 8    // slots in which a file may be
	missEvery  = 10 * time.Second
	missWindow = time.Minute
	// missLeast is how many requests in a window make a folder worth a scan.
	missLeast = 5
	// missAge is how old files may be that mirrors are expected to get yet.
	missAge = 24 * time.Hour
	// missSettle is how long mirrors are given to fetch a folder's files before
	// the first scan of it.
	missSettle  = 30 * time.Second
	missTimeout = 10 * time.Second
	maxMissed   = 1000 // folders of which requests are counted at once
)

// misses counts requests for files that no mirror has, since it was last
// emptied. Requests only touch one of a fixed number of slots; what finds none
// free is not counted, so that asking for very many files fills no memory.
type misses struct {
	slots [missSlots]atomic.Uint64 // a file's id in the upper half, requests in the lower
	old   atomic.Uint32            // files with ids up to this one are too old
}

// count notes a request for a file. It neither waits nor allocates.
func (m *misses) count(id mirror.FileID) {
	if uint32(id) <= m.old.Load() {
		return
	}
	at := (uint32(id) * 0x9e3779b1) >> 16 // Fibonacci hashing
	for i := range uint32(missProbes) {
		slot := &m.slots[(at+i)%missSlots]
		seen := slot.Load()
		for seen == 0 {
			if slot.CompareAndSwap(0, uint64(id)<<32|1) {
				return
			}
			seen = slot.Load()
		}
		if uint32(seen>>32) == uint32(id) {
			if uint32(seen) < 1<<31 {
				slot.CompareAndSwap(seen, seen+1) // one lost among many does no harm
			}
			return
		}
	}
}

// take empties the slots and gives what was counted.
func (m *misses) take() map[mirror.FileID]int {
	var all map[mirror.FileID]int
	for i := range m.slots {
		if m.slots[i].Load() == 0 {
			continue
		}
		v := m.slots[i].Swap(0)
		if all == nil {
			all = map[mirror.FileID]int{}
		}
		all[mirror.FileID(v>>32)] += int(uint32(v))
	}
	return all
}

// missed is what was counted for a folder.
type missed struct {
	since time.Time // begin of the window
	n     int
	seen  time.Time // when the index first saw the newest of the files
	told  time.Time // when the database was last told
}

// missWatch looks at an instance's misses now and then, and asks for scans of
// folders that many clients ask for in vain.
type missWatch struct {
	in      *instance
	app     *App
	folders map[string]*missed
	mute    bool // what the database refuses was said
}

// bringForward has scans of folders brought forward, until ctx ends.
func (a *App) bringForward(ctx context.Context, in *instance) {
	w := &missWatch{in: in, app: a, folders: map[string]*missed{}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(missEvery):
			w.look(ctx, time.Now())
		}
	}
}

// look takes the counts and tells the database what comes of them.
func (w *missWatch) look(ctx context.Context, now time.Time) {
	counts := w.in.db.misses.take()
	ids := w.nowhere(counts)
	if ids.IsEmpty() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, missTimeout)
	defer cancel()
	if err := w.add(ctx, ids, counts, now); err != nil {
		w.fail(ctx, err)
		return
	}
	for folder, m := range w.folders {
		switch {
		case now.Sub(m.since) > missWindow && now.Sub(m.told) > missWindow:
			delete(w.folders, folder)
		case m.n >= missLeast && now.Sub(m.told) >= missWindow:
			if err := w.in.db.store.Missed(ctx, folder, m.seen, missSettle, w.in.Node); err != nil {
				w.fail(ctx, err)
				return
			}
			m.told, m.n, m.since, w.mute = now, 0, now, false
		}
	}
}

// nowhere gives those of the files that no mirror in use has: a request may have
// found none only because of where it came from.
func (w *missWatch) nowhere(counts map[mirror.FileID]int) *roaring.Bitmap {
	ids := roaring.New()
	world := w.in.db.catalog.View().Holdings()
	if !slices.ContainsFunc(world.Mirrors, func(m *mirror.Mirror) bool { return m.Enabled }) {
		return ids
	}
	for id := range counts {
		if !heldBySomeone(world, id) {
			ids.Add(uint32(id))
		}
	}
	return ids
}

func heldBySomeone(world *catalog.World, id mirror.FileID) bool {
	for i, m := range world.Mirrors {
		if m.Enabled && world.Holds(i, id) {
			return true
		}
	}
	return false
}

// add counts new files for their folders. Ids are given out in the order in
// which files are seen, so one that is too old says it of all before it.
func (w *missWatch) add(ctx context.Context, ids *roaring.Bitmap, counts map[mirror.FileID]int, now time.Time) error {
	return w.in.db.store.Paths(ctx, ids, func(id mirror.FileID, file []byte, v mirror.Version) error {
		seen := time.Unix(0, v.Seen)
		if now.Sub(seen) > missAge {
			w.in.db.misses.old.Store(max(uint32(id), w.in.db.misses.old.Load()))
			return nil
		}
		folder := path.Dir(string(file))
		if folder == "." {
			folder = ""
		}
		m := w.folders[folder]
		if m == nil {
			if len(w.folders) >= maxMissed {
				return nil
			}
			m = &missed{since: now}
			w.folders[folder] = m
		}
		if now.Sub(m.since) > missWindow {
			m.n, m.since = 0, now
		}
		m.n += counts[id]
		if seen.After(m.seen) {
			m.seen = seen
		}
		return nil
	})
}

// fail says once that a database cannot be told. One that is away is no news:
// the catalog says so.
func (w *missWatch) fail(ctx context.Context, err error) {
	if w.mute || ctx.Err() != nil || errors.Is(err, store.ErrUnreachable) {
		return
	}
	w.mute = true
	w.app.logger.Info("scans are not brought forward for files that clients ask for in vain", "instance", w.in.name, "why", err)
}

// bringsForward reports whether any site on a database wants that.
func (a *App) bringsForward(db *database) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.sites, func(h *Handler) bool { return h.rt.db == db && *h.BringScansForward })
}

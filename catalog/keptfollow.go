package catalog

import (
	"context"
	"fmt"
	"time"
)

// FollowKept keeps k up to date beside c, which is to be followed by Follow,
// until ctx ends. While the database is away k goes on answering. With
// BesideOptions.File, k is written there, from time to time and at the end, in
// File + ".kept", and read at the start.
func FollowKept(ctx context.Context, c *Catalog, k *Kept, src Source, o BesideOptions) {
	f := &keptFollower{k: k, beside: newBeside("kept versions", c, src, o)}
	f.loadFile(ctx)
	f.run(ctx, k.wake, f.tick)
	f.save(context.WithoutCancel(ctx))
}

// keptFollower is the state of one FollowKept.
type keptFollower struct {
	*beside

	k        *Kept
	want     *keptWant // what the table was read with
	swept    time.Time
	saved    *keptTable // what the file has
	savedAt  time.Time
	unsaving bool // the file cannot be written, and that was said
}

// sweepEvery is how often versions that are out of date leave the memory.
const sweepEvery = 10 * time.Minute

func (f *keptFollower) tick(ctx context.Context) {
	w := f.k.want.Load()
	if w == nil {
		return // nobody has said yet
	}
	if w != f.want {
		f.want = w
		f.forget()
		if w.longest == 0 {
			f.k.table.Store(newKeptTable([16]byte{}, f.k.hash))
		}
	}
	if w.longest == 0 {
		return
	}
	if f.due() {
		f.read(ctx, f.k.gather(w))
	}
	if time.Since(f.swept) >= sweepEvery {
		f.swept = time.Now()
		f.k.table.Store(f.k.table.Load().without(f.swept.UnixNano()))
	}
	if time.Since(f.savedAt) >= time.Minute {
		f.save(ctx)
	}
}

// gather reads what is gone: everything, or since a revision. Versions do not
// come back: what is at a path again has a new id, and one that was purged is
// held by no mirror.
func (k *Kept) gather(w *keptWant) gather {
	t := k.table.Load()
	return func(s Snapshot, kind updateKind, since int64, row func()) (func(), error) {
		now := time.Now().UnixNano()
		if kind == reload {
			key, err := s.Key()
			if err != nil {
				return nil, fmt.Errorf("reading the key: %w", err)
			}
			t, since = newKeptTable(key, k.hash), 0
		}
		var ops []op[keptVal]
		err := s.Kept(since, now-int64(w.longest), func(r FileRow) error {
			row()
			if key, v, ok := t.val(w, &r, now); ok {
				ops = append(ops, op[keptVal]{key: key, val: v})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the kept versions: %w", err)
		}
		return func() { k.table.Store(t.with(ops)) }, nil
	}
}

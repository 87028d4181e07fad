package checksum

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const showEvery = 250 * time.Millisecond

// meter counts what is done, and what there is to do.
type meter struct {
	files, bytes  atomic.Int64
	all, allBytes atomic.Int64
	counted       atomic.Bool
}

func (m *meter) now() Progress {
	return Progress{
		Files: m.files.Load(), Bytes: m.bytes.Load(),
		All: m.all.Load(), AllBytes: m.allBytes.Load(), Counting: !m.counted.Load(),
	}
}

// show calls Options.Progress until the returned function is called.
func (r *run) show(ctx context.Context) (stop func()) {
	if r.o.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.countAll(ctx) })
	wg.Go(func() {
		tick := time.NewTicker(showEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.o.Progress(r.progress.now())
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// countAll goes ahead of the work to find out how much there is. When that
// fails there is no estimate; the work itself will meet the same error.
func (r *run) countAll(ctx context.Context) {
	walks, err := r.walks(ctx)
	if err != nil {
		return
	}
	err = r.each(ctx, walks, func(rows []store.HashRow) error {
		for i := range rows {
			r.progress.all.Add(1)
			if rows[i].Read {
				r.progress.allBytes.Add(rows[i].Size)
			}
		}
		return nil
	})
	r.progress.counted.Store(err == nil)
}

package checksum

import (
	"context"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Results are stored together: every transaction makes all nodes look. But a
// run that is killed loses no more than some seconds of work.
const (
	flushEvery   = 2 * time.Second
	flushFiles   = 1000
	flushBytes   = 8 << 20 // of digests
	flushTimeout = 30 * time.Second
)

// keeper collects results and stores them.
type keeper struct {
	r     *run
	list  []store.Hashes
	bytes int64 // of their digests
	files int64
	read  int64 // bytes of the files
	signs int64
	signd int64
}

// keep stores results until there are no more. They are stored after ctx ended,
// too.
func (r *run) keep(ctx context.Context, results <-chan result) error {
	k := keeper{r: r}
	ctx = context.WithoutCancel(ctx)
	timer := time.NewTimer(flushEvery)
	defer timer.Stop()
	for {
		var full bool
		select {
		case res, ok := <-results:
			if !ok {
				return k.flush(ctx)
			}
			full = k.add(&res)
			if len(k.list) == 1 {
				timer.Reset(flushEvery)
			}
		case <-timer.C:
			full = true
		}
		if full {
			if err := k.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// add reports whether it is time to store.
func (k *keeper) add(res *result) bool {
	k.list = append(k.list, res.Hashes)
	if d := res.Digests; d != nil {
		k.files++
		k.read += res.size
		k.bytes += int64(len(d.Pieces.SHA1) + len(d.Pieces.SHA256) + len(d.Pieces.Layer) + len(res.Sums))
	} else {
		k.signs++
	}
	if s := res.Signature; s != nil {
		k.signd++
		k.bytes += int64(len(s.Data))
	}
	k.r.progress.files.Add(1)
	return len(k.list) >= flushFiles || k.bytes >= flushBytes
}

func (k *keeper) flush(ctx context.Context) error {
	if len(k.list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := k.r.db.PutHashes(ctx, k.r.lease, k.list); err != nil {
		return err
	}
	k.r.count(func(c *Report) {
		c.Files += k.files
		c.Bytes += k.read
		c.Signatures += k.signs
		c.Signed += k.signd
	})
	clear(k.list)
	*k = keeper{r: k.r, list: k.list[:0]}
	return nil
}

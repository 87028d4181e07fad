package checksum

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// leaseTTL is how long the files of a run that died are kept from others.
const leaseTTL = time.Minute

// run is one run.
type run struct {
	db    *store.Store
	o     Options
	tree  tree
	lease store.Lease

	progress meter
	mu       sync.Mutex // guards report and calls of Options.Tell
	report   Report
}

// Run brings the digests of the index's files up to date. What was done before
// ctx ended, or an error of the database, is stored; files that cannot be read
// are reported and stop nothing. Several runs, on several hosts, share the work.
func Run(ctx context.Context, db *store.Store, o Options) (Report, error) {
	began := time.Now()
	r := &run{db: db, o: o.withDefaults()}
	r.report.DryRun = o.DryRun
	err := r.do(ctx)
	r.report.Took = time.Since(began)
	return r.report, err
}

func (r *run) do(ctx context.Context) error {
	walks, err := r.walks(ctx)
	if err != nil {
		return err
	}
	if r.o.DryRun {
		return r.wouldDo(ctx, walks)
	}
	root, err := os.OpenRoot(r.o.Root)
	if err != nil {
		return fmt.Errorf("the tree: %w", err)
	}
	defer root.Close()
	r.tree = tree{root: root, copied: r.o.Copied}
	if r.lease, err = r.db.Acquire(ctx, "hash/"+rand.Text(), r.o.Holder, leaseTTL); err != nil {
		return err
	}
	kept, stop := r.db.Keep(ctx, &r.lease, leaseTTL)
	err = r.hash(kept, walks)
	stop()
	if cause := context.Cause(kept); errors.Is(cause, store.ErrLeaseLost) && ctx.Err() == nil {
		err = cause
	}
	after, free := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer free()
	if ended := r.db.ReleaseClaims(after, r.lease); err == nil {
		err = ended
	}
	return err
}

// walks begins a walk for each of the paths that were asked for.
func (r *run) walks(ctx context.Context) ([]*store.HashWalk, error) {
	var all []*store.HashWalk
	for _, p := range r.o.Paths {
		w, err := r.db.HashWalk(ctx, r.o.wish(p))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// hash has everything found, read and stored.
func (r *run) hash(whole context.Context, walks []*store.HashWalk) error {
	g, ctx := errgroup.WithContext(whole)
	jobs, results := make(chan store.HashRow), make(chan result, r.o.Jobs)
	broken := make(chan struct{}) // results are taken no more
	var workers sync.WaitGroup
	workers.Add(r.o.Jobs)
	for range r.o.Jobs {
		g.Go(func() error {
			defer workers.Done()
			return r.work(ctx, jobs, results, broken)
		})
	}
	g.Go(func() error {
		defer close(jobs)
		return r.find(ctx, walks, jobs)
	})
	g.Go(func() error {
		workers.Wait()
		close(results)
		return nil
	})
	g.Go(func() error {
		defer close(broken)
		return r.keep(ctx, results)
	})
	defer r.show(ctx)()
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(whole) // workers leave a file without an error when it ends
}

// wouldDo is a dry run.
func (r *run) wouldDo(ctx context.Context, walks []*store.HashWalk) error {
	return r.each(ctx, walks, func(rows []store.HashRow) error {
		for i := range rows {
			row := &rows[i]
			what := WouldSign
			if row.Read {
				what = Would
				r.report.Files++
				r.report.Bytes += row.Size
			} else {
				r.report.Signatures++
			}
			r.o.Tell(Notice{Path: string(row.Path), Size: row.Size, What: what})
		}
		return nil
	})
}

// each passes on what the walks find and the masks let through.
func (r *run) each(ctx context.Context, walks []*store.HashWalk, fn func([]store.HashRow) error) error {
	for _, w := range walks {
		for {
			rows, err := w.Next(ctx)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			some := rows[:0]
			for i := range rows {
				if r.o.Select(string(rows[i].Path)) {
					some = append(some, rows[i])
				}
			}
			if err := fn(some); err != nil {
				return err
			}
		}
	}
	return nil
}

// A run claims files for not much more than some seconds of work, so that
// other runs find something to do as well.
const (
	claimFiles = 256
	claimBytes = 256 << 20
)

// find claims files and gives them to the workers.
func (r *run) find(ctx context.Context, walks []*store.HashWalk, jobs chan<- store.HashRow) error {
	return r.each(ctx, walks, func(rows []store.HashRow) error {
		for len(rows) > 0 {
			n, bytes := 0, int64(0)
			for n < len(rows) && n < claimFiles && bytes < claimBytes {
				bytes += rows[n].Size
				n++
			}
			mine, others, err := r.db.ClaimHashes(ctx, r.lease, rows[:n])
			if err != nil {
				return err
			}
			rows = rows[n:]
			r.count(func(c *Report) { c.Others += int64(others) })
			for i := range mine {
				select {
				case jobs <- mine[i]:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
		return nil
	})
}

func (r *run) count(fn func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.report)
}

// passOver tells that a file was not hashed.
func (r *run) passOver(row *store.HashRow, err error) {
	r.progress.files.Add(1)
	r.count(func(c *Report) {
		n := Notice{Path: string(row.Path), Size: row.Size, What: Unreadable, Err: err}
		if errors.Is(err, errChanged) || errors.Is(err, errGone) {
			n.What = Changed
			c.Changed++
		} else {
			c.Unreadable++
		}
		r.o.Tell(n)
	})
}

package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// wishedFolders is how many folders a job does one by one that were asked for;
// when there are more it does the whole.
const wishedFolders = 20

// foldersOnly is what the name of a run for some folders ends with: it does not
// put the next run for the whole off.
const foldersOnly = "/folders"

// job runs a job, if it is still to be run.
func (w *worker) job(ctx context.Context, t task, o *outcome) error {
	j := t.job
	if j.Here != nil {
		if err := j.Here(ctx); err != nil {
			if errors.Is(err, store.ErrUnreachable) {
				return err
			}
			w.notHere(j.Name, err)
			o.pause = max(j.Interval, failedPause)
			return nil
		}
	}
	err := w.under(ctx, t.key, func(ctx context.Context, began time.Time) error {
		folders, wishes, due, err := w.stillDue(ctx, &t, began)
		if err != nil || !due {
			return err
		}
		return w.runJob(ctx, j, folders, wishes, o)
	})
	if errors.Is(err, store.ErrLeased) && o.pause == 0 {
		o.pause = takenPause
	}
	return err
}

// stillDue looks again, under the lease, whether the job is due, and for what.
func (w *worker) stillDue(ctx context.Context, t *task, now time.Time) (folders []string, wishes []store.Wish, due bool, err error) {
	see := &world{jobs: map[string]store.Job{}}
	jobs, err := w.db.Jobs(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	for _, j := range jobs {
		see.jobs[j.Name] = j
	}
	if see.wishes, err = w.db.Wishes(ctx); err != nil {
		return nil, nil, false, err
	}
	again, _ := jobTask(t.job, see)
	for _, wish := range again.wishes {
		if !wish.Due.After(now) {
			wishes, folders = append(wishes, wish), append(folders, wish.Subtree)
		}
	}
	if again.last.Started.Equal(t.last.Started) { // nobody else ran it
		if alone := t.job.due(again.last); !alone.After(now) || len(wishes) == 0 {
			return nil, wishes, true, nil // the whole
		}
	}
	if folders = gather(folders, len(folders)); len(folders) > wishedFolders || slices.Contains(folders, "") {
		folders = nil
	}
	return folders, wishes, len(wishes) > 0, nil
}

func (w *worker) runJob(ctx context.Context, j *Job, folders []string, wishes []store.Wish, o *outcome) error {
	name := j.Name
	if len(folders) > 0 {
		name += foldersOnly
	}
	if err := w.db.StartJob(ctx, name, w.o.Holder); err != nil {
		return err
	}
	began := time.Now()
	res, err := j.Run(ctx, folders)
	attrs := append([]any{"job", j.Name, "took", time.Since(began).Round(time.Millisecond).String()}, res.Said...)
	if len(folders) > 0 {
		attrs = append(attrs, "folders", folders)
	}
	if ctx.Err() != nil && err != nil {
		// Its end is not noted: whoever comes next begins it again.
		w.log.Info("job broken off", attrs...)
		return nil
	}
	failure := ""
	if err != nil && !errors.Is(err, store.ErrLeased) {
		failure = err.Error()
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if eerr := w.db.EndJob(tidy, name, w.o.Holder, failure); eerr != nil {
		w.log.Warn("noting the end of a job failed", "job", j.Name, "error", eerr)
	}
	switch {
	case errors.Is(err, store.ErrLeased):
		w.log.Info("job left to another who is at it", append(attrs, "error", err)...)
		o.pause = failedPause
		return nil
	case err != nil:
		w.log.Error("job failed", append(attrs, "error", err)...)
		o.failed, o.pause = true, failedPause
		return nil // said already
	}
	o.changed = res.Changed
	w.log.Info("job done", attrs...)
	return w.grant(ctx, wishes)
}

// notHere says once for each reason that this host does not do a job.
func (w *worker) notHere(name string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said[name] == why.Error() {
		return
	}
	w.said[name] = why.Error()
	w.log.Info("job left to other hosts", "job", name, "why", why)
}

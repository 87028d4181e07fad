package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/daemon"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// workDoc is what `status` says of work that comes again and again.
type workDoc struct {
	Jobs   []jobDoc  `json:"jobs"`
	Scans  []scanDue `json:"next_scans"` // the first ones
	Wishes []wishDoc `json:"wishes"`
	Misses []missDoc `json:"misses"`
}

type jobDoc struct {
	Name    string     `json:"name"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended"` // null: under way, or broken off
	Running bool       `json:"running"`
	Holder  string     `json:"holder"`
	Failing int        `json:"failing"` // runs that failed one after the other
	Error   string     `json:"error"`
}

// scanDue is when a mirror's full scan is due, if nothing brings it forward.
type scanDue struct {
	Mirror string     `json:"mirror"`
	Due    *time.Time `json:"due"` // null: at once
}

type wishDoc struct {
	Kind    string    `json:"kind"`
	Mirror  string    `json:"mirror"` // "": all
	Subtree string    `json:"subtree"`
	Made    time.Time `json:"made"`
	Due     time.Time `json:"due"`
	Times   int64     `json:"times"`
	Who     string    `json:"who"`
}

// missDoc is a folder that clients ask for in vain.
type missDoc struct {
	Folder string    `json:"folder"`
	Asked  time.Time `json:"asked"`
	Due    time.Time `json:"due"`
	Scans  int64     `json:"scans"`
}

// nextScans is how many scans `status` names.
const nextScans = 5

// work reads what the daemon's work is about.
func (a *app) work(ctx context.Context, mirrors []mirror.Mirror) (workDoc, error) {
	d := workDoc{Jobs: []jobDoc{}, Scans: a.scansDue(mirrors), Wishes: []wishDoc{}, Misses: []missDoc{}}
	jobs, err := a.db.Jobs(ctx)
	if err != nil {
		return d, err
	}
	leases, err := a.db.Leases(ctx)
	if err != nil {
		return d, err
	}
	for _, j := range jobs {
		lease := daemon.LeaseName(j.Name)
		running := j.Ended.IsZero() && slices.ContainsFunc(leases, func(l store.Lease) bool { return l.Name == lease && l.Holder == j.Holder })
		d.Jobs = append(d.Jobs, jobDoc{j.Name, j.Started.UTC(), timeOrNil(j.Ended), running, j.Holder, j.Failing, j.Error})
	}
	wishes, err := a.db.Wishes(ctx)
	if err != nil {
		return d, err
	}
	for _, w := range wishes {
		name := ""
		if w.Mirror != 0 {
			name = fmt.Sprintf("mirror %d", w.Mirror) // a deleted one
		}
		for _, m := range mirrors {
			if m.ID == w.Mirror {
				name = m.Name
			}
		}
		d.Wishes = append(d.Wishes, wishDoc{w.Kind, name, w.Subtree, w.At.UTC(), w.Due.UTC(), w.Times, w.Who})
	}
	misses, err := a.db.Misses(ctx)
	for _, m := range misses {
		if m.Wanted() {
			d.Misses = append(d.Misses, missDoc{m.Folder, m.At.UTC(), m.Due.UTC(), m.Scans})
		}
	}
	return d, err
}

func (a *app) scansDue(mirrors []mirror.Mirror) []scanDue {
	type due struct {
		name string
		at   time.Time
	}
	var all []due
	for _, m := range mirrors {
		if m.Enabled || m.EnableAfterScan {
			all = append(all, due{m.Name, scanner.NextScan(&m, time.Duration(a.conf.ScanInterval))})
		}
	}
	slices.SortStableFunc(all, func(x, y due) int { return x.at.Compare(y.at) })
	out := []scanDue{}
	for _, d := range all[:min(nextScans, len(all))] {
		out = append(out, scanDue{d.name, timeOrNil(d.at)})
	}
	return out
}

func (a *app) printWork(d *workDoc, now time.Time) {
	for _, j := range d.Jobs {
		fmt.Fprintf(a.out, "job       %s: %s\n", printable(j.Name), printable(j.state(now)))
	}
	for i, s := range d.Scans {
		label := "          "
		if i == 0 {
			label = "due       "
		}
		fmt.Fprintf(a.out, "%sscan of %s %s\n", label, printable(s.Mirror), dueIn(s.Due, now))
	}
	for _, w := range d.Wishes {
		where, what := "the whole tree", w.Kind
		if w.Subtree != "" {
			where = w.Subtree + "/"
		}
		if w.Kind == store.WishScan {
			where += " at " + cmp.Or(w.Mirror, "all mirrors")
		}
		fmt.Fprintf(a.out, "wish      %s of %s %s, made %s ago by %s (%d times)\n", what, printable(where), dueIn(&w.Due, now),
			age(w.Made, now), printable(cmp.Or(w.Who, "somebody")), w.Times)
	}
	for _, m := range d.Misses {
		fmt.Fprintf(a.out, "missed    %s/: no mirror has what clients ask for, scan %s (%d so far)\n", printable(m.Folder), dueIn(&m.Due, now), m.Scans)
	}
}

func (j *jobDoc) state(now time.Time) string {
	switch {
	case j.Running:
		return fmt.Sprintf("runs since %s on %s", age(j.Started, now), j.Holder)
	case j.Ended == nil:
		return fmt.Sprintf("broken off, began %s ago on %s", age(j.Started, now), j.Holder)
	case j.Failing > 0:
		return fmt.Sprintf("failed %d times, last %s ago on %s: %s", j.Failing, age(*j.Ended, now), j.Holder, j.Error)
	}
	return fmt.Sprintf("done %s ago on %s", age(*j.Ended, now), j.Holder)
}

// dueIn says when something is due; nil: at once.
func dueIn(at *time.Time, now time.Time) string {
	if at == nil || !at.After(now) {
		return "now"
	}
	return "in " + age(now, *at)
}

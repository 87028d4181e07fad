package daemon

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// world is what the database said at one time.
type world struct {
	began   time.Time // when it was asked, by this host's clock
	indexed bool      // there is an index that listings can be compared with
	mirrors []mirror.Mirror
	behind  map[mirror.ID]bool // that lack new files which they usually carry
	wishes  []store.Wish
	misses  []store.Miss
	jobs    map[string]store.Job
	leased  map[string]bool // names of leases that somebody holds
}

// kind is what a task is about.
type kind uint8

const (
	fullScan   kind = iota // of one mirror
	folderScan             // of a folder that somebody asked for, at some mirrors
	missScan               // of folders that clients ask for in vain, at all mirrors
	jobRun                 // of a Job
	granting               // of wishes about which nothing is to be done
)

// task is something to be done.
type task struct {
	kind kind
	key  string // no two tasks of one key are under way at once
	due  time.Time

	mirrors []mirror.Mirror
	folder  string
	wishes  []store.Wish // that are granted by it
	misses  []store.Miss
	job     *Job
	last    store.Job // the job's last run
}

const (
	// behindPart of the interval is how soon a mirror that is behind is scanned
	// again, but not before behindLeast.
	behindPart  = 4
	behindLeast = 20 * time.Minute

	// wishPause is how long after a full scan the next one waits that somebody
	// asks for: notes may come from anybody who has a token.
	wishPause = time.Minute
	// indexPatience is how long a scan of a folder waits for an index run of it
	// that was asked for as well.
	indexPatience = 10 * time.Minute
	// failing mirrors are not bothered for the sake of a folder.
	failing = 3
	// missFolders is how many folders are scanned at once for what clients miss;
	// when there are more, larger ones.
	missFolders = 8
	// brokenOff is how long after its begin a job is due again whose host died.
	brokenOff = time.Minute
)

// plan says what is to be done and when, the earliest first.
func plan(s *Settings, w *world, now time.Time) []task {
	var all []task
	if s.Scans != nil && w.indexed {
		all = append(all, fullScans(s.Scans, w, now)...)
		all = append(all, folderScans(w, now)...)
		all = append(all, missScans(w, now)...)
	}
	if s.Scans != nil {
		all = append(all, idle(w, now)...)
	}
	for i := range s.Jobs {
		if t, ok := jobTask(&s.Jobs[i], w); ok {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b task) int { return cmp.Or(a.due.Compare(b.due), strings.Compare(a.key, b.key)) })
	return all
}

// scannable reports whether a mirror is scanned at all.
func scannable(m *mirror.Mirror) bool { return m.Enabled || m.EnableAfterScan }

func fullScans(s *Scans, w *world, now time.Time) []task {
	var all []task
	for _, m := range w.mirrors {
		key := scanner.LeaseName(m.ID, "")
		if !scannable(&m) || m.InQuiet(now) || w.leased[key] {
			continue
		}
		t := task{kind: fullScan, key: key, mirrors: []mirror.Mirror{m}, due: nextScan(&m, s.Interval, w.behind[m.ID])}
		for _, wish := range w.wishes {
			if wish.Kind != store.WishScan || wish.Subtree != "" || wish.Mirror != 0 && wish.Mirror != m.ID || wish.Mirror == 0 && done(&m, wish) {
				continue
			}
			if at := later(wish.Due, m.Scan.Attempted.Add(wishPause)); at.Before(t.due) {
				t.due = at
			}
			if wish.Mirror == m.ID && !wish.Due.After(now) {
				t.wishes = append(t.wishes, wish)
			}
		}
		all = append(all, t)
	}
	return all
}

// nextScan is scanner.NextScan, sooner for a mirror that is behind.
func nextScan(m *mirror.Mirror, interval time.Duration, behind bool) time.Time {
	if m.Rules.Interval > 0 {
		interval = m.Rules.Interval
	}
	if !behind || m.Scan.Failures > 0 {
		return scanner.NextScan(m, interval)
	}
	hurried := *m
	hurried.Rules.Interval = min(interval, max(interval/behindPart, behindLeast))
	return scanner.NextScan(&hurried, interval)
}

// done reports whether a wish for all mirrors is granted at this one.
func done(m *mirror.Mirror, w store.Wish) bool {
	return m.Scan.Attempted.After(later(w.At, w.Due))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// folderScans gives a task for each folder of which scans were asked for.
func folderScans(w *world, now time.Time) []task {
	byFolder := map[string]*task{}
	var all []*task
	for _, wish := range w.wishes {
		if wish.Kind != store.WishScan || wish.Subtree == "" || awaitsIndex(w, wish, now) || awaitsMirror(w, wish, now) {
			continue
		}
		t := byFolder[wish.Subtree]
		switch {
		case t == nil:
			t = &task{kind: folderScan, key: "folder/" + wish.Subtree, folder: wish.Subtree, due: wish.Due}
			byFolder[wish.Subtree], all = t, append(all, t)
		case wish.Due.After(now): // its own turn comes later
			continue
		}
		t.wishes = append(t.wishes, wish)
		for _, m := range w.mirrors {
			if (wish.Mirror == m.ID && scannable(&m) || wish.Mirror == 0 && carries(&m, wish.Subtree)) && !m.InQuiet(now) && !t.scans(m.ID) {
				t.mirrors = append(t.mirrors, m)
			}
		}
	}
	var tasks []task
	for _, t := range all {
		if len(t.mirrors) > 0 {
			tasks = append(tasks, *t)
		}
	}
	return tasks
}

func (t *task) scans(id mirror.ID) bool {
	return slices.ContainsFunc(t.mirrors, func(m mirror.Mirror) bool { return m.ID == id })
}

// carries reports whether a mirror that works should have a folder.
func carries(m *mirror.Mirror, folder string) bool {
	if !m.Enabled || m.Scan.Succeeded.IsZero() || m.Scan.Failures >= failing {
		return false
	}
	there, ok := m.There(folder)
	if !ok {
		return mirror.Below(m.Subtree, folder)
	}
	top, _, _ := strings.Cut(there, "/")
	return len(m.Rules.Top) == 0 || top == "" || slices.Contains(m.Rules.Top, top)
}

// awaitsMirror reports whether the mirror that a wish is for is to be left in
// peace now, or is being scanned by a scan that may have begun before the wish
// was made. The wish stays: it is not granted along with those that others made
// for the folder.
func awaitsMirror(w *world, wish store.Wish, now time.Time) bool {
	return slices.ContainsFunc(w.mirrors, func(m mirror.Mirror) bool {
		folder := wish.Subtree
		if mirror.Below(m.Subtree, folder) { // all that it carries
			folder = ""
		}
		return m.ID == wish.Mirror && scannable(&m) && (m.InQuiet(now) || w.leased[scanner.LeaseName(m.ID, folder)])
	})
}

// awaitsIndex reports whether an index run was asked for that a scan should
// come after.
func awaitsIndex(w *world, scan store.Wish, now time.Time) bool {
	return slices.ContainsFunc(w.wishes, func(o store.Wish) bool {
		return o.Kind == store.WishIndex && !o.Due.After(scan.Due) && now.Sub(later(o.At, o.Due)) < indexPatience &&
			(mirror.Below(o.Subtree, scan.Subtree) || mirror.Below(scan.Subtree, o.Subtree))
	})
}

// missScans gives at most one task.
func missScans(w *world, now time.Time) []task {
	t := task{kind: missScan, key: missLease}
	for _, m := range w.misses {
		if !m.Wanted() {
			continue
		}
		if t.due.IsZero() || m.Due.Before(t.due) {
			t.due = m.Due
		}
		if !m.Due.After(now) {
			t.misses = append(t.misses, m)
		}
	}
	if t.due.IsZero() || w.leased[missLease] {
		return nil
	}
	t.mirrors = slices.DeleteFunc(slices.Clone(w.mirrors), func(m mirror.Mirror) bool { return !m.Enabled || m.InQuiet(now) })
	return []task{t}
}

// idle gives the wishes that are granted without doing anything: for mirrors
// that are not scanned, and for all mirrors when each was scanned since.
func idle(w *world, now time.Time) []task {
	t := task{kind: granting, key: "grant"}
	for _, wish := range w.wishes {
		if wish.Kind != store.WishScan || wish.Due.After(now) {
			continue
		}
		wanted := slices.ContainsFunc(w.mirrors, func(m mirror.Mirror) bool {
			switch {
			case wish.Mirror != 0:
				return wish.Mirror == m.ID && scannable(&m)
			case wish.Subtree == "":
				return scannable(&m) && !m.InQuiet(now) && !done(&m, wish)
			}
			return carries(&m, wish.Subtree)
		})
		if !wanted {
			t.wishes = append(t.wishes, wish)
		}
	}
	if len(t.wishes) == 0 {
		return nil
	}
	return []task{t}
}

func jobTask(j *Job, w *world) (task, bool) {
	t := task{kind: jobRun, key: LeaseName(j.Name), job: j, last: w.jobs[j.Name]}
	if w.leased[t.key] {
		return t, false
	}
	t.due = j.due(t.last)
	for _, wish := range w.wishes {
		if wish.Kind != j.Grants {
			continue
		}
		t.wishes = append(t.wishes, wish)
		if wish.Due.Before(t.due) {
			t.due = wish.Due
		}
	}
	return t, true
}

// due says when the job is due after its last run, wishes apart.
func (j *Job) due(last store.Job) time.Time {
	switch {
	case last.Started.IsZero():
		return time.Time{}
	case last.Ended.IsZero():
		return last.Started.Add(min(brokenOff, j.Interval))
	}
	return last.Started.Add(j.Interval)
}

// missLease is the lease under which folders are scanned for what clients miss.
const missLease = "missed"

// LeaseName is the lease under which a job runs, given the name that its runs
// are noted under (store.Job).
func LeaseName(job string) string { return "job/" + strings.TrimSuffix(job, foldersOnly) }

// gather replaces folders by those around them until there are at most most,
// the deepest first.
func gather(folders []string, most int) []string {
	apart := func(list []string) []string {
		slices.Sort(list)
		list = slices.Compact(list)
		return slices.DeleteFunc(slices.Clone(list), func(f string) bool {
			return slices.ContainsFunc(list, func(o string) bool { return o != f && mirror.Below(f, o) })
		})
	}
	list := apart(slices.Clone(folders))
	for len(list) > max(most, 1) {
		deepest := 0
		for _, f := range list {
			deepest = max(deepest, depth(f))
		}
		for i, f := range list {
			if depth(f) == deepest {
				list[i] = f[:max(0, strings.LastIndexByte(f, '/'))]
			}
		}
		list = apart(list)
	}
	return list
}

// depth is 0 for the root.
func depth(folder string) int {
	if folder == "" {
		return 0
	}
	return strings.Count(folder, "/") + 1
}

package mirrorbrain

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// Allowance is how long something is acceptable for some files.
type Allowance struct {
	// A folder, or a glob as in `exclude_path`.
	Path string `json:"path,omitempty"`

	// How long after the change.
	For caddy.Duration `json:"for,omitempty"`
}

// allowances are compiled; the longest that matches counts.
type allowances []allowance

type allowance struct {
	rule redirector.PathRule
	age  time.Duration
}

func compileAllowances(what string, list []Allowance) (allowances, error) {
	var out allowances
	for _, a := range list {
		rule, err := redirector.CompilePathRule(a.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if a.For <= 0 {
			return nil, fmt.Errorf("%s %s: the duration must be positive", what, a.Path)
		}
		out = append(out, allowance{rule, time.Duration(a.For)})
	}
	return out, nil
}

// of gives the allowance of a path; 0: none.
func (a allowances) of(path string) (age time.Duration) {
	for i := range a {
		if a[i].age > age && a[i].rule.Match(path) {
			age = a[i].age
		}
	}
	return age
}

// longest is the longest of all.
func (a allowances) longest() (age time.Duration) {
	for i := range a {
		age = max(age, a[i].age)
	}
	return age
}

// nobody is the holder of a repository's index that is not known whole.
type nobody struct{}

// Holds implements redirector.Holder.
func (nobody) Holds(int, mirror.FileID) bool { return false }

// holder tells which mirrors may be chosen, the origin included.
func (q *question) holder() redirector.Holder {
	return q.addOrigin(q.mirrorHolder(), q.originHolds())
}

func (q *question) mirrorHolder() redirector.Holder {
	world, whole := q.view.Holdings(), q.repository()
	switch {
	case whole != nil && !whole.Current(q.view, q.entry.ID):
		return nobody{}
	case whole == nil && len(q.older) == 0:
		return world
	}
	q.anyOf = catalog.AnyOf{World: world, Older: q.older, Repository: whole}
	return &q.anyOf
}

// repository is the one whose index the file is part of; nil: none.
func (q *question) repository() *catalog.Repository {
	for i := range q.h.Repositories {
		if mirror.Below(q.target, q.h.Repositories[i].rule.Folder) {
			return q.h.rt.db.repositories.Find(q.target)
		}
	}
	return nil
}

// repositoriesAround are the configured repositories that a list of a folder's
// mirrors speaks of: those in, below and above it. none: what their indexes are
// is not known just now, so there are no such mirrors.
func (q *question) repositoriesAround(folder string) (list []*catalog.Repository, none bool) {
	for _, r := range q.h.Repositories {
		if !mirror.Below(folder, r.rule.Folder) && !mirror.Below(r.rule.Folder, folder) {
			continue
		}
		list = q.h.rt.db.repositories.Around(folder)
		for _, r := range list {
			none = none || !r.Fresh(q.view)
		}
		return list, none
	}
	return nil, false
}

// allow finds the earlier versions that will do for a redirect.
func (q *question) allow() {
	if age := q.h.outdated.of(q.target); age > 0 {
		q.older = q.h.rt.db.kept.Versions(q.target, q.entry.ID, q.now.Add(-age).UnixNano(), q.older)
	}
}

// agree leaves those picks that have the very version that the first one has,
// and reports whether that is the index's: what is named as a duplicate must be
// one.
func (q *question) agree() bool {
	if len(q.older) == 0 || q.repository() != nil {
		return true
	}
	world, picks := q.view.Holdings(), q.decision.Picks
	holds := func(i int, id mirror.FileID) bool {
		if i == len(world.Mirrors) { // the origin
			return id == q.entry.ID
		}
		return world.Holds(i, id)
	}
	id := q.entry.ID
	if first := picks[0].Mirror; !holds(first, id) {
		v, _ := q.anyOf.Version(first)
		id = v.ID
	}
	same := picks[:1]
	for _, p := range picks[1:] {
		if holds(p.Mirror, id) {
			same = append(same, p)
		}
	}
	q.decision.Picks = same
	return id == q.entry.ID
}

// removed redirects to mirrors that still have a file which the origin removed
// lately, where that is configured.
func (q *question) removed(w http.ResponseWriter) bool {
	if q.ask.As != redirector.AsFile || !q.findRemoved() || q.exempt() != "" {
		return false
	}
	q.identify()
	q.recall()
	s := q.h.selection(q.view)
	q.choose(s, nil)
	if !q.decision.Found() {
		return false
	}
	q.toMirror(w, s, "removed", false)
	return true
}

// findRemoved looks for the last version of a file that the origin removed
// lately, where requests for such go to mirrors.
func (q *question) findRemoved() bool {
	age := q.h.kept.of(q.target)
	if age == 0 || q.onDisk(q.file) || q.h.closed(q.root, q.file, q.now) {
		return false
	}
	q.older = q.h.rt.db.kept.Versions(q.target, 0, q.now.Add(-age).UnixNano(), q.older)
	if len(q.older) == 0 {
		return false
	}
	q.entry, q.older = q.older[0].Entry, q.older[:0]
	return true
}

// forgets says which allowance is longer than versions are known, given the
// setting of the database; "" none is.
func (h *Handler) forgets(setting string) string {
	known, err := time.ParseDuration(setting)
	if err != nil {
		known = mirror.DefaultKeepVersions
	}
	switch {
	case h.outdated.longest() > known:
		return fmt.Sprintf("allow_outdated is longer than the %v for which 'mbctl index' keeps versions (keep_versions)", known)
	case h.kept.longest() > known:
		return fmt.Sprintf("keep_removed is longer than the %v for which 'mbctl index' keeps versions (keep_versions)", known)
	}
	return ""
}

// warn says what the sites of an instance are told that cannot be.
func (a *App) warn(in *instance) {
	setting := in.db.catalog.View().Setting(settingKeep)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.sites {
		if h.rt != in {
			continue
		}
		if why := h.forgets(setting); why != "" {
			a.logger.Warn("what is configured cannot be kept", "instance", in.name, "why", why)
		}
	}
}

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

// holders say which mirror may be asked for the file of a question.
type holders struct {
	*catalog.World

	older []catalog.KeptVersion // acceptable, too
	whole *catalog.Repository   // whose index the file is part of; nil: none
}

// Holds implements redirector.Holder.
func (h *holders) Holds(i int, id mirror.FileID) bool {
	if h.whole != nil && !h.whole.Complete(h.World, i) {
		return false
	}
	if h.World.Holds(i, id) {
		return true
	}
	for _, v := range h.older {
		if h.World.Holds(i, v.ID) {
			return true
		}
	}
	return false
}

// holder tells which mirrors may be chosen.
func (q *question) holder() redirector.Holder {
	world := q.view.Holdings()
	whole := q.h.rt.db.repositories.Find(q.target)
	if whole == nil && len(q.older) == 0 {
		return world
	}
	q.holders = holders{World: world, older: q.older, whole: whole}
	return &q.holders
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
	if len(q.older) == 0 {
		return true
	}
	world, picks := q.view.Holdings(), q.decision.Picks
	first, id := picks[0].Mirror, q.entry.ID
	for i := 0; !world.Holds(first, id) && i < len(q.older); i++ {
		id = q.older[i].ID
	}
	same := picks[:1]
	for _, p := range picks[1:] {
		if world.Holds(p.Mirror, id) {
			same = append(same, p)
		}
	}
	q.decision.Picks = same
	return id == q.entry.ID
}

// removed redirects to mirrors that still have a file which the origin removed
// lately, where that is configured.
func (q *question) removed(w http.ResponseWriter) bool {
	age := q.h.kept.of(q.target)
	if age == 0 || q.ask.As != redirector.AsFile || q.onDisk(q.file) || q.h.closed(q.root, q.file, q.now) {
		return false
	}
	q.older = q.h.rt.db.kept.Versions(q.target, 0, q.now.Add(-age).UnixNano(), q.older)
	if len(q.older) == 0 {
		return false
	}
	q.entry, q.older = q.older[0].Entry, q.older[:0]
	q.identify()
	s := q.h.selection(q.view)
	q.choose(s, nil)
	if !q.decision.Found() {
		return false
	}
	q.toMirror(w, s, "removed", false)
	return true
}

// keep tells the databases of this configuration's instances for which paths
// they are to know the versions that are gone.
func (a *App) keep() {
	for _, in := range a.instances {
		var lists []allowances
		var longest time.Duration
		a.mu.Lock()
		for _, h := range a.sites {
			if h.rt.db == in.db {
				lists = append(lists, h.outdated, h.kept)
				longest = max(longest, h.outdated.longest(), h.kept.longest())
			}
		}
		a.mu.Unlock()
		in.db.kept.SetWant(longest, func(path []byte) (age time.Duration) {
			for _, l := range lists {
				age = max(age, l.of(string(path)))
			}
			return age
		})
	}
}

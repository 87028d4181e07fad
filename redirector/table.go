package redirector

import "slices"

// table is what one group of mirrors after the other is dealt from. A group is
// the mirrors of a step and of those that join it.
type table struct {
	s      *Set
	r      request
	holder Holder
	rnd    Rand
	d      *Decision
	limit  int

	lot  Lot    // what the order of those who share hangs on
	seed uint64 // where that is not chance

	nearestAt int // index of the nearest of the placed
	tally     tally
}

func (t *table) full() bool { return len(t.d.Picks) >= t.limit }

// gather lays out the group that begins with a step, sorted into placed and
// unplaced, and gives the step after it. The nearest of the placed comes last.
func (t *table) gather(at int) int {
	w := &t.d.scratch
	w.placed, w.unplaced = w.placed[:0], w.unplaced[:0]
	t.tally = tally{}
	t.nearestAt = 0
	for {
		t.collect(at)
		at++
		if t.spills(at) {
			t.count()
		}
		if !t.s.joins(at, &t.r, t.tally.serving) {
			break
		}
	}
	if n := len(w.placed); n > 0 {
		w.placed[t.nearestAt], w.placed[n-1] = w.placed[n-1], w.placed[t.nearestAt]
	}
	return at
}

// collect adds those mirrors of a step that belong to no earlier one and that
// nothing speaks against.
func (t *table) collect(at int) {
	w, s := &t.d.scratch, t.s
	list := s.step(at, &t.r)
	if len(list) == 0 {
		return
	}
	step := uint16(min(at, t.r.world+1))
	nearest := runner{chord: wholeEarth}
	if len(w.placed) > 0 {
		nearest = w.placed[t.nearestAt]
	}
	for _, i := range list {
		if w.seen[i] == w.turn {
			continue
		}
		w.seen[i] = w.turn
		c := &s.hot[i]
		r := runner{chord: -1, mirror: i, step: step}
		if t.r.placed && c.placed {
			r.chord = c.point.chord(t.r.point)
		}
		if !c.plain(&t.r) {
			why := s.bar(i, &t.r)
			if why == ReasonTried {
				w.tried = append(w.tried, r)
			}
			if why != ReasonNone {
				continue
			}
		}
		if r.chord < 0 {
			w.unplaced = append(w.unplaced, r)
			continue
		}
		if r.chord <= nearest.chord && r.before(nearest) {
			nearest, t.nearestAt = r, len(w.placed)
		}
		w.placed = append(w.placed, r)
	}
}

// serve turns the gathered mirrors into picks: those near enough by lot, the
// others by distance, and those of unknown distance by lot.
func (t *table) serve() {
	w := &t.d.scratch
	if len(w.placed)+len(w.unplaced) == 0 {
		return
	}
	if left, ok := t.nearest(w.placed); ok {
		// The nearest lies right behind what is left, and those near it are moved
		// to the end of what is left: together they take part in the draw.
		far := partition(left, t.s.policy.reach(w.placed[len(left)].chord))
		t.draw(w.placed[far : len(left)+1])
		t.byDistance(left[:far])
	}
	if t.r.borderless {
		t.drawBySteps(w.unplaced)
	} else {
		t.draw(w.unplaced)
	}
}

// nearest looks for the nearest mirror that holds the file and gives those not
// yet asked; the nearest lies right behind them. The last of placed is the
// nearest of all.
func (t *table) nearest(placed []runner) (left []runner, ok bool) {
	if len(placed) == 0 {
		return nil, false
	}
	left = placed[:len(placed)-1]
	if t.holds(&placed[len(left)]) {
		return left, true
	}
	heapify(left)
	for len(left) > 0 {
		_, left = pop(left)
		if t.holds(&placed[len(left)]) {
			return left, true
		}
	}
	return nil, false
}

// byDistance takes the nearest first until there are picks enough.
func (t *table) byDistance(far []runner) {
	if t.full() {
		return
	}
	heapify(far)
	for len(far) > 0 && !t.full() {
		var r runner
		if r, far = pop(far); t.holds(&r) {
			t.take(&r)
		}
	}
}

// drawBySteps draws among those of each step before those of the next.
func (t *table) drawBySteps(group []runner) {
	for len(group) > 0 && !t.full() {
		n := 1
		for n < len(group) && group[n].step == group[0].step {
			n++
		}
		t.draw(group[:n])
		group = group[n:]
	}
}

// draw takes mirrors out of group in proportion to their weights until there are
// picks enough, leaving aside those that do not hold the file. That keeps the
// proportions among the holders exact.
func (t *table) draw(group []runner) {
	switch {
	case len(group) == 0 || t.full():
	case t.lot != LotChance:
		t.race(group)
	default:
		l := &t.d.scratch.lots
		l.fill(group, t.r.weights)
		for range group {
			if t.full() {
				return
			}
			if r := l.draw(t.rnd); t.holds(&r) {
				t.take(&r)
			}
		}
	}
}

// serveTried takes those that the client came back from, the one that was tried
// longest ago first.
func (t *table) serveTried() {
	w := &t.d.scratch
	for n, id := range t.r.tried {
		if len(w.tried) == 0 || slices.Contains(t.r.tried[n+1:], id) {
			continue
		}
		for i := range w.tried {
			r := &w.tried[i]
			if t.s.cold[r.mirror].m.ID == id && !t.full() && t.holds(r) {
				t.take(r)
			}
		}
	}
}

// holds asks whether r's mirror holds the file, once.
func (t *table) holds(r *runner) bool {
	if !r.held {
		t.d.Considered++
		r.held = t.holder.Holds(int(r.mirror), t.r.file)
	}
	return r.held
}

// take makes r the next pick.
func (t *table) take(r *runner) {
	c := &t.s.cold[r.mirror]
	base, trim := c.way(t.r.path)
	t.d.Picks = append(t.d.Picks, Pick{
		Mirror:     int(r.mirror),
		Tier:       t.r.tier(int(r.step)),
		BaseURL:    base[c.scheme[t.r.lane]],
		Trim:       trim,
		Name:       c.m.Name,
		Country:    c.country,
		DistanceKm: kilometres(r.chord),
	})
}

package redirector

// tally counts those of a group that could serve, as far as a group's borders
// hang on it.
type tally struct {
	serving          int // of those counted; no more are counted than needed
	placed, unplaced int // how many of each have been counted
}

// spills reports whether it must be counted how many could serve so far, because
// the step at, the next one, may join.
func (t *table) spills(at int) bool {
	return t.s.policy.Spill > 0 && !t.r.borderless && at > stepCountry && at <= t.r.world
}

// count asks those who joined last whether they hold the file, until there are
// enough who do, and takes out those who do not.
func (t *table) count() {
	w := &t.d.scratch
	w.placed = t.sift(w.placed, t.tally.placed)
	w.unplaced = t.sift(w.unplaced, t.tally.unplaced)
	t.tally.placed, t.tally.unplaced = len(w.placed), len(w.unplaced)
	t.findNearest()
}

// sift counts rs[from:].
func (t *table) sift(rs []runner, from int) []runner {
	kept := from
	for i := from; i < len(rs); i++ {
		if t.tally.serving < t.s.policy.Spill {
			if !t.holds(&rs[i]) {
				continue
			}
			t.tally.serving++
		}
		rs[kept] = rs[i]
		kept++
	}
	return rs[:kept]
}

// findNearest looks for the nearest anew, after some were taken out.
func (t *table) findNearest() {
	placed := t.d.scratch.placed
	t.nearestAt = 0
	for i := range placed {
		if placed[i].before(placed[t.nearestAt]) {
			t.nearestAt = i
		}
	}
}

package redirector

// Choose answers q into d, whose former contents are lost. Mirrors are asked
// group by group whether they hold the file, until there are picks enough. rnd
// nil stands for [GlobalRand].
func (s *Set) Choose(q *Query, holder Holder, rnd Rand, d *Decision) {
	d.reset(len(s.hot))
	if rnd == nil {
		rnd = GlobalRand{}
	}
	t := table{s: s, holder: holder, rnd: rnd, d: d, limit: s.limit(q)}
	t.r.read(s, q)
	if s.seeds != nil {
		t.settle()
	}
	for at := 0; at < t.r.end && !t.full(); {
		at = t.gather(at)
		t.serve()
	}
	t.serveTried()
	if len(d.Picks) > 0 {
		d.Tier = d.Picks[0].Tier
	}
	if q.Explain {
		s.explain(&t.r, holder, d)
	}
}

// limit is how many picks q wants.
func (s *Set) limit(q *Query) int {
	switch {
	case q.Limit > 0:
		return q.Limit
	case q.Limit < 0:
		return len(s.hot)
	}
	return s.policy.Duplicates
}

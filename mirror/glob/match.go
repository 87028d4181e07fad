package glob

// Matcher matches paths piece by piece, so that what is known of a folder need
// not be found out again for each name in it. It is for one goroutine.
type Matcher struct {
	p    *Pattern
	seen []uint32 // by token: the step at which it was last added
	step uint32
	buf  State
}

// State is where a pattern may be after a part of a path: the indices of the
// tokens that may come next. An empty State never matches again.
type State []uint16

// Matcher makes a matcher for p.
func (p *Pattern) Matcher() *Matcher {
	return &Matcher{p: p, seen: make([]uint32, len(p.tokens)+1)}
}

// Match reports whether p matches a whole path.
func (p *Pattern) Match(path string) bool {
	m := p.Matcher()
	return m.Matches(m.After(m.Start(), []byte(path)))
}

// Start is the State before anything was read.
func (m *Matcher) Start() State {
	m.begin()
	m.add(0)
	return append(State(nil), m.buf...)
}

// Matches reports whether what led to s is a path that matches.
func (m *Matcher) Matches(s State) bool {
	for _, i := range s {
		if int(i) == len(m.p.tokens) {
			return true
		}
	}
	return false
}

// After gives the State after some more bytes, which end where a character does.
func (m *Matcher) After(s State, piece []byte) State {
	now := append(State(nil), s...)
	for len(piece) > 0 && len(now) > 0 {
		c, n := next(piece)
		piece = piece[n:]
		m.begin()
		for _, i := range now {
			m.take(int(i), c)
		}
		now, m.buf = m.buf, now
	}
	return now
}

// begin starts a new set of states.
func (m *Matcher) begin() {
	m.step++
	if m.step == 0 { // wrapped around
		clear(m.seen)
		m.step = 1
	}
	m.buf = m.buf[:0]
}

// add adds the state before token i, and those that can be reached from there
// without a character.
func (m *Matcher) add(i int) {
	for ; m.seen[i] != m.step; i++ {
		m.seen[i] = m.step
		m.buf = append(m.buf, uint16(i))
		if i == len(m.p.tokens) {
			return
		}
		switch m.p.tokens[i].kind {
		case star, any0, folders:
		case one, class, inName, any1:
			return
		}
	}
}

// stay is add for a token that was begun already.
func (m *Matcher) stay(i int) {
	if m.seen[i] != m.step {
		m.seen[i] = m.step
		m.buf = append(m.buf, uint16(i))
	}
}

// take adds what can come after token i took c.
func (m *Matcher) take(i int, c char) {
	if i == len(m.p.tokens) {
		return
	}
	switch t := &m.p.tokens[i]; t.kind {
	case one:
		if t.char == c {
			m.add(i + 1)
		}
	case class:
		if c != '/' && t.has(c) {
			m.add(i + 1)
		}
	case inName:
		if c != '/' {
			m.add(i + 1)
		}
	case star:
		if c != '/' {
			m.add(i)
		}
	case any0:
		m.add(i)
	case any1:
		m.stay(i)
		m.add(i + 1)
	case folders:
		if c == '/' {
			m.add(i + 1)
		}
		m.stay(i)
	}
}

func (t *token) has(c char) bool {
	for _, r := range t.ranges {
		if r[0] <= c && c <= r[1] {
			return !t.negated
		}
	}
	return t.negated
}

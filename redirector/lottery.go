package redirector

import "math/bits"

// lottery draws runners without putting them back, each in exact proportion to
// its weight among those left. It is a Fenwick tree: filling costs n steps, a
// draw log n.
type lottery struct {
	tree    []uint64 // 1-based
	total   uint64
	group   []runner
	weights []uint32 // by mirror
}

// weight is what the runner at an index is drawn with; never 0, which nothing
// could be drawn with.
func (l *lottery) weight(at int) uint64 { return uint64(max(l.weights[l.group[at].mirror], 1)) }

// fill puts a group into the drum.
func (l *lottery) fill(group []runner, weights []uint32) {
	n := len(group)
	if cap(l.tree) <= n {
		l.tree = make([]uint64, n+1, 2*n+8)
	}
	l.tree = l.tree[:n+1]
	clear(l.tree)
	l.total, l.group, l.weights = 0, group, weights
	for i := 1; i <= n; i++ {
		w := l.weight(i - 1)
		l.total += w
		l.tree[i] += w
		if up := i + i&-i; up <= n {
			l.tree[up] += l.tree[i]
		}
	}
}

// draw takes one out. At least one must be left.
func (l *lottery) draw(rnd Rand) runner {
	lot := rnd.Uint64N(l.total)
	n, at := len(l.group), 0
	for step := 1 << (bits.Len(uint(n)) - 1); step > 0; step >>= 1 {
		if next := at + step; next <= n && l.tree[next] <= lot {
			at = next
			lot -= l.tree[next]
		}
	}
	w := l.weight(at)
	l.total -= w
	for i := at + 1; i <= n; i += i & -i {
		l.tree[i] -= w
	}
	return l.group[at]
}

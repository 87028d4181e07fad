package mirrorstatus

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// columnKind is a column of the page with all mirrors.
type columnKind struct {
	name string // in queries, and key of page.StatusWords.Columns
	// down: the first click sorts from the largest to the smallest.
	down bool
	less func(w *page.Words, a, b *Mirror) int
}

// columns in their order; mirrors are sorted by the first unless told
// otherwise.
var columns = [...]columnKind{
	{"name", false, func(_ *page.Words, a, b *Mirror) int { return cmp.Compare(fold(a.Name), fold(b.Name)) }},
	{"state", false, func(_ *page.Words, a, b *Mirror) int { return cmp.Compare(rank(a), rank(b)) }},
	{"country", false, func(w *page.Words, a, b *Mirror) int { return cmp.Compare(country(w, a), country(w, b)) }},
	{"protocols", true, func(_ *page.Words, a, b *Mirror) int { return cmp.Compare(len(a.URLs), len(b.URLs)) }},
	{"coverage", true, func(_ *page.Words, a, b *Mirror) int { return cmp.Compare(covers(a), covers(b)) }},
	{"age", true, func(_ *page.Words, a, b *Mirror) int { return a.CopyTime().Compare(b.CopyTime()) }},
	{"scan", true, func(_ *page.Words, a, b *Mirror) int { return a.Scanned.Compare(b.Scanned) }},
	{"share", true, func(_ *page.Words, a, b *Mirror) int { return cmp.Compare(a.Share.OfBytes, b.Share.OfBytes) }},
}

// column gives a column by its name; nil: there is none.
func column(name string) *columnKind {
	for i := range columns {
		if columns[i].name == name {
			return &columns[i]
		}
	}
	return nil
}

func fold(s string) string { return strings.ToLower(s) }

func rank(m *Mirror) int { return slices.Index(states[:], m.State) }

// country sorts mirrors without a place behind the others.
func country(w *page.Words, m *Mirror) string {
	_, name := w.Country(m.Country)
	return cmp.Or(fold(name), "\U0010ffff")
}

func covers(m *Mirror) float64 {
	if m.Copy.Files == 0 {
		return -1
	}
	return m.Copy.Coverage()
}

// chosen gives the mirrors that a query shows, in its order.
func (s *Site) chosen(w *page.Words, q Query) []*Mirror {
	var list []*Mirror
	for i := range s.Mirrors {
		if m := &s.Mirrors[i]; q.lets(w, m) {
			list = append(list, m)
		}
	}
	c := column(cmp.Or(q.Sort, columns[0].name))
	slices.SortStableFunc(list, func(a, b *Mirror) int {
		n := c.less(w, a, b)
		if c.down != q.Desc {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(fold(a.Name), fold(b.Name)))
	})
	return list
}

// age is for how long the copy has been behind now; ok is false where it is not
// known.
func (m *Mirror) age(now time.Time) (d time.Duration, ok bool) {
	if m.Copy.Files == 0 || m.Scanned.IsZero() {
		return 0, false
	}
	return m.Copy.Age(now), true
}

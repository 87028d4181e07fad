package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// diagnosis counts on what grounds entries fail, so that a report can name the
// common one.
type diagnosis struct {
	grounds  [closedFile + 1]int
	offsets  map[time.Duration]int // mtime less the current version's, sizes equal, whole seconds
	strange  int                   // unknown paths
	examples []string              // the first unknown paths
}

const (
	maxOffsets  = 256
	maxExamples = 200
)

func (d *diagnosis) count(g ground) { d.grounds[g]++ }

func (d *diagnosis) stale(g ground, mtime int64, vs []mirror.Version) {
	d.count(g)
	if g != olderTime {
		return
	}
	for i := range vs {
		if !vs[i].Current() {
			continue
		}
		off := time.Duration(mtime - vs[i].MTime).Round(time.Second)
		if d.offsets == nil {
			d.offsets = map[time.Duration]int{}
		}
		if _, ok := d.offsets[off]; ok || len(d.offsets) < maxOffsets {
			d.offsets[off]++
		}
		return
	}
}

func (d *diagnosis) unknown(path string) {
	d.strange++
	if len(d.examples) < maxExamples {
		d.examples = append(d.examples, strings.Clone(path))
	}
}

// advice says on what ground most of the listing failed, and what to do; "" if
// most did not. folders are the top folders of the origin's tree.
func (d *diagnosis) advice(c Counts, v Versions, m *mirror.Mirror, folders []string) string {
	switch half := c.Listed / 2; {
	case c.Listed == 0:
		return ""
	case d.strange > half:
		return d.wrongPlace(v, m, folders)
	case d.grounds[olderTime] > half:
		return d.timesOff(c)
	case d.grounds[otherSize]+d.grounds[partialCopy] > half:
		return fmt.Sprintf("%d of %d files have another size than the origin's: the mirror holds another release, or the URL leads to another tree", d.grounds[otherSize]+d.grounds[partialCopy], c.Listed)
	case d.grounds[removedPath] > half:
		return fmt.Sprintf("%d of %d files are no longer on the origin: the mirror has not synchronised for long", d.grounds[removedPath], c.Listed)
	case d.grounds[closedFile] > half:
		return fmt.Sprintf("%d of %d files, or the folders they are in, may not be read by everybody there: the mirror's permissions are wrong (rsync needs --chmod=D755,F644, or --perms)", d.grounds[closedFile], c.Listed)
	case c.Unasked > half:
		return fmt.Sprintf("%d of %d files need a HEAD request, which the mirror did not answer", c.Unasked, c.Listed)
	}
	return ""
}

func (d *diagnosis) timesOff(c Counts) string {
	best, n := time.Duration(0), 0
	for off, k := range d.offsets {
		if k > n {
			best, n = off, k
		}
	}
	if n*10 < d.grounds[olderTime]*8 {
		return fmt.Sprintf("%d of %d files have the right size and an older time than the origin's: the mirror is behind, or does not keep times (rsync needs --times)", d.grounds[olderTime], c.Listed)
	}
	return fmt.Sprintf("%d of %d files have the right size, but their times are off by %s: the mirror's clock zone is wrong, or the origin was touched (then run mbctl index --same)", n, c.Listed, offText(best))
}

// offText says how far off a time is, in words that fit its size.
func offText(d time.Duration) string {
	const day = 24 * time.Hour
	if d.Abs() >= 2*day {
		return fmt.Sprintf("%.0f days", d.Round(day).Hours()/24)
	}
	return d.String()
}

// wrongPlace looks whether the unknown paths are known elsewhere in the tree.
func (d *diagnosis) wrongPlace(v Versions, m *mirror.Mirror, folders []string) string {
	var buf []mirror.Version
	known := func(p string) bool { buf = v.Append(buf[:0], p); return len(buf) > 0 }
	hits := map[string]int{}
	for _, p := range d.examples {
		p = strings.TrimPrefix(strings.TrimPrefix(p, m.Subtree), "/")
		rest := p
		for range 6 { // the URL begins above the tree
			dir, below, ok := strings.Cut(rest, "/")
			if !ok {
				break
			}
			_ = dir
			rest = below
			if known(rest) {
				hits["-"+strings.TrimSuffix(p, rest)]++
				break
			}
		}
		if m.Subtree != "" && known(p) {
			hits["+"]++
		}
		for _, f := range folders { // the URL begins inside the tree
			if known(f + "/" + p) {
				hits["+"+f]++
			}
		}
	}
	type hit struct {
		where string
		n     int
	}
	var best hit
	for w, n := range hits {
		best = slices.MaxFunc([]hit{best, {w, n}}, func(a, b hit) int {
			return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(len(b.where), len(a.where)), strings.Compare(a.where, b.where))
		})
	}
	if best.n*2 > len(d.examples) {
		if where, up := strings.CutPrefix(best.where, "-"); up {
			return fmt.Sprintf("the tree begins further down: add %q to the mirror's URLs", where)
		}
		if where := best.where[1:]; where != "" {
			return fmt.Sprintf("the files are those of %s/ in the tree: try --subtree %s with mbctl edit %s", where, where, m.Name)
		}
		return fmt.Sprintf("the mirror has the whole tree, not only %s/: try --subtree / with mbctl edit %s", m.Subtree, m.Name)
	}
	return fmt.Sprintf("%d files are unknown to the origin (such as %q): does the URL lead to this tree?", d.strange, d.examples[0])
}

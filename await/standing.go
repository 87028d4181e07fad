package await

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// Standing is who has what is waited for.
type Standing struct {
	Target     Target
	Have       []mirror.Mirror // by name
	Lack       []Lacking       // by name; mirrors that could have it, and do not count
	Share      float64         // of the load that Have carries, from 0 to 1
	Continents map[string]Count
	Enough     bool
}

// Lacking is a mirror that does not count yet.
type Lacking struct {
	Mirror mirror.Mirror
	Why    string // short
	Up     bool   // it takes requests, and so is worth a scan
}

// Count is how many mirrors of a continent have it, of how many, and how many
// are needed.
type Count struct{ Have, Of, Need int }

// judge counts. held is by the order of mirrors; nil: nothing.
func (s *Standing) judge(w Want, mirrors []mirror.Mirror, held []*roaring.Bitmap, now time.Time) {
	s.Continents = map[string]Count{}
	var load, all float64
	order := make([]int, len(mirrors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(mirrors[a].Name, mirrors[b].Name) })
	for _, i := range order {
		m := &mirrors[i]
		if !m.Enabled || m.DisabledUntil.After(now) || !s.Target.concerns(m) {
			continue
		}
		all += float64(m.Score)
		c := s.Continents[m.Continent]
		c.Of++
		if why, up := s.why(w, m, held[i], now); why != "" {
			s.Lack = append(s.Lack, Lacking{*m, why, up})
		} else {
			s.Have = append(s.Have, *m)
			load += float64(m.Score)
			c.Have++
		}
		s.Continents[m.Continent] = c
	}
	if all > 0 {
		s.Share = load / all
	}
	s.Enough = s.enough(w)
}

func (s *Standing) enough(w Want) bool {
	const rounding = 1e-9
	ok := len(s.Have) > 0 && s.Share >= w.Share-rounding
	if !w.PerContinent {
		return ok && len(s.Have) >= w.Mirrors
	}
	for name, c := range s.Continents {
		c.Need = min(w.Mirrors, c.Of)
		if name == "" { // nobody knows where they are
			c.Need = 0
		}
		s.Continents[name] = c
		ok = ok && c.Have >= c.Need
	}
	return ok
}

// concerns reports whether a mirror could ever be sent requests for all of it.
func (t *Target) concerns(m *mirror.Mirror) bool {
	there, ok := m.There(t.Path)
	if !ok || m.Score == 0 || m.MaxSize > 0 && t.Size > m.MaxSize {
		return false
	}
	if top, _, _ := strings.Cut(there, "/"); len(m.Rules.Top) > 0 && !slices.Contains(m.Rules.Top, top) {
		return false
	}
	left, err := origin.NewGlobs(m.Rules.Exclude)
	return err != nil || t.Path == "" || !left.MatchBelow(t.Path, t.Folder)
}

// why gives the reason for which a mirror does not count; "": it counts.
func (s *Standing) why(w Want, m *mirror.Mirror, held *roaring.Bitmap, now time.Time) (why string, up bool) {
	if state, _ := m.State(now, w.MaxScanAge); state != mirror.StateUp {
		return string(state), false
	}
	of := s.Target.IDs.GetCardinality()
	var has uint64
	if held != nil {
		has = held.AndCardinality(s.Target.IDs)
	}
	complete := w.Complete
	if complete <= 0 {
		complete = 1
	}
	switch {
	case has == of, has > 0 && float64(has) >= complete*float64(of):
		return "", true
	case s.Target.Folder && has > 0:
		return fmt.Sprintf("has %d of %d files", has, of), true
	}
	return "does not have it", true
}

// String is a line for people.
func (s *Standing) String() string {
	if s.Target.IDs.IsEmpty() {
		return "not in the index yet"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d mirrors have it, with %.0f%% of the load", len(s.Have), len(s.Have)+len(s.Lack), 100*s.Share)
	for _, name := range slices.Sorted(maps.Keys(s.Continents)) {
		if c := s.Continents[name]; c.Need > 0 {
			fmt.Fprintf(&b, ", %s %d of %d", name, c.Have, c.Need)
		}
	}
	const most = 10
	for i, l := range s.Lack {
		switch i {
		case 0:
			b.WriteString("; not ")
		case most:
			fmt.Fprintf(&b, " and %d more", len(s.Lack)-most)
			return b.String()
		default:
			b.WriteString(", ")
		}
		b.WriteString(l.Mirror.Name)
		if l.Why != "does not have it" {
			fmt.Fprintf(&b, " (%s)", l.Why)
		}
	}
	return b.String()
}

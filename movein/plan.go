package movein

import (
	"context"
	"maps"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// What becomes of a mirror of the other system.
type What string

// The values of What.
const (
	New      What = "new"      // added here
	Changed  What = "changed"  // changed there since the last time, and now here
	Same     What = "same"     // nothing to do
	Conflict What = "conflict" // differs, and it is not for us to say who is right
	Deleted  What = "deleted"  // was taken over and then deleted here: stays deleted
	Gone     What = "gone"     // was taken over, and is not there any more
	Left     What = "left"     // cannot be taken over
)

// Change is one setting of a mirror that is or would be another.
type Change struct {
	Field string `json:"field"`
	Was   string `json:"was"` // here; without passwords
	Is    string `json:"is"`  // there
}

// Step is what is to be done about one mirror.
type Step struct {
	What   What
	Record *Record // nil: Gone
	Name   string  // here; of Left and Deleted: there
	ID     mirror.ID
	Score  int // here, afterwards
	// Changes are made; Conflicts are not: the setting was changed here too, or
	// the mirror was not taken over by us.
	Changes, Conflicts []Change
	// Kept are settings that were changed here since, and not there.
	Kept []string
	// Switched says that the mirror was switched on or off there since the last
	// time. That is told and not done here.
	Switched bool

	fields []*field // of Changes
	base   *remembered
}

// Plan is what a run would do.
type Plan struct {
	Inventory *Inventory
	Steps     []Step
	Markers   []MarkerChange // nil: they are not taken over

	mem     *memory
	here    []mirror.Mirror
	markers []Marker // that there are to be here
}

// MakePlan compares an inventory with what we have. only limits it to mirrors
// of these names, here or there; a mirror that was deleted here comes back when
// it is named. markers nil: markers are not taken over.
func MakePlan(ctx context.Context, db *store.Store, markers MarkerStore, inv *Inventory, only []string) (*Plan, error) {
	mem, err := recall(ctx, db, inv.System)
	if err != nil {
		return nil, err
	}
	here, err := db.Mirrors(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Inventory: inv, mem: mem, here: here}
	there := map[string]bool{}
	for i := range inv.Records {
		r := &inv.Records[i]
		there[r.Name] = true
		named := slices.Contains(only, r.Name) || slices.Contains(only, r.Mirror.Name)
		if len(only) == 0 || named {
			p.Steps = append(p.Steps, p.step(r, named))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mem.Mirrors)) {
		m := p.byID(mem.Mirrors[name].ID)
		if !there[name] && m != nil && (len(only) == 0 || slices.Contains(only, m.Name)) {
			p.Steps = append(p.Steps, Step{What: Gone, Name: m.Name, ID: m.ID})
		}
	}
	return p, p.planMarkers(ctx, markers)
}

func (p *Plan) byID(id mirror.ID) *mirror.Mirror {
	i := slices.IndexFunc(p.here, func(m mirror.Mirror) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &p.here[i]
}

func (p *Plan) byName(name string) *mirror.Mirror {
	i := slices.IndexFunc(p.here, func(m mirror.Mirror) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &p.here[i]
}

// step decides about one mirror.
func (p *Plan) step(r *Record, named bool) Step {
	s := Step{Record: r, Name: r.Mirror.Name, base: p.mem.Mirrors[r.Name]}
	if r.Unusable != "" {
		s.What, s.Name = Left, r.Name
		return s
	}
	var ours *mirror.Mirror
	if s.base != nil { // it may have been renamed here
		ours = p.byID(s.base.ID)
		if ours == nil && !named {
			s.What = Deleted
			return s
		}
		s.Switched = ours != nil && s.base.Enabled != r.Enabled
	}
	if ours == nil {
		s.base = nil
		ours = p.byName(r.Mirror.Name)
	}
	if ours == nil {
		s.What, s.Score = New, r.Mirror.Score
		return s
	}
	s.ID, s.Name = ours.ID, ours.Name
	s.compare(ours)
	return s
}

// compare sorts the settings by who changed them: there only, here only, or
// both. Where nothing is remembered, what is here stays.
func (s *Step) compare(ours *mirror.Mirror) {
	after := *ours
	defer func() { s.Score = after.Score }()
	for i := range fields {
		f := &fields[i]
		there, here := f.value(&s.Record.Mirror), f.value(ours)
		base, known := "", false
		if s.base != nil {
			base, known = s.base.Fields[f.name]
		}
		change := Change{f.name, f.show(ours), f.show(&s.Record.Mirror)}
		switch {
		case there == here:
		case known && here == base:
			s.Changes, s.fields = append(s.Changes, change), append(s.fields, f)
			f.copy(&after, &s.Record.Mirror)
		case known && there == base:
			s.Kept = append(s.Kept, f.name)
		default:
			s.Conflicts = append(s.Conflicts, change)
		}
	}
	switch {
	case len(s.Conflicts) > 0:
		s.What = Conflict
	case len(s.Changes) > 0:
		s.What = Changed
	default:
		s.What = Same
	}
}

// After gives the mirrors that there would be here, in the order of Steps
// first: those taken over, as they would be with all that are switched on there
// switched on here. index gives each step's place in the list, -1 for none.
func (p *Plan) After() (all []*mirror.Mirror, index []int) {
	done := map[mirror.ID]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		var m mirror.Mirror
		switch s.What {
		case New:
			m = s.Record.Mirror
			m.Enabled = s.Record.Enabled
		case Changed, Same, Conflict:
			m = *p.byID(s.ID)
			for _, f := range s.fields {
				f.copy(&m, &s.Record.Mirror)
			}
			m.Enabled = m.Enabled || m.EnableAfterScan
		case Deleted, Gone, Left:
			index = append(index, -1)
			continue
		}
		done[m.ID] = true
		index = append(index, len(all))
		all = append(all, &m)
	}
	for i := range p.here {
		if m := p.here[i]; !done[m.ID] {
			m.Enabled = m.Enabled || m.EnableAfterScan
			all = append(all, &m)
		}
	}
	return all, index
}

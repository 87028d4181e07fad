package movein

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Apply does what the plan says. Mirrors that are switched on there are
// switched on here once a scan succeeds, or with enable at once; a mirror that
// is here already keeps its switches. A run that breaks off can be repeated.
func (p *Plan) Apply(ctx context.Context, db *store.Store, markers MarkerStore, who string, enable bool) error {
	for i := range p.Steps {
		s := &p.Steps[i]
		if err := s.apply(ctx, db, p.Inventory.Title, who, enable); err != nil {
			return fmt.Errorf("mirror %s: %w", s.Name, err)
		}
		p.remember(s)
	}
	err := p.applyMarkers(ctx, markers, who)
	return errors.Join(err, p.mem.keep(ctx, db, p.Inventory.System))
}

func (s *Step) apply(ctx context.Context, db *store.Store, title, who string, enable bool) error {
	switch {
	case s.What == New:
		m := s.Record.Mirror
		m.Enabled, m.EnableAfterScan = s.Record.Enabled && enable, s.Record.Enabled && !enable
		if err := db.CreateMirror(ctx, &m, who); err != nil {
			return err
		}
		s.ID = m.ID
		return db.AddEvent(ctx, store.Event{Mirror: m.ID, MirrorName: m.Name, Who: who, What: "imported", Detail: "from " + title})
	case len(s.Changes) > 0:
		_, err := db.UpdateMirror(ctx, s.ID, who, "imported from "+title, s.change)
		return err
	}
	return nil
}

// change sets what changed there, but for what somebody changed here since the
// plan was made.
func (s *Step) change(m *mirror.Mirror) error {
	for _, f := range s.fields {
		if f.value(m) == s.base.Fields[f.name] {
			f.copy(m, &s.Record.Mirror)
		}
	}
	return nil
}

// remember notes what was taken over. What is in conflict is not, so that it is
// told again. A mirror that somebody added here under the same name, with other
// settings, does not become ours by that.
func (p *Plan) remember(s *Step) {
	if s.ID == 0 || s.Record == nil || s.base == nil && s.What == Conflict {
		return
	}
	r := &remembered{ID: s.ID, Enabled: s.Record.Enabled, Fields: map[string]string{}}
	for i := range fields {
		f := &fields[i]
		r.Fields[f.name] = f.value(&s.Record.Mirror)
	}
	for _, c := range s.Conflicts {
		delete(r.Fields, c.Field)
		if was, ok := s.base.Fields[c.Field]; ok {
			r.Fields[c.Field] = was
		}
	}
	p.mem.Mirrors[s.Record.Name] = r
}

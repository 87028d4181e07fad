package movein

import (
	"context"
	"fmt"
	"slices"
)

// MarkerStore is where our markers are.
type MarkerStore interface {
	Markers(ctx context.Context) ([]Marker, error)
	SetMarkers(ctx context.Context, all []Marker, who string) error // replaces them
}

// MarkerChange is what becomes of a marker of the other system.
type MarkerChange struct {
	Marker Marker
	What   What // New, Changed, Same, Conflict (stays as it is here) or Deleted
}

// MergeMarkers compares markers by name, as settings of mirrors are compared:
// base is what was taken over the last time. all are those that there are to be
// here.
func MergeMarkers(here, there, base []Marker) (all []Marker, changes []MarkerChange) {
	at := func(list []Marker, name string) int {
		return slices.IndexFunc(list, func(m Marker) bool { return m.Name == name })
	}
	all = slices.Clone(here)
	for _, m := range there {
		h, b := at(all, m.Name), at(base, m.Name)
		what := Conflict
		switch {
		case h < 0 && b >= 0:
			what = Deleted
		case h < 0:
			what, all = New, append(all, m)
		case slices.Equal(all[h].Paths, m.Paths):
			what = Same
		case b >= 0 && slices.Equal(all[h].Paths, base[b].Paths):
			what, all[h] = Changed, m
		case b >= 0 && slices.Equal(m.Paths, base[b].Paths):
			what = Same // changed here
		}
		changes = append(changes, MarkerChange{m, what})
	}
	return all, changes
}

// planMarkers works out what becomes of the markers; to nil: nothing.
func (p *Plan) planMarkers(ctx context.Context, to MarkerStore) error {
	if to == nil || len(p.Inventory.Markers) == 0 {
		return nil
	}
	here, err := to.Markers(ctx)
	if err != nil {
		return err
	}
	p.markers, p.Markers = MergeMarkers(here, p.Inventory.Markers, p.mem.Markers)
	return nil
}

// applyMarkers stores them, and remembers what was taken over once they are.
func (p *Plan) applyMarkers(ctx context.Context, to MarkerStore, who string) error {
	change := false
	var base []Marker
	for _, c := range p.Markers {
		change = change || c.What == New || c.What == Changed
		if c.What != Conflict {
			base = append(base, c.Marker)
			continue
		}
		for _, was := range p.mem.Markers { // so that it is told again
			if was.Name == c.Marker.Name {
				base = append(base, was)
			}
		}
	}
	if change {
		if err := to.SetMarkers(ctx, p.markers, who); err != nil {
			return fmt.Errorf("markers: %w", err)
		}
	}
	if len(p.Markers) > 0 {
		p.mem.Markers = base
	}
	return nil
}

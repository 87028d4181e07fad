package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Marker is a name for a group of paths that a mirror must have to be shown
// with it in lists.
type Marker struct {
	Name string
	// Paths are patterns of package origin, read from the tree's root; with "!"
	// before it a pattern is one that the mirror must not have.
	Paths []string
}

// MaxMarkers bounds how many markers there may be: each is a column.
const MaxMarkers = 64

// check refuses what a list cannot show, or the database cannot store.
func (m *Marker) check() error {
	if err := validMarkerName(m.Name); err != nil {
		return err
	}
	if len(m.Paths) == 0 {
		return fmt.Errorf("marker %q: has no paths", m.Name)
	}
	for _, p := range m.Paths {
		if !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\n\r") {
			return fmt.Errorf("marker %q: path %q: write ? for each byte that is not UTF-8, or that breaks lines", m.Name, p)
		}
		if strings.Trim(strings.TrimPrefix(p, "!"), "/") == "" {
			return fmt.Errorf("marker %q: path %q names nothing", m.Name, p)
		}
	}
	return nil
}

func validMarkerName(name string) error {
	if name == "" || len(name) > 64 || !utf8.ValidString(name) || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return fmt.Errorf("marker %q: a name has 1 to 64 bytes, no line breaks or other control characters, and no blank at its ends", name)
	}
	return nil
}

// Markers gives the markers in the order of their columns.
func (s *Store) Markers(ctx context.Context) ([]Marker, error) {
	all, err := markers(ctx, s.db)
	return all, fail("reading the markers", deadline(ctx, err))
}

func markers(ctx context.Context, q querier) ([]Marker, error) {
	rows, err := q.QueryContext(ctx, "SELECT name, paths FROM marker ORDER BY place, name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Marker
	for rows.Next() {
		var m Marker
		var paths string
		if err := rows.Scan(&m.Name, &paths); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(paths), &m.Paths); err != nil {
			return nil, fmt.Errorf("marker %s: paths %q in the database: %w", m.Name, paths, err)
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// SetMarkers puts these markers, in this order, in the place of all. Nothing is
// written, or logged, when they are what is stored.
func (s *Store) SetMarkers(ctx context.Context, list []Marker, who string) error {
	return s.changeMarkers(ctx, who, "markers", func([]Marker) ([]Marker, error) { return list, nil })
}

// PutMarker stores a marker: in the place of the one of its name, or as the
// last one.
func (s *Store) PutMarker(ctx context.Context, m Marker, who string) error {
	return s.changeMarkers(ctx, who, "marker "+m.Name, func(all []Marker) ([]Marker, error) {
		if i := slices.IndexFunc(all, func(o Marker) bool { return o.Name == m.Name }); i >= 0 {
			all[i] = m
			return all, nil
		}
		return append(all, m), nil
	})
}

// DeleteMarker takes a marker away, or is ErrNotFound.
func (s *Store) DeleteMarker(ctx context.Context, name, who string) error {
	return s.changeMarkers(ctx, who, "marker "+name+" removed", func(all []Marker) ([]Marker, error) {
		i := slices.IndexFunc(all, func(o Marker) bool { return o.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("marker %q: %w", name, ErrNotFound)
		}
		return slices.Delete(all, i, i+1), nil
	})
}

// changeMarkers reads the markers, lets change work on them and stores what it
// gives. No catalog holds markers, but the head is raised all the same: its row
// lock lets nobody else change them meanwhile.
func (s *Store) changeMarkers(ctx context.Context, who, what string, change func([]Marker) ([]Marker, error)) error {
	_, err := s.visible(ctx, "storing markers", func(t *tx) error {
		before, err := markers(ctx, t)
		if err != nil {
			return err
		}
		after, err := change(cloneMarkers(before))
		if err != nil {
			return err
		}
		if err := checkMarkers(after); err != nil {
			return err
		}
		if slices.EqualFunc(before, after, sameMarker) {
			return errNothing
		}
		return t.putMarkers(ctx, after, who, what)
	})
	return err
}

func (t *tx) putMarkers(ctx context.Context, list []Marker, who, what string) error {
	if _, err := t.ExecContext(ctx, "DELETE FROM marker"); err != nil {
		return err
	}
	detail := make([]string, len(list))
	for i, m := range list {
		_, err := t.ExecContext(ctx, "INSERT INTO marker (name, paths, place) VALUES ($1, $2, $3)", m.Name, jsonText(m.Paths), int64(i+1))
		if err != nil {
			return err
		}
		detail[i] = m.Name + ": " + strings.Join(m.Paths, " ")
	}
	return t.event(ctx, Event{Who: who, What: what, Detail: strings.Join(detail, "; ")})
}

func checkMarkers(list []Marker) error {
	if len(list) > MaxMarkers {
		return fmt.Errorf("%d markers: at most %d may be", len(list), MaxMarkers)
	}
	seen := map[string]bool{}
	for _, m := range list {
		if err := m.check(); err != nil {
			return err
		}
		if seen[m.Name] {
			return fmt.Errorf("marker %q: comes twice", m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}

func cloneMarkers(list []Marker) []Marker {
	out := slices.Clone(list)
	for i := range out {
		out[i].Paths = slices.Clone(out[i].Paths)
	}
	return out
}

func sameMarker(a, b Marker) bool { return a.Name == b.Name && slices.Equal(a.Paths, b.Paths) }

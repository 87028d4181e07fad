package mirrorstatus

import (
	"cmp"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Site is the mirrors of a tree at one time. It is only read.
type Site struct {
	Mirrors []Mirror // as Sort leaves them
	// Files is how many files the tree has, and Covered how many of them at least
	// one of these mirrors that are up has; 0: not known.
	Files, Covered uint64
	Markers        []string // names of the markers, in the order of Mirror.Markers
	Folders        []string // paths of folders, in the order of Mirror.Folders
	ShowFolders    bool     // they are on the page with all mirrors, too
	AsOf           time.Time
	// Partial: the database is away. There is only what a node's catalog has: no
	// coverage, ages, shares or past.
	Partial bool
}

// Mirror is what everybody may know of a mirror. Public makes it of settings;
// the rest is filled in by who knows it.
type Mirror struct {
	ID                           mirror.ID
	Name                         string
	Operator, OperatorURL, Notes string
	mirror.Place
	URLs     []URL
	Families mirror.Families
	Subtree  string // "" the whole tree

	State  mirror.State
	Reason string    // as of mirror.Mirror.PublicState
	Since  time.Time // since when it has its state; zero: not known

	Scanned   time.Time // last accepted scan; zero: never
	Attempted time.Time // last scan, however it ended; zero: never
	Failing   bool      // that one failed

	// Copy says how much it has. Copy.Files is 0 where that is not known.
	Copy    mirror.Copy
	Folders []mirror.MarkerCopy // parallel to Site.Folders; Has: its part of the tree has files there
	Share   mirror.Share        // of the last 30 days
	Shared  bool                // Share is known

	// Recent are the scans of the last two weeks that are shown, the oldest first:
	// see store.Store.RecentRuns.
	Recent []mirror.Run
}

// URL is a way to a mirror's tree.
type URL struct {
	Protocol string // https, http, ftp or rsync
	URL      string
}

// History is the past of a mirror, the oldest first.
type History struct {
	// Changes begin with the state that the mirror had at the beginning.
	Changes []mirror.StateChange
	Runs    []mirror.Run
}

// Sort brings the mirrors into their order.
func (s *Site) Sort() {
	slices.SortFunc(s.Mirrors, func(a, b Mirror) int { return cmp.Compare(a.Name, b.Name) })
}

// Find gives the mirror with a name, or nil.
func (s *Site) Find(name string) *Mirror {
	i, ok := slices.BinarySearchFunc(s.Mirrors, name, func(m Mirror, name string) int { return cmp.Compare(m.Name, name) })
	if !ok {
		return nil
	}
	return &s.Mirrors[i]
}

// Up is how many mirrors take requests.
func (s *Site) Up() (n int) {
	for i := range s.Mirrors {
		if s.Mirrors[i].State == mirror.StateUp {
			n++
		}
	}
	return n
}

// Countries is in how many countries there are mirrors.
func (s *Site) Countries() int {
	seen := map[string]bool{}
	for i := range s.Mirrors {
		if c := s.Mirrors[i].Country; c != "" {
			seen[c] = true
		}
	}
	return len(seen)
}

// Coverage is the share of the tree's files that some mirror that is up has,
// from 0 to 1; 0 where there are none.
func (s *Site) Coverage() float64 {
	if s.Files == 0 {
		return 0
	}
	return float64(min(s.Covered, s.Files)) / float64(s.Files)
}

// CopyTime is the time as of which the mirror has everything: since when its
// copy is behind, or else when it was scanned; zero: not known.
func (m *Mirror) CopyTime() time.Time {
	if b := m.Copy.BehindSince; !b.IsZero() && b.Before(m.Scanned) {
		return b
	}
	return m.Scanned
}

// protocol returns the URL of a protocol, "" if there is none.
func (m *Mirror) protocol(name string) string {
	for _, u := range m.URLs {
		if u.Protocol == name {
			return u.URL
		}
	}
	return ""
}

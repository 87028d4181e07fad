package origin

import (
	"maps"
	"slices"
	"strings"
)

// Reason says why something in the tree is not in the index.
type Reason string

// The reasons, as reports print them.
const (
	Closed     Reason = "not readable by others"
	Unreadable Reason = "could not be read"
	Temporary  Reason = "temporary files of rsync"
	Excluded   Reason = "excluded"
	Special    Reason = "neither file, folder nor link"
	Outside    Reason = "links that leave the tree"
	Dangling   Reason = "links to nothing"
	Loop       Reason = "links in a loop"
	ToHidden   Reason = "links to what is left out"
	TooLong    Reason = "paths that are too long"
	NoSize     Reason = "size could not be found out"
	BadName    Reason = "names that no path can have"
)

// Skip counts what was left out for one reason.
type Skip struct {
	Reason   Reason
	Count    int64
	Examples []string // the first few paths
}

const examples = 5

// Skips counts what was left out. The zero value is ready to use.
type Skips struct{ m map[Reason]*Skip }

// Add counts path.
func (s *Skips) Add(why Reason, path string) { s.add(why, 1, path) }

func (s *Skips) add(why Reason, n int64, paths ...string) {
	if s.m == nil {
		s.m = make(map[Reason]*Skip)
	}
	k := s.m[why]
	if k == nil {
		k = &Skip{Reason: why}
		s.m[why] = k
	}
	k.Count += n
	if room := examples - len(k.Examples); room > 0 {
		k.Examples = append(k.Examples, paths[:min(room, len(paths))]...)
	}
}

func (s *Skips) merge(o Skips) {
	for why, k := range o.m {
		s.add(why, k.Count, k.Examples...)
	}
}

// Count gives how often why applied.
func (s *Skips) Count(why Reason) int64 {
	if k := s.m[why]; k != nil {
		return k.Count
	}
	return 0
}

// All gives the counts, ordered by reason.
func (s *Skips) All() []Skip {
	var all []Skip
	for _, why := range slices.Sorted(maps.Keys(s.m)) {
		all = append(all, *s.m[why])
	}
	return all
}

// partialFolder is where rsync --delay-updates collects files.
const partialFolder = ".~tmp~"

// rsyncTemporary reports whether name is what rsync calls a file while it is
// being received: ".name.XXXXXX", X a letter or digit.
func rsyncTemporary(name string) bool {
	const random = 6
	dot := len(name) - random - 1
	if dot < 2 || name[0] != '.' || name[dot] != '.' {
		return false
	}
	return strings.IndexFunc(name[dot+1:], func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

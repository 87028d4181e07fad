package listing

import "strings"

// Sieve applies Options.Skip to the entries of a server that lists all at once,
// and cannot be told what not to descend into.
type Sieve struct {
	Skip func(path string, dir bool) bool
	Top  string // the folder that is listed

	above   string // the folder of the last entry
	skipped bool   // above is skipped, or below what is
}

// Skips reports whether an entry is not wanted: it, or a folder above it.
// Servers send the entries of a folder one after the other, so that the folders
// are seldom asked for.
func (s *Sieve) Skips(path string, dir bool) bool {
	above := ""
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		above = path[:i]
	}
	if above != s.above {
		s.above, s.skipped = strings.Clone(above), s.below(above)
	}
	return s.skipped || s.Skip(path, dir)
}

// below reports whether folder, or one above it, is skipped. What was asked for
// is not.
func (s *Sieve) below(folder string) bool {
	if len(folder) <= len(s.Top) {
		return false
	}
	start := 0
	if s.Top != "" {
		start = len(s.Top) + 1
	}
	for i := start; i < len(folder); i++ {
		if folder[i] == '/' && s.Skip(folder[:i], true) {
			return true
		}
	}
	return s.Skip(folder, true)
}

package scanner

import (
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Bits that everybody needs: to read a file, and to list and enter a folder.
// Web servers run as somebody who is neither the owner nor of the group.
const (
	readFile   = 0o004
	readFolder = 0o005
)

// modeTold reports whether a mode says something: servers that have none to tell
// print one without any right.
func modeTold(e *listing.Entry) bool { return e.HasMode && e.Mode&0o777 != 0 }

// noteClosed remembers a folder that not everybody may read. Listers yield a
// folder before what is in it.
func (m *matcher) noteClosed(e *listing.Entry) {
	if !modeTold(e) || e.Mode&readFolder == readFolder || e.Path == "" || m.closedBytes+len(e.Path) > maxClosedBytes {
		return
	}
	if m.closed == nil {
		m.closed = map[string]bool{}
	}
	m.closed[strings.Clone(e.Path)] = true
	m.closedBytes += len(e.Path)
}

// isClosed reports whether not everybody may read a listed file.
func (m *matcher) isClosed(e *listing.Entry) bool {
	if modeTold(e) && e.Mode&readFile == 0 {
		return true
	}
	if len(m.closed) == 0 {
		return false
	}
	for i := range len(e.Path) {
		if e.Path[i] == '/' && m.closed[e.Path[:i]] {
			return true
		}
	}
	return false
}

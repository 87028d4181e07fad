// Package frontier keeps what a lister that walks folder by folder has still to
// visit: only folders are kept, the last found first, so that it stays small on
// large trees; too deep, too many and endlessly nested folders (links to a
// folder above, which many servers follow) are noticed.
package frontier

import (
	"fmt"
	"strings"
)

// Limits of a walk. They are far beyond real trees and keep a server that makes
// up folders from filling memory.
const (
	MaxDepth   = 64
	MaxWaiting = 1 << 20
)

// Folder is a folder to visit.
type Folder struct {
	Path  string // relative to the listed URL, "" is the top; set when it is visited
	name  string // while it is waiting: a million long paths would fill memory
	depth int
	above *Folder
	print uint64
}

// Frontier is the folders to visit. It is not safe for concurrent use.
type Frontier struct {
	waiting []*Folder
	found   int
}

// New begins a walk at path.
func New(path string) *Frontier {
	return &Frontier{waiting: []*Folder{{Path: path}}, found: 1}
}

// Next takes a folder to visit; nil when none is waiting.
func (f *Frontier) Next() *Folder {
	n := len(f.waiting)
	if n == 0 {
		return nil
	}
	next := f.waiting[n-1]
	f.waiting[n-1] = nil
	f.waiting = f.waiting[:n-1]
	if next.above != nil {
		next.Path, next.name = join(next.above, next.name), ""
	}
	return next
}

func join(above *Folder, name string) string {
	if above.Path == "" {
		return name
	}
	return above.Path + "/" + name
}

// Found is how many folders were found so far, the first included.
func (f *Frontier) Found() int { return f.found }

// Add notes a folder called name inside above. The error says why it will not
// be visited.
func (f *Frontier) Add(above *Folder, name string) error {
	switch {
	case above.depth+1 > MaxDepth:
		return fmt.Errorf("folder %.300q: more than %d levels deep", join(above, name), MaxDepth)
	case len(f.waiting) >= MaxWaiting:
		return fmt.Errorf("folder %.300q: more than %d folders are waiting", join(above, name), MaxWaiting)
	}
	f.found++
	// The name is often a piece of a whole page, which must not stay with it.
	f.waiting = append(f.waiting, &Folder{name: strings.Clone(name), depth: above.depth + 1, above: above})
	return nil
}

// Loops tells whether a folder is, by all appearances, one of those above it
// again, reached through a link: print, a hash over all that was listed in the
// folder (0: an empty folder), has been seen twice on the way down. Then its
// folders are not to be visited.
func (f *Folder) Loops(print uint64) bool {
	f.print = print
	if print == 0 {
		return false
	}
	same := 0
	for a := f.above; a != nil; a = a.above {
		if a.print == print {
			same++
		}
	}
	return same >= 2
}

package catalog

import (
	"maps"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxHops is how many links a path may go through, as on Linux.
const maxHops = 40

// aliases are the links inside the tree. It never changes; nil has none.
type aliases struct {
	links map[string]link
	// Most requests meet no alias: only prefixes of a length that some alias
	// has are looked up, and none beyond the longest, so that a hostile path of
	// thousands of folders costs nothing.
	lengths [4]uint64 // bit l%256 is set when an alias has l bytes
	longest int
}

// link is what a path stands for.
type link struct {
	Target string `json:"target"`
	Folder bool   `json:"folder,omitempty"`
}

func newAliases(links map[string]link) *aliases {
	if len(links) == 0 {
		return nil
	}
	a := &aliases{links: links}
	for p := range links {
		a.lengths[len(p)>>6&3] |= 1 << (len(p) & 63)
		a.longest = max(a.longest, len(p))
	}
	return a
}

// with gives the aliases after some are removed and then some added.
func (a *aliases) with(removed []string, added map[string]link) *aliases {
	if len(removed)+len(added) == 0 {
		return a
	}
	links := map[string]link{}
	if a != nil {
		maps.Copy(links, a.links)
	}
	for _, p := range removed {
		delete(links, p)
	}
	maps.Copy(links, added)
	return newAliases(links)
}

// resolve is View.Resolve.
func (a *aliases) resolve(path string) (string, bool) {
	if a == nil {
		return path, false
	}
	at := path
	for hops := 0; ; hops++ {
		next, ok := a.step(at)
		if !ok {
			return at, hops > 0
		}
		if hops == maxHops || len(next) > 2*mirror.MaxPath {
			return path, false
		}
		at = next
	}
}

// step replaces the first alias in path, if there is one.
func (a *aliases) step(path string) (string, bool) {
	for i := 0; i <= a.longest && i <= len(path); i++ {
		n := strings.IndexByte(path[i:], '/')
		if n < 0 {
			break
		}
		i += n
		if l, ok := a.get(path[:i]); ok && l.Folder {
			return join(l.Target, path[i+1:]), true
		}
	}
	l, ok := a.get(path)
	return l.Target, ok
}

func (a *aliases) get(path string) (link, bool) {
	n := len(path)
	if n > a.longest || a.lengths[n>>6&3]&(1<<(n&63)) == 0 {
		return link{}, false
	}
	l, ok := a.links[path]
	return l, ok
}

// join puts rest below folder; the empty folder is the root.
func join(folder, rest string) string {
	if folder == "" {
		return rest
	}
	return folder + "/" + rest
}

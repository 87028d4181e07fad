package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxHops is how many links a resolution may pass, as in the kernel.
const maxHops = 40

// maxNodes bounds what a resolver remembers.
const maxNodes = 100_000

// resolver finds what symlinks stand for. It never lets the system follow a
// link: it reads each itself, so that what it finds lies inside the tree.
type resolver struct {
	look func(path string) node
	abs  []string // prefixes of absolute targets that lead into the tree
}

// node is what a path is: missing unless err is nil.
type node struct {
	st     stat
	target string // of a link
	err    error
	why    Reason // why it is left out; "" if it is not
}

func newResolver(r *os.Root, root string, exclude *Globs) *resolver {
	d := &disk{root: r, exclude: exclude, nodes: map[string]node{}}
	return &resolver{look: d.look, abs: absRoot(root)}
}

// disk looks at a local tree, and remembers what it saw.
type disk struct {
	root    *os.Root
	exclude *Globs
	nodes   map[string]node
}

func (r *disk) look(p string) node {
	if n, ok := r.nodes[p]; ok {
		return n
	}
	var n node
	fi, err := r.root.Lstat(p)
	if err != nil {
		n.err = err
	} else {
		n.st.mode = fi.Mode()
		n.why = leftOut(p, p[strings.LastIndexByte(p, '/')+1:], n.st, r.exclude)
		if n.st.mode&fs.ModeSymlink != 0 {
			n.target, n.err = r.root.Readlink(p)
		}
	}
	if len(r.nodes) >= maxNodes {
		clear(r.nodes)
	}
	r.nodes[p] = n
	return n
}

// resolve finds the path that the link at path stands for, or says why there
// is none.
func (r *resolver) resolve(path, target string) (string, bool, Reason) {
	cur := parent(path)
	todo, ok := r.begin(target, &cur)
	if !ok {
		return "", false, Outside
	}
	for hops := 1; len(todo) > 0; {
		seg := todo[0]
		todo = todo[1:]
		switch seg {
		case "", ".":
			continue
		case "..":
			if cur == "" {
				return "", false, Outside
			}
			cur = parent(cur)
			continue
		}
		next := join(cur, seg)
		n := r.look(next)
		switch {
		case errors.Is(n.err, fs.ErrNotExist) || isNotDir(n.err):
			return "", false, Dangling
		case n.err != nil:
			return "", false, Unreadable
		case n.why != "":
			return "", false, ToHidden
		case n.st.mode&fs.ModeSymlink != 0:
			if hops++; hops > maxHops {
				return "", false, Loop
			}
			more, ok := r.begin(n.target, &cur)
			if !ok {
				return "", false, Outside
			}
			todo = append(more, todo...)
		case n.st.mode.IsDir():
			cur = next
		default: // a file: only its name may end here
			if len(todo) > 0 {
				return "", false, Dangling
			}
			return next, false, ""
		}
	}
	return cur, true, ""
}

// begin splits a link's text. An absolute one starts again at the root if it
// leads into the tree.
func (r *resolver) begin(target string, cur *string) ([]string, bool) {
	if !strings.HasPrefix(target, "/") {
		return strings.Split(target, "/"), true
	}
	for _, abs := range r.abs {
		if rest, ok := strings.CutPrefix(target, abs); ok && (rest == "" || rest[0] == '/') {
			*cur = ""
			return strings.Split(rest, "/"), true
		}
	}
	return nil, false
}

// started says what a walk's subtree is.
type started struct {
	there bool
	skip  Reason // why nothing of it is indexed
}

// subtree checks the folder a walk is to begin with and all above it.
func (r *resolver) subtree(folder string) (started, error) {
	if err := mirror.ValidPath(folder); err != nil {
		return started{}, err
	}
	if folder == "" {
		return started{there: true}, nil
	}
	for i := 0; i <= len(folder); i++ {
		if i < len(folder) && folder[i] != '/' {
			continue
		}
		switch n := r.look(folder[:i]); {
		case errors.Is(n.err, fs.ErrNotExist) || isNotDir(n.err):
			return started{}, nil
		case n.err != nil:
			return started{}, fmt.Errorf("subtree %q: %w", folder, n.err)
		case n.st.mode&fs.ModeSymlink != 0:
			return started{}, fmt.Errorf("subtree %q: %q is a link to %q; name the folder itself", folder, folder[:i], n.target)
		case !n.st.mode.IsDir():
			return started{}, fmt.Errorf("subtree %q: %q is not a folder", folder, folder[:i])
		case n.why != "":
			return started{skip: n.why}, nil
		}
	}
	return started{there: true}, nil
}

func parent(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

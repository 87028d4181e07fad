// Package origin reads the authoritative file tree, a local folder or an
// upstream server, and brings the file index in the database up to date with
// it, writing only the differences.
package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// File is one file of the tree as the origin has it now.
type File struct {
	Path  string
	Size  int64 // bytes
	MTime int64 // nanoseconds since the epoch
	CTime int64 // nanoseconds since the epoch; 0 where it is not known (upstreams)
	// Precision is how exactly MTime is known; see mirror.Version.
	Precision time.Duration
}

// Link is a symlink inside the tree that resolves to a path inside the tree.
type Link struct {
	Path   string // the link
	Target string // what it stands for, free of further links; "" is the root
	Folder bool   // whether Target is a folder
}

// Listed is what was seen of the tree beside the files themselves.
type Listed struct {
	Files   int64
	Bytes   int64
	Folders int64 // the root included
	Links   []Link
	Skips   Skips
	// Unknown are paths of folders (or files) that could not be read. What lies
	// below them is not known, which is something else than not there.
	Unknown []string
	// Incomplete says why the listing of an upstream may lack something. When it
	// is not empty, absence means nothing anywhere.
	Incomplete []string
}

// WalkOptions apply to Walk. Zero values are defaults.
type WalkOptions struct {
	// Subtree limits the walk to this folder of the tree; "" is the whole tree.
	Subtree string
	Exclude *Globs // what is left out besides the built-in rules
	Workers int    // folders read at once; default: 4 for each CPU, at most 16
}

// errMissing is returned when the root of the tree cannot be opened as a folder.
var errMissing = errors.New("the origin's root is not there")

// chunk is how many names are read from a folder at a time: it bounds what a
// folder of millions of files needs.
const chunk = 1024

// Walk reads the tree below root in parallel and gives its files to yield, some
// at a time, in no particular order. yield is never called concurrently and
// must not keep the slice. Nothing in the tree stops the walk: what cannot be
// read or is left out is counted in the result. An error from yield or the end
// of ctx does.
func Walk(ctx context.Context, root string, o WalkOptions, yield func([]File) error) (Listed, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return Listed{}, fmt.Errorf("%w: %w", errMissing, err)
	}
	defer r.Close()
	if o.Workers <= 0 {
		o.Workers = min(16, 4*runtime.GOMAXPROCS(0))
	}
	w := &walker{root: r, exclude: o.Exclude, yield: yield}
	w.cond.L = &w.mu
	res := newResolver(r, root, o.Exclude)

	start, err := res.subtree(o.Subtree)
	if err != nil {
		return Listed{}, err
	}
	if start.skip != "" {
		w.res.Skips.Add(start.skip, o.Subtree)
	}
	if !start.there {
		return w.res, nil
	}
	w.push(o.Subtree)
	if err := w.run(ctx, o.Workers); err != nil {
		return w.res, err
	}
	for _, l := range w.links {
		target, folder, why := res.resolve(l.path, l.target)
		if why != "" {
			w.res.Skips.Add(why, l.path)
			continue
		}
		w.res.Links = append(w.res.Links, Link{Path: l.path, Target: target, Folder: folder})
	}
	return w.res, ctx.Err()
}

type rawLink struct{ path, target string }

// walker shares a stack of folders among its workers. The stack makes the walk
// go deep first, so that it stays small.
type walker struct {
	root    *os.Root
	exclude *Globs
	yield   func([]File) error

	mu    sync.Mutex
	cond  sync.Cond
	stack []string
	busy  int
	err   error

	out   sync.Mutex // guards res, links and calls of yield
	res   Listed
	links []rawLink
}

func (w *walker) push(dirs ...string) {
	w.mu.Lock()
	w.stack = append(w.stack, dirs...)
	w.mu.Unlock()
	w.cond.Broadcast()
}

func (w *walker) fail(err error) {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	w.mu.Unlock()
	w.cond.Broadcast()
}

func (w *walker) run(ctx context.Context, workers int) error {
	stop := context.AfterFunc(ctx, func() { w.fail(context.Cause(ctx)) })
	defer stop()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			files := make([]File, 0, chunk)
			for {
				dir, ok := w.next()
				if !ok {
					return
				}
				if err := w.folder(dir, files); err != nil {
					w.fail(err)
				}
				w.done()
			}
		})
	}
	wg.Wait()
	w.mu.Lock() // the end of ctx may be told even now
	defer w.mu.Unlock()
	return w.err
}

// next waits for a folder to read. It reports false when all are read or the
// walk failed.
func (w *walker) next() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && len(w.stack) == 0 && w.busy > 0 {
		w.cond.Wait()
	}
	if w.err != nil || len(w.stack) == 0 {
		return "", false
	}
	last := len(w.stack) - 1
	dir := w.stack[last]
	w.stack = w.stack[:last]
	w.busy++
	return dir, true
}

func (w *walker) done() {
	w.mu.Lock()
	w.busy--
	w.mu.Unlock()
	w.cond.Broadcast()
}

// folder reads one folder. Its error is yield's; the folder's own troubles are
// counted.
func (w *walker) folder(dir string, files []File) error {
	name := dir
	if name == "" {
		name = "."
	}
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		// Gone since its parent was read: what was below it is gone too.
		if dir != "" && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		w.unreadable(dir)
		return nil
	}
	defer f.Close()
	w.out.Lock()
	w.res.Folders++
	w.out.Unlock()
	for {
		names, err := f.Readdirnames(chunk)
		if len(names) > 0 {
			if err := w.names(f, dir, names, files[:0]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			w.unreadable(dir)
			return nil
		}
	}
}

func (w *walker) unreadable(path string) {
	w.out.Lock()
	defer w.out.Unlock()
	w.res.Skips.Add(Unreadable, path)
	w.res.Unknown = append(w.res.Unknown, path)
}

// names looks at some names of a folder and passes on what they are.
func (w *walker) names(f *os.File, dir string, names []string, files []File) error {
	var (
		dirs  []string
		links []rawLink
		skips Skips
		bytes int64
		lost  []string
	)
	prefix := dir
	if prefix != "" {
		prefix += "/"
	}
	for _, name := range names {
		path := prefix + name
		if len(path) > mirror.MaxPath {
			skips.Add(TooLong, path[:mirror.MaxName]+"...")
			continue
		}
		st, err := statAt(f, name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				lost = append(lost, path)
			}
			continue
		}
		if why := leftOut(path, name, st, w.exclude); why != "" {
			skips.Add(why, path)
			continue
		}
		switch {
		case st.mode.IsDir():
			dirs = append(dirs, path)
		case st.mode.IsRegular():
			files = append(files, File{Path: path, Size: st.size, MTime: st.mtime, CTime: st.ctime, Precision: 1})
			bytes += st.size
		default: // leftOut lets no other kind pass
			target, err := w.root.Readlink(path)
			if err != nil {
				skips.Add(Unreadable, path)
				continue
			}
			links = append(links, rawLink{path, target})
		}
	}
	if len(dirs) > 0 {
		w.push(dirs...)
	}
	w.out.Lock()
	defer w.out.Unlock()
	w.res.Files += int64(len(files))
	w.res.Bytes += bytes
	w.links = append(w.links, links...)
	w.res.Skips.merge(skips)
	for _, p := range lost {
		w.res.Skips.Add(Unreadable, p)
		w.res.Unknown = append(w.res.Unknown, p)
	}
	if len(files) == 0 {
		return nil
	}
	return w.yield(files)
}

// leftOut says why a name of the tree is neither indexed nor entered.
func leftOut(path, name string, st stat, exclude *Globs) Reason {
	dir := st.mode.IsDir()
	switch {
	case dir && name == partialFolder, !dir && rsyncTemporary(name):
		return Temporary
	case exclude.Match(path, dir):
		return Excluded
	case st.mode&fs.ModeSymlink != 0:
		return ""
	case dir && st.mode&0o005 != 0o005, st.mode.IsRegular() && st.mode&0o004 == 0:
		return Closed
	case !dir && !st.mode.IsRegular():
		return Special
	}
	return ""
}

// absRoot gives root's absolute path, as written and with links resolved: an
// absolute symlink that begins with either stays inside the tree.
func absRoot(root string) []string {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil
	}
	dirs := []string{strings.TrimSuffix(abs, "/")}
	if real, err := filepath.EvalSymlinks(abs); err == nil && real != abs {
		dirs = append(dirs, strings.TrimSuffix(real, "/"))
	}
	return dirs
}

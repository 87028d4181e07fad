package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// Folder is what is in a folder.
type Folder struct {
	Entries []autoindex.Entry // in no particular order
	ModTime time.Time         // of the folder itself
	// Index is the name of a file that stands for the folder; "" there is none.
	Index string
	// Cut says that there was more than is ever read.
	Cut bool
}

// most is how many entries of a folder are read: what is beyond that is no folder
// to be listed, but should not take all memory either.
const most = 1 << 20

// chunk is how many entries are read before the context is looked at again.
const chunk = 1024

// Read reads a folder, by its path below the root. What cannot be looked at is
// left out, as is what is neither a file nor a folder. Errors: fs.ErrNotExist for
// what is no folder, or hidden, or not to be reached by the rule for links;
// ErrClosed; fs.ErrPermission where this process may not read it.
func (t *Tree) Read(ctx context.Context, folder string) (*Folder, error) {
	f, err := t.files()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := t.reach(f, folder); err != nil {
		return nil, err
	}
	opened, err := f.open(folder)
	if err != nil {
		return nil, t.found(err)
	}
	defer opened.Close()
	dir, ok := opened.(fs.ReadDirFile)
	if !ok { // of a file system that cannot list
		return nil, &fs.PathError{Op: "list", Path: folder, Err: errors.ErrUnsupported}
	}
	info, err := dir.Stat()
	if err != nil {
		return nil, err
	}
	found := &Folder{ModTime: info.ModTime()}
	for !found.Cut {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list, err := dir.ReadDir(chunk)
		for _, d := range list {
			t.add(f, folder, d, found)
		}
		if errors.Is(err, io.EOF) || err == nil && len(list) == 0 {
			break
		} else if err != nil {
			return nil, err
		}
		found.Cut = len(found.Entries) >= most
	}
	return found, nil
}

// IsFolder reports whether there is a folder that Read would read.
func (t *Tree) IsFolder(folder string) bool {
	f, err := t.files()
	if err != nil {
		return false
	}
	defer f.Close()
	return t.reach(f, folder) == nil
}

// reach goes down to a folder, and says why it cannot be listed.
func (t *Tree) reach(f files, folder string) error {
	if folder != "" && t.hides(folder) {
		return fs.ErrNotExist
	}
	for i := 0; i <= len(folder); i++ {
		if i < len(folder) && folder[i] != '/' || i == 0 && folder != "" {
			continue
		}
		last := i == len(folder)
		if t.Open && t.Links == Follow && !last { // nothing to be asked on the way
			continue
		}
		if err := t.enter(f, folder[:i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) enter(f files, folder string) error {
	if t.Links == Hide && t.FS == nil && folder != "" {
		info, err := f.lstat(folder)
		if err != nil {
			return t.found(err)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return fs.ErrNotExist
		}
	}
	info, err := f.stat(folder)
	switch {
	case err != nil:
		return t.found(err)
	case !info.IsDir():
		return fs.ErrNotExist
	case folder != "" && (t.closed(info) || t.intoClosed(f, folder)):
		return ErrClosed
	}
	return nil
}

// intoClosed reports whether a path is a link to what is below a closed folder
// of the tree: a link that is put up before the release that it leads to.
func (t *Tree) intoClosed(f files, path string) bool {
	if t.Open || t.FS != nil {
		return false
	}
	if own, err := f.lstat(path); err != nil || own.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	root, err := filepath.EvalSymlinks(t.Root)
	if err != nil {
		return true
	}
	target, err := filepath.EvalSymlinks(filepath.Join(t.Root, filepath.FromSlash(path)))
	if err != nil {
		return true
	}
	for above := filepath.Dir(target); len(above) > len(root) && strings.HasPrefix(above, strings.TrimRight(root, "/")+"/"); above = filepath.Dir(above) {
		if info, err := os.Stat(above); err != nil || t.closed(info) {
			return true
		}
	}
	return false
}

// found makes fs.ErrNotExist of all errors that say that nothing can be where a
// path leads: what clients make up is no failure of the server.
func (t *Tree) found(err error) error {
	no, kernel := errors.AsType[syscall.Errno](err)
	switch {
	case kernel && slices.Contains([]syscall.Errno{syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EINVAL}, no),
		errors.Is(err, fs.ErrInvalid),
		!kernel && t.FS == nil && t.Links != Follow: // os.Root has no error of its own for what leads out of it
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// add adds an entry, if it is to be shown.
func (t *Tree) add(f files, folder string, d fs.DirEntry, to *Folder) {
	name := d.Name()
	path := name
	if folder != "" {
		path = folder + "/" + name
	}
	own, err := d.Info()
	if err != nil || strings.ContainsAny(name, "/\x00") {
		return
	}
	e, ok := t.entry(f, path, name, own)
	if !ok || t.hides(path) {
		return
	}
	if !e.Dir && slices.Contains(t.Indexes, name) && (to.Index == "" || slices.Index(t.Indexes, name) < slices.Index(t.Indexes, to.Index)) {
		to.Index = name
	}
	if t.Ignored == nil || !t.Ignored(name) {
		to.Entries = append(to.Entries, e)
	}
}

// entry looks at what own is about; false if it is not to be shown.
func (t *Tree) entry(f files, path, name string, own fs.FileInfo) (e autoindex.Entry, ok bool) {
	info := own
	e = autoindex.New(name, false)
	if own.Mode()&fs.ModeSymlink != 0 {
		if t.Links == Hide && t.FS == nil {
			return e, false
		}
		var err error
		if info, err = f.stat(path); err != nil { // it leads nowhere, or out
			return e, false
		}
		e.Symlink = true
		if t.Reveal {
			e.SymlinkTarget, _ = f.readlink(path)
		}
	}
	if !info.Mode().IsRegular() && !info.IsDir() || t.closed(info) || e.Symlink && t.intoClosed(f, path) {
		return e, false
	}
	e.Dir, e.Size, e.ModTime, e.Mode = info.IsDir(), info.Size(), info.ModTime(), own.Mode()
	return e, true
}

func (t *Tree) hides(path string) bool { return t.Hidden != nil && t.Hidden(path) }

// closed reports whether others may not read a file, or not read and enter a
// folder: a release that is staged.
func (t *Tree) closed(info fs.FileInfo) bool {
	need := fs.FileMode(0o004)
	if info.IsDir() {
		need = 0o005
	}
	return !t.Open && t.FS == nil && info.Mode()&need != need
}

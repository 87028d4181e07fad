// Package disk reads folders for listings from a local tree: what is shown of
// it, whom links may lead where, and what others may not read.
package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Links is what becomes of symbolic links.
type Links uint8

const (
	// Follow shows them as what they lead to, wherever it is, as Apache and Caddy
	// do.
	Follow Links = iota
	// Inside does so if that is below the root. A link with an absolute target
	// counts as leading out.
	Inside
	// Hide acts as if there were none.
	Hide
)

// Tree is a local tree to be listed. It is not changed after its first use.
type Tree struct {
	Root string // folder on disk
	// FS is used instead of the disk, where it is not nil. Root is a path in it
	// then, and Links does not apply.
	FS fs.FS

	Links Links
	// Reveal tells the targets of links.
	Reveal bool
	// Open shows also what others may not read.
	Open bool
	// Hidden reports what is to be hidden, by its path below the root. nil: nothing.
	Hidden func(path string) bool
	// Ignored reports which names are left out of listings. nil: none.
	Ignored func(name string) bool
	// Indexes are the names of files that stand for their folder.
	Indexes []string
}

// ErrClosed says that there is a folder that others may not read or enter.
var ErrClosed = errors.New("others may not read it")

// files is a tree as it is reached; "" is the root.
type files interface {
	open(path string) (fs.File, error)
	stat(path string) (fs.FileInfo, error)
	lstat(path string) (fs.FileInfo, error)
	readlink(path string) (string, error)
	io.Closer
}

func (t *Tree) files() (files, error) {
	switch {
	case t.FS != nil:
		return foreign{t.FS, filepath.ToSlash(t.Root)}, nil
	case t.Links == Follow:
		return plain(strings.TrimRight(filepath.Clean(t.Root), "/") + "/"), nil
	}
	root, err := os.OpenRoot(t.Root)
	if err != nil {
		return nil, t.found(err)
	}
	return confined{root}, nil
}

// plain is a folder on disk; it ends in a slash.
type plain string

func (p plain) at(path string) string { return string(p) + filepath.FromSlash(path) }

func (p plain) open(path string) (fs.File, error) {
	f, err := os.Open(p.at(path))
	if err != nil {
		return nil, err // not a nil *os.File in an interface
	}
	return f, nil
}
func (p plain) stat(path string) (fs.FileInfo, error)  { return os.Stat(p.at(path)) }
func (p plain) lstat(path string) (fs.FileInfo, error) { return os.Lstat(p.at(path)) }
func (p plain) readlink(path string) (string, error)   { return os.Readlink(p.at(path)) }
func (plain) Close() error                             { return nil }

// confined is a folder on disk that nothing leads out of.
type confined struct{ *os.Root }

func here(path string) string {
	if path == "" {
		return "."
	}
	return filepath.FromSlash(path)
}

func (c confined) open(path string) (fs.File, error) {
	f, err := c.Open(here(path))
	if err != nil {
		return nil, err
	}
	return f, nil
}
func (c confined) stat(path string) (fs.FileInfo, error)  { return c.Stat(here(path)) }
func (c confined) lstat(path string) (fs.FileInfo, error) { return c.Lstat(here(path)) }
func (c confined) readlink(path string) (string, error)   { return c.Readlink(here(path)) }

// foreign is a folder in a file system of Caddy's configuration.
type foreign struct {
	fs.FS

	root string
}

func (f foreign) at(path string) string {
	return strings.TrimPrefix(filepath.ToSlash(filepath.Join("/", f.root, path)), "/")
}

func (f foreign) name(path string) string {
	if p := f.at(path); p != "" {
		return p
	}
	return "."
}

func (f foreign) open(path string) (fs.File, error)      { return f.Open(f.name(path)) }
func (f foreign) stat(path string) (fs.FileInfo, error)  { return fs.Stat(f.FS, f.name(path)) }
func (f foreign) lstat(path string) (fs.FileInfo, error) { return fs.Lstat(f.FS, f.name(path)) }
func (f foreign) readlink(path string) (string, error)   { return fs.ReadLink(f.FS, f.name(path)) }
func (foreign) Close() error                             { return nil }

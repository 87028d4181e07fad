package autoindex

import (
	"io/fs"
	"time"
)

// Entry is a file or folder of a listing.
type Entry struct {
	// Name is the last element of the path: bytes, any but NUL and "/", not
	// necessarily UTF-8. Folders have no trailing slash here.
	Name string
	// Folder is where the entry is, relative to the listed folder, with a slash
	// at its end and none at its beginning; "" for the listed folder itself. Only
	// the results of a search have one.
	Folder string

	Dir bool
	// Size is a file's size in bytes, for a symbolic link that of its target.
	// -1: unknown. For folders it is what the file system says, which only the
	// JSON shows, as Caddy does.
	Size int64
	// ModTime is shown to the second or minute; the zero value: unknown.
	ModTime time.Time
	// Mode is the type and the permission bits of the entry itself, of a
	// symbolic link those of the link. 0: unknown.
	Mode fs.FileMode
	// Symlink says that the entry is a symbolic link; Dir and Size are about its
	// target. SymlinkTarget is what the link says, where that is to be shown.
	Symlink       bool
	SymlinkTarget string

	// Indexed says that the index has this file in this version; the fields below
	// but Description are known only then, and for folders.
	Indexed bool
	// Mirrors is how many mirrors hold the file now. -1: unknown, because the
	// database is away or there is none. Of no meaning for folders.
	Mirrors int
	// Files and Bytes are how many files a folder has below it, in all depths, and
	// their size in bytes. -1: unknown. Of no meaning for files.
	Files, Bytes int64
	// SHA256 is a file's digest; the zero value: none is known.
	SHA256 [32]byte
	// Documents are the ways of asking about the file that have an answer.
	Documents Documents
	// Description is text, without markup.
	Description string
}

// New gives an entry of which nothing is known but what it is called.
func New(name string, dir bool) Entry {
	return Entry{Name: name, Dir: dir, Size: -1, Mirrors: -1, Files: -1, Bytes: -1}
}

// HasSHA256 reports whether a digest is known.
func (e *Entry) HasSHA256() bool { return e.SHA256 != [32]byte{} }

// shownName is the name as it is listed: with its folder, and folders with a
// slash.
func (e *Entry) shownName() string {
	if e.Dir {
		return e.Folder + e.Name + "/"
	}
	return e.Folder + e.Name
}

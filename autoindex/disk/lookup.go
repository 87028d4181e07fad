package disk

import (
	"io"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// Lookup gives the entry of a path as Read would show it, in its folder; false
// where it would not.
func (t *Tree) Lookup(path string) (e autoindex.Entry, ok bool) {
	f, err := t.files()
	if err != nil {
		return e, false
	}
	defer f.Close()
	return t.lookup(f, path)
}

func (t *Tree) lookup(f files, path string) (e autoindex.Entry, ok bool) {
	folder, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		folder, name = path[:i], path[i+1:]
	}
	if name == "" || t.hides(path) || t.reach(f, folder) != nil || t.Ignored != nil && t.ignores(path) {
		return e, false
	}
	own, err := f.lstat(path)
	if err != nil {
		return e, false
	}
	return t.entry(f, path, name, own)
}

// ignores reports whether a part of a path is ignored.
func (t *Tree) ignores(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if t.Ignored(part) {
			return true
		}
	}
	return false
}

// maxInsert is how much of a file is shown around a listing, in bytes.
const maxInsert = 256 << 10

// Insert reads what is to be shown around the listing of a folder: the first of
// the names that is there. Names that end in .html or .htm are markup.
func (t *Tree) Insert(folder string, names []string) (i autoindex.Insert) {
	if len(names) == 0 {
		return i
	}
	f, err := t.files()
	if err != nil {
		return i
	}
	defer f.Close()
	shown := *t
	shown.Ignored = nil // what is around the list need not be in it
	for _, name := range names {
		path := name
		if folder != "" {
			path = folder + "/" + name
		}
		if e, ok := shown.lookup(f, path); !ok || e.Dir {
			continue
		}
		if text, ok := readText(f, path); ok {
			return autoindex.Insert{Text: text, HTML: strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm")}
		}
	}
	return i
}

func readText(f files, path string) (string, bool) {
	file, err := f.open(path)
	if err != nil {
		return "", false
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(file, maxInsert))
	return strings.ToValidUTF8(string(text), "\uFFFD"), err == nil
}

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// planted is a time that all that is made for tests has.
var planted = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// plant makes files that contain their path, folders (with a slash at the end)
// and links ("a -> b"), and gives the folder they are in.
func plant(t testing.TB, list ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, what := range list {
		path, target, link := strings.Cut(what, " -> ")
		at := filepath.Join(root, path)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		switch {
		case link:
			must(t, os.Symlink(target, at))
		case strings.HasSuffix(path, "/"):
			must(t, os.MkdirAll(at, 0o755))
		default:
			must(t, os.WriteFile(at, []byte(path), 0o644))
			must(t, os.Chtimes(at, planted, planted))
		}
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// short is an entry in a word: its folder and name, "/" for folders, "@" for
// links and their target.
func short(e *autoindex.Entry) string {
	s := e.Folder + e.Name
	if e.Dir {
		s += "/"
	}
	if e.Symlink {
		s += "@" + e.SymlinkTarget
	}
	return s
}

func shorts(list []autoindex.Entry) (names []string) {
	for i := range list {
		names = append(names, short(&list[i]))
	}
	slices.Sort(names)
	return names
}

// listed is what a folder's listing has; an error if it has none.
func (t *Tree) listed(test *testing.T, folder string) ([]string, error) {
	test.Helper()
	got, err := t.Read(test.Context(), folder)
	if err != nil {
		return nil, err
	}
	return shorts(got.Entries), nil
}

func lists(t *testing.T, tree *Tree, folder string, want ...string) {
	t.Helper()
	got, err := tree.listed(t, folder)
	if err != nil {
		t.Errorf("%q: %v", folder, err)
	} else if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%q (-want +got):\n%s", folder, d)
	}
	if !tree.IsFolder(folder) {
		t.Errorf("%q is no folder", folder)
	}
}

func missing(t *testing.T, tree *Tree, folder string) {
	t.Helper()
	if got, err := tree.listed(t, folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q: %q %v", folder, got, err)
	}
	if tree.IsFolder(folder) {
		t.Errorf("%q is a folder", folder)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	root := plant(t, "a/b/c", "a/b/.d", "a/file", "top")
	tree := &Tree{Root: root}
	lists(t, tree, "", "a/", "top")
	lists(t, tree, "a", "b/", "file")
	lists(t, tree, "a/b", ".d", "c")
	for _, none := range []string{"top", "no", "no/no", "top/no", "a/file", "a/B", "a/" + strings.Repeat("n", 300), strings.Repeat("n/", 3000) + "n"} {
		missing(t, tree, none)
	}
	info, err := os.Stat(filepath.Join(root, "a"))
	must(t, err)
	got, err := tree.Read(t.Context(), "a")
	must(t, err)
	if !got.ModTime.Equal(info.ModTime()) || got.Cut || got.Index != "" {
		t.Errorf("%+v", got)
	}
	i := slices.IndexFunc(got.Entries, func(e autoindex.Entry) bool { return e.Name == "file" })
	if e := got.Entries[i]; e.Size != int64(len("a/file")) || !e.ModTime.Equal(planted) || e.Mode != 0o644 || e.Mirrors != autoindex.New("", false).Mirrors {
		t.Errorf("%+v", e)
	}
	if i := slices.IndexFunc(got.Entries, func(e autoindex.Entry) bool { return e.Name == "b" }); !got.Entries[i].Mode.IsDir() {
		t.Errorf("%+v", got.Entries[i])
	}
	missing(t, &Tree{Root: filepath.Join(root, "away")}, "")
	missing(t, &Tree{Root: filepath.Join(root, "top")}, "")
	missing(t, &Tree{Root: filepath.Join(root, "away"), Links: Inside}, "")
}

// A folder that takes more than one call to read.
func TestReadLarge(t *testing.T) {
	t.Parallel()
	root, want := t.TempDir(), []string(nil)
	for i := range 2*chunk + 1 {
		name := fmt.Sprintf("f%05d", i)
		must(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
		want = append(want, name)
	}
	lists(t, &Tree{Root: root}, "", want...)
	lists(t, &Tree{Root: root, Links: Inside}, "", want...)
	lists(t, &Tree{Root: ".", FS: os.DirFS(root)}, "", want...)
}

// Names may hold any byte but NUL and the slash.
func TestNamesOfAnyBytes(t *testing.T) {
	t.Parallel()
	names := []string{"\xff\xfe", "a\nb", "back\\slash", "ü", "u\u0308", "%2F", "..a", " ", "\x01\x7f", "<b>", strings.Repeat("n", 255)}
	for c := 1; c < 256; c++ {
		if c != '/' {
			names = append(names, "byte"+string([]byte{byte(c)}))
		}
	}
	slices.Sort(names)
	root := plant(t, names...)
	must(t, os.Mkdir(filepath.Join(root, "d\xff\n"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "d\xff\n", "x\xfe"), nil, 0o644))
	want := append(slices.Clone(names), "d\xff\n/")
	slices.Sort(want)
	for _, links := range []Links{Follow, Inside, Hide} {
		tree := &Tree{Root: root, Links: links}
		lists(t, tree, "", want...)
		lists(t, tree, "d\xff\n", "x\xfe")
		for _, name := range names {
			if e, ok := tree.Lookup(name); !ok || e.Name != name || e.Size != int64(len(name)) {
				t.Errorf("%q: %v %+v", name, ok, e)
			}
		}
	}
}

// linked is a tree with all kinds of links, beside a folder that is not ours.
func linked(t *testing.T) string {
	t.Helper()
	top := plant(t, "out/secret", "in/real/file", "in/real/sub/x", "in/file",
		"in/tofile -> file", "in/todir -> real", "in/tosub -> real/sub", "in/self -> .",
		"in/broken -> nowhere", "in/loop -> loop", "in/around -> ../in/real",
		"in/up -> ..", "in/outdir -> ../out", "in/outfile -> ../out/secret", "in/real/sub/deep -> ../../../out")
	in := filepath.Join(top, "in")
	must(t, os.Symlink(filepath.Join(in, "real"), filepath.Join(in, "absolute")))
	must(t, os.Symlink(filepath.Join(top, "out"), filepath.Join(in, "absout")))
	return in
}

func TestFollowedLinks(t *testing.T) {
	t.Parallel()
	tree := &Tree{Root: linked(t)}
	lists(t, tree, "", "absolute/@", "absout/@", "around/@", "file", "outdir/@", "outfile@", "real/", "self/@", "todir/@", "tofile@", "tosub/@", "up/@")
	lists(t, tree, "absout", "secret")
	lists(t, tree, "todir/sub/deep", "secret")
	missing(t, tree, "broken")
	missing(t, tree, "loop")
	missing(t, tree, "loop/x")
	missing(t, tree, "tofile")
	if e, ok := tree.Lookup("outfile"); !ok || !e.Symlink || e.SymlinkTarget != "" || e.Size != int64(len("out/secret")) || e.Mode&fs.ModeSymlink == 0 {
		t.Errorf("%v %+v", ok, e)
	}
}

// Nothing that is reached by a link out of the root is shown, listed, read or
// found, whatever else is shown.
func TestLinksInside(t *testing.T) {
	t.Parallel()
	for _, open := range []bool{false, true} {
		tree := &Tree{Root: linked(t), Links: Inside, Open: open, Reveal: true}
		lists(t, tree, "", "file", "real/", "self/@.", "todir/@real", "tofile@file", "tosub/@real/sub")
		lists(t, tree, "todir", "file", "sub/")
		lists(t, tree, "todir/sub", "x")
		lists(t, tree, "self/self/tosub", "x")
		for _, out := range []string{
			"up", "up/out", "outdir", "outdir/secret", "outdir/no", "absout", "absout/no", "absolute", "absolute/sub", "around", "around/sub",
			"real/sub/deep", "real/sub/deep/x", "todir/sub/deep", "broken", "loop", "loop/x", "outfile", "outfile/x", "..", "../out", "real/../../out",
		} {
			missing(t, tree, out)
			if e, ok := tree.Lookup(out + "/secret"); ok {
				t.Errorf("%s: found %+v", out, e)
			}
			if i := tree.Insert(out, []string{"secret"}); i.Text != "" {
				t.Errorf("%s: read %q", out, i.Text)
			}
		}
		if i := tree.Insert("", []string{"outfile", "../out/secret"}); i.Text != "" {
			t.Errorf("read %q", i.Text)
		}
	}
}

func TestHiddenLinks(t *testing.T) {
	t.Parallel()
	for _, open := range []bool{false, true} {
		tree := &Tree{Root: linked(t), Links: Hide, Open: open}
		lists(t, tree, "", "file", "real/")
		lists(t, tree, "real/sub", "x")
		for _, link := range []string{"todir", "todir/sub", "tosub", "self", "self/real", "outdir", "absolute", "up", "broken", "loop", "tofile", "real/sub/deep"} {
			missing(t, tree, link)
		}
		for _, link := range []string{"tofile", "todir", "todir/file", "self/file", "outfile", "outdir/secret"} {
			if e, ok := tree.Lookup(link); ok {
				t.Errorf("%s: found %+v", link, e)
			}
		}
		if i := tree.Insert("", []string{"tofile", "file"}); i.Text != "in/file" {
			t.Errorf("read %q", i.Text)
		}
	}
}

// What others may not read is not shown; nor what is in a folder that they may
// not enter.
func TestClosed(t *testing.T) {
	t.Parallel()
	root := plant(t, "staged/deep/x", "unlisted/x", "private", "shared", "link -> private", "tostaged -> staged", "group/x")
	for path, mode := range map[string]fs.FileMode{"staged": 0o750, "unlisted": 0o711, "private": 0o640, "group": 0o754} {
		must(t, os.Chmod(filepath.Join(root, path), mode))
	}
	for _, links := range []Links{Follow, Inside} {
		tree := &Tree{Root: root, Links: links}
		lists(t, tree, "", "shared")
		for _, folder := range []string{"staged", "staged/deep", "unlisted", "tostaged", "tostaged/deep", "group"} {
			if got, err := tree.listed(t, folder); !errors.Is(err, ErrClosed) || tree.IsFolder(folder) {
				t.Errorf("%s: %q %v", folder, got, err)
			}
			if e, ok := tree.Lookup(folder + "/x"); ok {
				t.Errorf("%s: found %+v", folder, e)
			}
		}
		for _, file := range []string{"private", "link", "staged"} {
			if e, ok := tree.Lookup(file); ok {
				t.Errorf("found %+v", e)
			}
		}
		if i := tree.Insert("", []string{"private", "link", "staged/deep/x", "shared"}); i.Text != "shared" {
			t.Errorf("read %q", i.Text)
		}
		tree.Open = true
		lists(t, tree, "", "group/", "link@", "private", "shared", "staged/", "tostaged/@", "unlisted/")
		lists(t, tree, "tostaged/deep", "x")
	}
	// The root is what the operator says, whoever may read it.
	must(t, os.Chmod(root, 0o750))
	lists(t, &Tree{Root: root}, "", "shared")
}

// What is neither a file nor a folder is not shown, and never opened: that of a
// pipe would wait for its other end.
func TestNeitherFileNorFolder(t *testing.T) {
	t.Parallel()
	root := plant(t, "file", "link -> pipe")
	must(t, syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644))
	tree := &Tree{Root: root}
	lists(t, tree, "", "file")
	missing(t, tree, "pipe")
	if i := tree.Insert("", []string{"pipe", "link", "file"}); i.Text != "file" {
		t.Errorf("read %q", i.Text)
	}
}

func TestHiddenIgnoredAndIndexes(t *testing.T) {
	t.Parallel()
	root := plant(t, "d/index.htm", "d/index.html", "d/secret/x", "d/a~", "e/index.html/", "f/index.html -> ../d/index.html", "g/default", "secret/y")
	tree := &Tree{
		Root:    root,
		Hidden:  func(path string) bool { return slices.Contains(strings.Split(path, "/"), "secret") },
		Ignored: func(name string) bool { return strings.HasSuffix(name, "~") || name == "index.htm" },
		Indexes: []string{"index.html", "index.htm"},
	}
	index := func(folder, want string) {
		t.Helper()
		if got, err := tree.Read(t.Context(), folder); err != nil || got.Index != want {
			t.Errorf("%s: %+v %v, want %q", folder, got, err, want)
		}
	}
	lists(t, tree, "", "d/", "e/", "f/", "g/")
	lists(t, tree, "d", "index.html")
	missing(t, tree, "d/secret")
	missing(t, tree, "secret")
	index("d", "index.html") // the first of the names
	index("e", "")           // no file
	index("f", "index.html")
	index("g", "")
	tree.Indexes = []string{"index.htm", "index.html"}
	index("d", "index.htm") // counts, though it is not listed
	tree.Hidden = func(path string) bool { return path == "d/index.htm" }
	index("d", "index.html")
	for path, want := range map[string]bool{"d/a~": false, "d/index.html": true, "d/secret/x": true, "d/index.htm": false, "no": false, "": false, "d/": false} {
		if e, ok := tree.Lookup(path); ok != want {
			t.Errorf("%q: %v %+v", path, ok, e)
		}
	}
}

func TestInsert(t *testing.T) {
	t.Parallel()
	root := plant(t, "d/README", "d/README.html", "d/x.htm", "d/dir.txt/", "README")
	must(t, os.WriteFile(filepath.Join(root, "d", "bytes"), []byte("a\xffb"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "d", "long"), make([]byte, maxInsert+10), 0o644))
	tree := &Tree{Root: root, Ignored: func(name string) bool { return strings.HasPrefix(name, "README") }}
	for _, test := range []struct {
		folder string
		names  []string
		want   autoindex.Insert
	}{
		{"d", []string{"README.html", "README"}, autoindex.Insert{Text: "d/README.html", HTML: true}},
		{"d", []string{"no", "dir.txt", "README"}, autoindex.Insert{Text: "d/README"}},
		{"d", []string{"x.htm"}, autoindex.Insert{Text: "d/x.htm", HTML: true}},
		{"d", []string{"bytes"}, autoindex.Insert{Text: "a\uFFFDb"}},
		{"d", []string{"long"}, autoindex.Insert{Text: string(make([]byte, maxInsert))}},
		{"", []string{"README"}, autoindex.Insert{Text: "README"}},
		{"d", []string{"no"}, autoindex.Insert{}},
		{"no", []string{"README"}, autoindex.Insert{}},
		{"d", nil, autoindex.Insert{}},
	} {
		if got := tree.Insert(test.folder, test.names); got != test.want {
			t.Errorf("%q %q: %.40q %v", test.folder, test.names, got.Text, got.HTML)
		}
	}
}

// A file system of Caddy's configuration: links and closed files are its own
// affair.
func TestForeignFileSystem(t *testing.T) {
	t.Parallel()
	system := fstest.MapFS{
		"pub/a/x":      {Data: []byte("text"), ModTime: planted, Mode: 0o600},
		"pub/top.html": {Data: []byte("<b>")},
		"other":        {},
	}
	for _, root := range []string{"pub", "/pub", "pub/", "./pub", "/../pub"} {
		for _, links := range []Links{Follow, Inside, Hide} {
			tree := &Tree{Root: root, FS: system, Links: links}
			lists(t, tree, "", "a/", "top.html")
			lists(t, tree, "a", "x")
			for _, none := range []string{"no", "top.html", "a/x", "a/\xff"} {
				missing(t, tree, none)
			}
			if e, ok := tree.Lookup("a/x"); !ok || e.Size != 4 || !e.ModTime.Equal(planted) {
				t.Errorf("%v %+v", ok, e)
			}
			if got := tree.Insert("", []string{"top.html"}); got.Text != "<b>" || !got.HTML {
				t.Errorf("%+v", got)
			}
		}
	}
	lists(t, &Tree{Root: "", FS: system}, "", "other", "pub/")
	missing(t, &Tree{Root: "no", FS: system}, "")
	if got, err := (&Tree{Root: "pub", FS: noFolders{system}}).listed(t, ""); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%q %v", got, err)
	}
}

// noFolders cannot read folders.
type noFolders struct{ fs.FS }

func (n noFolders) Open(name string) (fs.File, error) {
	f, err := n.FS.Open(name)
	return struct{ fs.File }{f}, err
}

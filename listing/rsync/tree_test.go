package rsync

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// big is a size beyond 32 bits.
const big = 5<<30 + 7

// oddTree makes a tree of what is hard to list and returns its path.
func oddTree(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	long := strings.Repeat("n", 255)
	files := []string{
		"plain", " leading space", "trailing space ", "two  spaces", "tab\there", "new\nline", "cr\rhere",
		"bell\a", "back\\slash", `esc\#012aped`, `\#`, "not utf-8 \xff\xfe", "ümlaut", "日本語", "a -> b", "-dash", "--delete",
		"*", "?", "[x]", "{a,b}", "$HOME", "`id`", "'quote'", `"dquote"`, "#hash", "%41", "100%", "a&b=c", ".hidden", "~",
		long, "prefix", "prefix-more", "prefix-moreover", "...", "..a",
		"deep/" + strings.Repeat("d/", 60) + "file", "dir *?[x]\\y/file", "dir\nbreak/file",
		strings.Repeat(strings.Repeat("w", 200)+"/", 12) + "file", // more than 255 bytes in common
		strings.Repeat(strings.Repeat("w", 200)+"/", 12) + "gile",
	}
	for _, name := range files {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), name)
	}
	check(t, os.MkdirAll(filepath.Join(dir, "empty folder"), 0o755))
	writeFile(t, filepath.Join(dir, "sparse"), "")
	check(t, os.Truncate(filepath.Join(dir, "sparse"), big))
	writeFile(t, filepath.Join(dir, "two gigabytes"), "")
	check(t, os.Truncate(filepath.Join(dir, "two gigabytes"), 1<<31))
	for i, mode := range []fs.FileMode{0o600, 0o755, 0o444, 0o644 | fs.ModeSetuid, 0o755 | fs.ModeSetgid} {
		name := filepath.Join(dir, "mode"+string(rune('0'+i)))
		writeFile(t, name, "")
		check(t, os.Chmod(name, mode))
	}
	check(t, os.Chmod(filepath.Join(dir, "empty folder"), 0o777|fs.ModeSticky))
	for target, name := range map[string]string{
		"plain": "link", "no/where": "dangling", "deep": "folder link", "/etc/passwd": "absolute",
		"x -> y": "l -> m", "new\nline": "link\nline", "../..": "out", strings.Repeat("t/", 1500) + "t": "long link",
	} {
		check(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	check(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	for name, at := range map[string]time.Time{
		"t-1969": time.Unix(-86400, 0), "t-1969-half": time.Unix(-2, 500_000_000), "t-1901": time.Unix(-1<<31, 0),
		"t-2039": time.Unix(1<<31+5, 7), "t-2100": time.Unix(4102444800, 0), "t-2200": time.Unix(7258118400, 123_456_789),
		"t-ms": time.Unix(1e9, 120_000_000), "t-ns": time.Unix(1e9, 1), "t-0": time.Unix(0, 0), "t-100ns": time.Unix(1e9, 123_456_700),
	} {
		name = filepath.Join(dir, name)
		writeFile(t, name, "")
		check(t, os.Chtimes(name, at, at))
	}
	return dir
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// item is what tests compare of an entry.
type item struct {
	Kind      listing.Kind
	Size      int64 // of files
	MTime     int64
	Precision time.Duration
	Mode      uint32
	Target    string
}

// walk is the truth about a tree, as a listing of the given protocol version
// should tell it. Version 0 stands for the output of the program, which has
// whole seconds.
func walk(t testing.TB, dir string, version int) map[string]item {
	t.Helper()
	items := make(map[string]item)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if rel == "." {
			return nil
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		it := item{Kind: listing.Other, Mode: st.Mode & 0o7777}
		switch st.Mode & syscall.S_IFMT {
		case syscall.S_IFREG:
			it.Kind, it.Size = listing.File, st.Size
		case syscall.S_IFDIR:
			it.Kind = listing.Dir
		case syscall.S_IFLNK:
			it.Kind = listing.Symlink
			it.Target, _ = os.Readlink(path)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sec, nsec := info.ModTime().Unix(), int64(info.ModTime().Nanosecond())
		switch {
		case version >= 31 && nsec != 0:
			it.MTime, it.Precision = sec*1e9+nsec, 1
			for n := nsec; n%10 == 0; n /= 10 {
				it.Precision *= 10
			}
		case version == 0 || version >= 30 || sec >= 0 && sec < 1<<31:
			it.MTime, it.Precision = sec*1e9, time.Second
		}
		items[rel] = it
		return nil
	})
	check(t, err)
	return items
}

// collect lists into a map.
func collect(t testing.TB, l *Lister, sub string) (map[string]item, listing.Summary, error) {
	t.Helper()
	items := make(map[string]item)
	sum, err := l.List(context.Background(), sub, func(e listing.Entry) error {
		if _, ok := items[e.Path]; ok {
			t.Errorf("%q was listed twice", e.Path)
		}
		it := item{Kind: e.Kind, MTime: e.MTime, Precision: e.Precision, Mode: e.Mode, Target: e.Target}
		if e.Kind == listing.File {
			it.Size = e.SizeMin
		}
		if e.SizeMin != e.SizeMax || !e.HasMode || e.ZoneUnknown {
			t.Errorf("%q: %+v is less than rsync tells", e.Path, e)
		}
		items[e.Path] = it
		return nil
	})
	if sum.Entries != len(items) {
		t.Errorf("Summary.Entries = %d, %d were yielded", sum.Entries, len(items))
	}
	return items, sum, err
}

// below picks the items below a folder.
func below(items map[string]item, sub string) map[string]item {
	items = maps.Clone(items)
	maps.DeleteFunc(items, func(path string, _ item) bool { return !strings.HasPrefix(path, sub+"/") })
	return items
}

func newLister(t testing.TB, url string, o listing.Options) *Lister {
	t.Helper()
	l, err := New(url, o)
	check(t, err)
	return l
}

// same compares what was listed with what is there.
func same(t testing.TB, want, got map[string]item) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listing differs (-tree +listed):\n%s", diff)
	}
}

func sortedKeys(items map[string]item) []string { return slices.Sorted(maps.Keys(items)) }

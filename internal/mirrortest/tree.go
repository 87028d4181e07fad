package mirrortest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// OddNames are names of files that careless code gets wrong.
var OddNames = []string{
	"plain.iso",
	"with space.txt",
	" leading and trailing ",
	"per%cent%20.txt",
	"hash#mark",
	"question?mark=1",
	"amp&er<sand>&amp;.iso",
	`quote"and'apostrophe`,
	`back\slash`,
	"semi;colon:and,comma",
	"plus+equals=tilde~",
	"colon:first",
	"latin-1-\xfc\xe9.txt",
	"utf-8-ünï-日本.txt",
	"trailing.dots...",
	"..two-dots",
	".hidden",
	"-dash",
	"[bracket]{brace}",
	"arrow -> target",
	"name with date 2024-01-02 03:04  17",
	strings.Repeat("long", 50),
}

// TreeTime is the modification time that Tree gives its files, plus a minute
// for each; it is old enough for every server to print the year.
var TreeTime = time.Date(2024, 2, 3, 4, 5, 0, 0, time.UTC)

// Tree fills dir with a file for each odd name, in dir itself and in a folder
// with an odd name, sizes from zero to beyond 4 GiB (sparse). It returns what
// is there: size and time of each file by its path.
func Tree(t testing.TB, dir string) map[string]os.FileInfo {
	t.Helper()
	sizes := []int64{0, 1, 972, 973, 1023, 1024, 9999, 10000, 10188, 10240, 1 << 20, 5<<20 + 77, 4<<30 + 1, 12345678901}
	for _, folder := range []string{"", "odd folder %41&#;ü", "a/b/c", strings.Repeat("f", 200)} {
		for i, name := range OddNames {
			File(t, filepath.Join(dir, folder, name), sizes[i%len(sizes)], TreeTime.Add(time.Duration(i)*time.Minute))
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Files(t, dir)
}

// File makes a sparse file and the folders above it.
func File(t testing.TB, name string, size int64, mtime time.Time) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, nil, 0o644)
	}
	if err == nil {
		err = os.Truncate(name, size)
	}
	if err == nil {
		err = os.Chtimes(name, mtime, mtime)
	}
	if err != nil {
		t.Fatalf("making a test tree: %v", err)
	}
}

// Files walks dir and returns its regular files by path.
func Files(t testing.TB, dir string) map[string]os.FileInfo {
	t.Helper()
	files := map[string]os.FileInfo{}
	err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			rel, _ := filepath.Rel(dir, p) // p is below dir
			files[rel] = info
		}
		return err
	})
	if err != nil {
		t.Fatalf("walking the test tree: %v", err)
	}
	return files
}

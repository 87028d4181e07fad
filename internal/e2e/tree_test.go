package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oddNames are names that careless code gets wrong, each a file in the root
// and in a folder of an odd name.
var oddNames = []string{
	"plain.iso", "with space.iso", " both ends ", "per%cent%20.iso", "hash#mark", "question?mark=1", "amp&er<sand>&amp;.iso",
	`quote"and'apostrophe`, `back\slash`, `back\\slash\#012`, "semi;colon:and,comma", "plus+equals=tilde~", "new\nline.iso", "tab\tand\rreturn",
	"latin-1-\xfc\xe9.iso", "half-\xe2\x82", "utf-8-ünï-日本.iso", "trailing.dots...", "..two-dots", ".hidden", "-dash", "--delete",
	"[bracket]{brace}", "arrow -> target", "name with date 2024-01-02 03:04  17", "$(echo dollar)`tick`", "bell\x07escape\x1b[31m", "*", "{http.vars.root}",
	"C:", "@at", "!bang^caret|pipe",
}

var longName = strings.Repeat("n", 251) + ".iso" // 255 bytes, as long as names get

// oddFolder is where the odd names are once more.
const oddFolder = "odd #%41 fold&er\xff"

// aTime is a time that all protocols can tell, and the year of which servers print.
var aTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// put writes a file of the given size whose bytes are its path's and nobody
// else's, in place of what is there.
func put(t testing.TB, root, path string, size int, mtime time.Time) {
	t.Helper()
	putSeed(t, root, path, path, size, mtime)
}

func putSeed(t testing.TB, root, path, seed string, size int, mtime time.Time) {
	t.Helper()
	name := filepath.Join(root, path)
	check(t, os.MkdirAll(filepath.Dir(name), 0o755))
	body := make([]byte, size)
	_, err := rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(body)
	check(t, err)
	replace(t, name, body, mtime)
}

// replace puts a file in place of another as a release does, by rename.
func replace(t testing.TB, name string, body []byte, mtime time.Time) {
	t.Helper()
	tmp := filepath.Join(filepath.Dir(name), ".~new~")
	check(t, os.WriteFile(tmp, body, 0o644))
	check(t, os.Chtimes(tmp, mtime, mtime))
	check(t, os.Rename(tmp, name))
}

// bigSize is more than fits in 32 bits.
const bigSize = 4<<30 + 12345

// sparse makes a file of bigSize bytes that takes no room, with bytes of its
// own near the end.
func sparse(t testing.TB, root, path string, mtime time.Time) {
	t.Helper()
	f, err := os.Create(filepath.Join(root, path))
	check(t, err)
	check(t, f.Truncate(bigSize))
	_, err = f.WriteAt([]byte("the end of "+path), bigSize-100)
	check(t, err)
	check(t, f.Close())
	check(t, os.Chtimes(f.Name(), mtime, mtime))
}

// grow fills a tree with thousands of files and everything that is odd. It
// gives the paths of the files that are to be indexed.
func grow(t testing.TB, root string) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var paths []string
	add := func(path string) {
		put(t, root, path, 1+r.IntN(6000), aTime.Add(time.Duration(len(paths))*time.Minute))
		paths = append(paths, path)
	}
	for i := range 40 {
		for j := range 50 {
			add(fmt.Sprintf("pool/%c/pkg-%02d/file-%d.rpm", 'a'+i%26, i, j))
		}
	}
	for _, folder := range []string{"", oddFolder + "/", "deep/" + strings.Repeat("d/", 40)} {
		for _, name := range oddNames {
			add(folder + name)
		}
	}
	add(longName)
	add(strings.Repeat("f", 255) + "/" + longName)
	put(t, root, "empty.bin", 0, aTime)
	sparse(t, root, "big.iso", aTime)
	sparse(t, root, oddFolder+"/big 2.iso", aTime)
	return append(paths, "empty.bin", "big.iso", oddFolder+"/big 2.iso")
}

// links are symlinks that lead to files of the tree; the target of each.
var links = map[string]string{
	"latest.iso":                 "plain.iso",
	"latest-big.iso":             "big.iso",
	"chain":                      "plain.iso",
	"current/file-1.rpm":         "pool/a/pkg-00/file-1.rpm",
	"current-odd/with space.iso": oddFolder + "/with space.iso",
	"pool/up.iso":                "plain.iso",
}

// growOdd adds what is no plain file: links good and bad, a socket, what is not
// for others to read. It gives the paths that must never be answered.
func growOdd(t testing.TB, root string) (hidden []string) {
	t.Helper()
	link := func(target, path string) {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		check(t, os.Symlink(target, filepath.Join(root, path)))
	}
	link("plain.iso", "latest.iso")
	link("big.iso", "latest-big.iso")
	link("latest.iso", "chain")
	link("pool/a/pkg-00", "current")
	link(oddFolder, "current-odd")
	link("../plain.iso", "pool/up.iso")
	link("..", "out/up") // still inside
	link("../../outside.txt", "out/file")
	link("/etc", "out/etc")
	link("loop-b", "loop-a")
	link("loop-a", "loop-b")
	link("self", "self")
	link("nothing", "dangling")
	check(t, os.WriteFile(filepath.Join(filepath.Dir(root), "outside.txt"), []byte("secret"), 0o644))
	l, err := net.Listen("unix", filepath.Join(root, "s"))
	if err == nil { // the path may be too long for a socket
		t.Cleanup(func() { l.Close() })
	}
	put(t, root, "staged-1.0/image.iso", 5000, aTime)
	put(t, root, "staged-file.iso", 5000, aTime)
	chmod(t, root, "staged-1.0", 0o750)
	chmod(t, root, "staged-file.iso", 0o640)
	put(t, root, ".partial.iso.Xa9Bc3", 5000, aTime)
	put(t, root, "pool/.~tmp~/file", 5000, aTime)
	return []string{"staged-1.0/image.iso", "staged-file.iso", ".partial.iso.Xa9Bc3", "pool/.~tmp~/file", "out/file", "out/etc/passwd", "loop-a", "self", "dangling"}
}

func chmod(t testing.TB, root, path string, mode fs.FileMode) {
	t.Helper()
	check(t, os.Chmod(filepath.Join(root, path), mode))
}

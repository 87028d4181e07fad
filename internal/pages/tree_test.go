package pages

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Files of the tree that pages are looked at for.
const (
	image   = "releases/2.0/example-2.0-amd64.iso" // hashed, with everything there is
	script  = `odd/<img src=x onerror=alert(1)>&lt;"'.iso`
	spaces  = "odd/ with  spaces & a #hash?.iso"
	latin1  = "odd/caf\xe9-\xfc\xff.iso"
	control = "odd/new\nline\tand\x07bell \x1b[31m.iso"
	rtl     = "odd/ملف-نهائي-\u202egpj.iso" // ends in an override of the direction
	alone   = "alone/only-here.iso"         // no mirror has it
)

var long = "odd/" + strings.Repeat("a-very-long-name-", 14) + "end.iso"

// treeTime is when the tree's files were made.
var treeTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// grow fills a tree. What no mirror has is left out.
func grow(t testing.TB, root string) {
	t.Helper()
	put(t, root, image, noise(image, 3<<20+17))
	put(t, root, image+".asc", []byte("-----BEGIN PGP SIGNATURE-----\n\nnot a real one\n-----END PGP SIGNATURE-----\n"))
	for i, name := range []string{
		"releases/2.0/README.html", "releases/2.0/SHA256SUMS", "releases/2.0/example-2.0-arm64.iso", "releases/2.0/example-2.0.10.tar.gz",
		"releases/2.0/example-2.0.9.tar.gz", "releases/2.0/src/example-2.0.10.src.tar.xz", "releases/1.9/example-1.9-amd64.iso",
		script, spaces, latin1, rtl, long, "odd/日本語-ünïcode.iso", control, "odd/[bracket]{brace}%41%.iso",
	} {
		put(t, root, name, noise(name, 1000<<(i%12)))
	}
	put(t, root, "odd/HEADER.txt", []byte("Names that <b>careless</b> pages choke on.\n\n\tAll are files.\n"))
	for i := range 60 {
		put(t, root, fmt.Sprintf("many/part-%d.bin", i+1), noise("part", i))
	}
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o755); err != nil {
		t.Fatalf("making a tree: %v", err)
	}
	put(t, root, "releases/2.0/README.html", []byte("<h2>Example 2.0</h2>\n<p>Read <a href=\"SHA256SUMS\">this</a> first.</p>\n"))
}

// put writes a file; its time is treeTime.
func put(t testing.TB, root, path string, body []byte) {
	t.Helper()
	name := filepath.Join(root, path)
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, body, 0o644)
	}
	if err == nil {
		err = os.Chtimes(name, treeTime, treeTime)
	}
	if err != nil {
		t.Fatalf("making a tree: %v", err)
	}
}

// noise gives bytes that are the name's and nobody else's.
func noise(name string, size int) []byte {
	b := bytes.NewBuffer(make([]byte, 0, size))
	chacha := rand.NewChaCha8(sha256.Sum256([]byte(name)))
	for b.Len() < size {
		n := chacha.Uint64()
		for range min(8, size-b.Len()) {
			b.WriteByte(byte(n))
			n >>= 8
		}
	}
	return b.Bytes()
}

package zsync

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// subject is a file with block sums.
func subject() *mirror.Subject {
	return &mirror.Subject{
		Path: "pub/x 7.iso", Name: "x 7.iso", URL: "https://dl.example.org/pub/x%207.iso",
		Size: 5000, MTime: 1781000000_500000000,
		Digests: &mirror.Digests{
			SHA1:  [20]byte{1, 0xab},
			ZSync: mirror.ZSyncParams{BlockSize: 2048, SeqMatches: 2, RsumBytes: 2, ChecksumBytes: 4},
		},
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	sources := []mirror.Source{
		{URL: "http://a.example/x%207.iso"},
		{URL: "http://b.example/x\nSHA-1: 0"},
		{URL: "relative"},
		{URL: "http://c.example/" + strings.Repeat("x", maxLine-len("URL: http://c.example/"))},
		{URL: "http://d.example/" + strings.Repeat("x", maxLine-len("URL: http://d.example/")+1)},
	}
	got, err := Header(subject(), sources)
	if err != nil {
		t.Fatal(err)
	}
	want := `zsync: 0.6.2
Filename: x 7.iso
MTime: Tue, 09 Jun 2026 10:13:20 +0000
Blocksize: 2048
Length: 5000
Hash-Lengths: 2,2,4
URL: http://a.example/x%207.iso
URL: ` + sources[3].URL + `
SHA-1: 01ab` + strings.Repeat("0", 36) + `

`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderVariants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*mirror.Subject)
		err    error
		has    string
		hasNot string
	}{
		{"without sources the file's own URL", func(*mirror.Subject) {}, nil, "\nURL: https://dl.example.org/pub/x%207.iso\n", ""},
		{"line ends in the name", func(s *mirror.Subject) { s.Name = "a\r\nURL: http://evil/\n\n" }, nil, "\nFilename: a__URL: http:__evil___\n", "\nURL: http://evil"},
		{"name that is not UTF-8", func(s *mirror.Subject) { s.Name = "gr\xf6\xdfe" }, nil, "\nFilename: gr__e\n", ""},
		{"no time", func(s *mirror.Subject) { s.MTime = 0 }, nil, "", "MTime"},
		{"no SHA-1", func(s *mirror.Subject) { s.Digests.SHA1 = [20]byte{} }, nil, "", "SHA-1"},
		{"no digests", func(s *mirror.Subject) { s.Digests = nil }, ErrNoSums, "", ""},
		{"no sums", func(s *mirror.Subject) { s.Digests.ZSync = mirror.ZSyncParams{} }, ErrNoSums, "", ""},
		{"empty file", func(s *mirror.Subject) { s.Size = 0 }, ErrNoSums, "", ""},
		{"odd block size", func(s *mirror.Subject) { s.Digests.ZSync.BlockSize = 3000 }, ErrNoSums, "", ""},
		{"three matches", func(s *mirror.Subject) { s.Digests.ZSync.SeqMatches = 3 }, ErrNoSums, "", ""},
		{"no rolling sum", func(s *mirror.Subject) { s.Digests.ZSync.RsumBytes = 0 }, ErrNoSums, "", ""},
		{"short checksum", func(s *mirror.Subject) { s.Digests.ZSync.ChecksumBytes = 2 }, ErrNoSums, "", ""},
		{"no URL", func(s *mirror.Subject) { s.URL = "/x" }, ErrNoURL, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := subject()
			test.change(s)
			got, err := Header(s, nil)
			if !errors.Is(err, test.err) || (err == nil) != (got != nil) {
				t.Fatalf("got %q, %v", got, err)
			}
			if !strings.Contains(string(got), test.has) || test.hasNot != "" && strings.Contains(string(got), test.hasNot) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// FuzzHeader reads the header as the client does: lines of bounded length, each
// a name and a value, up to the first blank one.
func FuzzHeader(f *testing.F) {
	f.Add("a\r\n\nSHA-1: 0", "http://m.example/\nURL: x", int64(5000), int64(1), 2048)
	f.Fuzz(func(t *testing.T, name, url string, size, mtime int64, block int) {
		s := subject()
		s.Name, s.Size, s.MTime, s.Digests.ZSync.BlockSize = name, size, mtime, block
		got, err := Header(s, []mirror.Source{{URL: url}, {URL: "http://good.example/"}})
		if err != nil {
			return
		}
		head, ok := strings.CutSuffix(string(got), "\n\n")
		if !ok || strings.ContainsAny(head, "\r\x00") {
			t.Fatalf("%q", got)
		}
		fields := map[string][]string{}
		for line := range strings.SplitSeq(head, "\n") {
			key, value, ok := strings.Cut(line, ": ")
			if !ok || len(line) > maxLine {
				t.Fatalf("line %q of %q", line, got)
			}
			fields[key] = append(fields[key], value)
		}
		want := []string{"http://good.example/"}
		if fits(url) {
			want = []string{url, want[0]}
		}
		if diff := cmp.Diff(want, fields["URL"]); diff != "" || fields["Length"][0] != fmt.Sprint(size) || len(fields["Filename"]) != 1 {
			t.Fatalf("%q: %s", got, diff)
		}
	})
}

// TestClient has the real client fetch a file with our header before the block
// sums of zsyncmake. Most of the file is there already, so that it uses both.
func TestClient(t *testing.T) {
	t.Parallel()
	client, maker := mirrortest.Program(t, "zsync"), mirrortest.Program(t, "zsyncmake")
	for _, name := range []string{"x 7.iso", "a\nb.iso", "gr\xf6\xdfe&<.iso"} {
		content := make([]byte, 300_001)
		_, _ = rand.NewChaCha8([32]byte{}).Read(content)
		dir := t.TempDir()
		put(t, dir, "new", content)
		old := bytes.Clone(content)
		old[150_000] ^= 1
		put(t, dir, "old", old)

		run(t, dir, maker, "-e", "-b", "2048", "-u", "new", "-o", "made.zsync", "new")
		made, err := os.ReadFile(filepath.Join(dir, "made.zsync"))
		if err != nil {
			t.Fatal(err)
		}
		head, sums, _ := bytes.Cut(made, []byte("\n\n"))
		s := subject()
		s.Name, s.Size, s.Digests.SHA1 = name, int64(len(content)), sha1.Sum(content)
		z := &s.Digests.ZSync
		_, lengths, _ := strings.Cut(string(head), "Hash-Lengths: ")
		if _, err = fmt.Sscanf(lengths, "%d,%d,%d", &z.SeqMatches, &z.RsumBytes, &z.ChecksumBytes); err != nil {
			t.Fatalf("%v in %q", err, head)
		}

		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		}))
		t.Cleanup(web.Close)
		longest := web.URL + "/" + strings.Repeat("x", maxLine-len("URL: /")-len(web.URL))
		got, err := Header(s, []mirror.Source{{URL: "https://only-https.example/"}, {URL: longest}, {URL: web.URL + "/" + mirror.EscapePath(name)}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "x.zsync", append(got, sums...))
		out := run(t, dir, client, "-i", "old", "-o", "result", "x.zsync")
		if result, err := os.ReadFile(filepath.Join(dir, "result")); err != nil || !bytes.Equal(result, content) {
			t.Errorf("%q: %v\n%s", name, err, out)
		}
	}
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
	return out
}

package metalink

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// write puts a document into a file.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// hostileNames are in the tree, too.
var hostileNames = []string{
	"linux 7.1.iso", `a&b<c>"d"'e'.iso`, "new\nline\r\t.iso", "gr\xf6\xdfe.iso", "größe.iso", "%41#?;.iso", `..\..\evil`, "-->", "]]>",
}

func TestV4FollowsTheSchema(t *testing.T) {
	t.Parallel()
	xmllint := mirrortest.Program(t, "xmllint")
	for _, name := range hostileNames {
		s := sample()
		s.Name = name
		for _, d := range [][]byte{
			AppendV4(nil, s, places(100), full()),
			AppendV4(nil, &mirror.Subject{Name: name}, places(1), &Options{}),
		} {
			p := write(t, "x.meta4", d)
			out, err := exec.CommandContext(t.Context(), xmllint, "--noout", "--relaxng", "testdata/rfc5854.rng", p).CombinedOutput()
			if err != nil {
				t.Errorf("%q: %v\n%s", name, err, out)
			}
		}
	}
	// The schema would notice.
	good := AppendV4(nil, sample(), places(1), full())
	for old, wrong := range map[string]string{
		`priority="1"`: `priority="0"`, `name="linux`: `name="../linux`, "sha-256": "sha256", "2026-06-21T": "2026-06-32T", "<size>": "<size>-",
	} {
		p := write(t, "x.meta4", bytes.ReplaceAll(good, []byte(old), []byte(wrong)))
		if err := exec.CommandContext(t.Context(), xmllint, "--noout", "--relaxng", "testdata/rfc5854.rng", p).Run(); err == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}

// TestAria2 shows documents to aria2, which lists what it read in them.
func TestAria2(t *testing.T) {
	t.Parallel()
	aria2c := mirrortest.Program(t, "aria2c")
	for _, v := range []struct {
		file   string
		append func([]byte, *mirror.Subject, []mirror.Source, *Options) []byte
	}{{"x.meta4", AppendV4}, {"x.metalink", AppendV3}} {
		for _, name := range hostileNames {
			s := sample()
			s.Name = name
			cmd := exec.CommandContext(t.Context(), aria2c, "--no-conf", "-S", write(t, v.file, v.append(nil, s, places(100), full())))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s of %q: %v\n%s", v.file, name, err, out)
			}
			for _, want := range []string{"  1|" + asAria2Says(mirror.SafeName(name)) + "\n", "(1,048,577)\n"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s of %q: no %q in\n%s", v.file, name, want, out)
				}
			}
		}
	}
}

// TestAria2Downloads has aria2 fetch a file by a document that names a server
// with wrong bytes and one that is down before the good one. It can only end well
// if pieces and digests are right.
func TestAria2Downloads(t *testing.T) {
	t.Parallel()
	aria2c := mirrortest.Program(t, "aria2c")
	content := make([]byte, 5<<18+77)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	good := serve(t, "127.0.0.2", content)
	wrong := serve(t, "127.0.0.3", append(bytes.Repeat([]byte{1}, 3<<18), content[3<<18:]...))
	down := serve(t, "127.0.0.4", nil)
	down.Close()
	s := sample()
	s.Size, s.Digests = int64(len(content)), digestsOf(content, 1<<18)
	sources := []mirror.Source{{URL: wrong.URL + "/x"}, {URL: down.URL + "/x"}, {URL: good.URL + "/x"}}
	for name, data := range map[string][]byte{
		"x.meta4":    AppendV4(nil, s, sources, &Options{}),
		"x.metalink": AppendV3(nil, s, sources, &Options{}),
	} {
		p := write(t, name, data)
		cmd := exec.CommandContext(t.Context(), aria2c, "--no-conf", "--max-tries=2", "--retry-wait=0", "--split=3", "--min-split-size=1M", "--dir", filepath.Dir(p), "-M", p)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(filepath.Dir(p), s.Name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: wrong bytes or %v\n%s", name, err, out)
		}
	}
}

// serve is a web server that has one file. Each has an address of its own: aria2
// gives up a whole host when it delivers wrong bytes.
func serve(t *testing.T, address string, content []byte) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	web.Listener.Close()
	web.Listener = l
	web.Start()
	t.Cleanup(web.Close)
	return web
}

func digestsOf(content []byte, length int) *mirror.Digests {
	g := &mirror.Digests{MD5: md5.Sum(content), SHA1: sha1.Sum(content), SHA256: sha256.Sum256(content), SHA512: sha512.Sum512(content)}
	g.Pieces.Length = int64(length)
	for piece := range slices.Chunk(content, length) {
		one, two := sha1.Sum(piece), sha256.Sum256(piece)
		g.Pieces.SHA1 = append(g.Pieces.SHA1, one[:]...)
		g.Pieces.SHA256 = append(g.Pieces.SHA256, two[:]...)
	}
	return g
}

// asAria2Says gives a name as aria2 takes it from an attribute. Its XML library
// is not told to replace references, and then hands out this one unread.
func asAria2Says(name string) string { return strings.ReplaceAll(name, "&", "&#38;") }

package metalink

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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

// asAria2Says gives a name as aria2 takes it from an attribute. Its XML library
// is not told to replace references, and then hands out this one unread.
func asAria2Says(name string) string { return strings.ReplaceAll(name, "&", "&#38;") }

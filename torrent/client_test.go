package torrent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// torrents are files of the names and sizes that might make a client stumble,
// each as a hybrid or of version 1 alone.
func torrents(t *testing.T, hybrid bool) (subjects []*mirror.Subject, files []string) {
	t.Helper()
	for name, size := range map[string]int{
		"x y.iso": 5<<15 + 1, "one byte": 1, "one piece.iso": 32 << 10, `a&b<c>"d"'e'.iso`: 3 << 15, "größe.iso": 70000,
		"gr\xf6\xdfe\n.iso": 70000, `..\..\evil`: 5, "%41#?;.iso": 9 << 15,
	} {
		s := sample(name, size)
		if !hybrid {
			s.Digests.Pieces.Root = [32]byte{}
			s.Digests.Torrent = InfoHashes(name, s.Size, s.Digests)
		}
		data, ok := File(s, places(3), full())
		if !ok {
			t.Fatalf("%q: no torrent", name)
		}
		p := filepath.Join(t.TempDir(), "x.torrent")
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
		subjects, files = append(subjects, s), append(files, p)
	}
	return subjects, files
}

// shows runs a program that prints what it reads in a torrent.
func shows(t *testing.T, want []string, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	name := filepath.Base(program)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
		return
	}
	for _, w := range want {
		if !strings.Contains(string(out), w) {
			t.Errorf("%s: no %q in\n%s", name, w, out)
		}
	}
}

// python gives the Python that has libtorrent: the system's, which need not be
// the first in PATH. Without one the test is skipped, or fails where CI is set.
func python(t *testing.T) string {
	t.Helper()
	const system = "/usr/bin/python3"
	out, err := exec.CommandContext(t.Context(), system, "-c", "import libtorrent").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s with libtorrent (python3-libtorrent) is needed: %v\n%s", system, err, out)
	default:
		t.Skip("python3-libtorrent is not installed")
	}
	return system
}

// TestTransmission reads torrents of version 1 alone: up to its release 3.00,
// which is still packaged, Transmission rejects the empty key in BEP 52's file
// tree and with it every hybrid torrent.
func TestTransmission(t *testing.T) {
	t.Parallel()
	transmission := mirrortest.Program(t, "transmission-show")
	subjects, files := torrents(t, false)
	for i, s := range subjects {
		name := mirror.SafeName(filepath.Base(s.Path))
		shows(t, []string{
			"Name: " + name + "\n",
			fmt.Sprintf("%x", s.Digests.Torrent.V1),
			fmt.Sprintf("Piece Count: %d\n", s.Digests.Pieces.Count()),
			"Piece Size: 32.00 KiB\n",
			"Created by: caddy-mirrorbrain/1.0\n",
			"Tier #1\n  http://one.example/announce\n  udp://two.example:6969\n",
			"Tier #2\n  http://three.example/announce?k=1&l=2\n",
			"  https://mirror0.example.org/pub/x%20y.iso\n",
			"  https://mirror2.example.org/pub/x%20y.iso\n",
		}, transmission, files[i])
	}
}

func TestAria2(t *testing.T) {
	t.Parallel()
	aria2c := mirrortest.Program(t, "aria2c")
	for _, hybrid := range []bool{false, true} {
		subjects, files := torrents(t, hybrid)
		for i, s := range subjects {
			name := mirror.SafeName(filepath.Base(s.Path))
			want := []string{
				fmt.Sprintf("The Number of Pieces: %d\n", s.Digests.Pieces.Count()),
				"Piece Length: 32KiB\n",
				"Name: " + name + "\n",
				"Mode: single\n",
				" http://one.example/announce udp://two.example:6969\n http://three.example/announce?k=1&l=2\n",
				"https://mirror0.example.org/pub/x%20y.iso\n",
				"https://mirror2.example.org/pub/x%20y.iso\n",
			}
			if !hybrid { // before 1.37 it drops the empty key and hashes the rest
				want = append(want, fmt.Sprintf("Info Hash: %x\n", s.Digests.Torrent.V1))
			}
			shows(t, want, aria2c, "--no-conf", "-S", files[i])
		}
	}
}

// TestLibtorrent has the library of qBittorrent and Deluge read the torrents,
// hybrid ones too, and check the content against both of their trees.
func TestLibtorrent(t *testing.T) {
	t.Parallel()
	python := python(t)
	for _, hybrid := range []bool{false, true} {
		for _, flip := range []byte{0, 1} {
			subjects, files := torrents(t, hybrid)
			args, want := []string{"testdata/check.py"}, []string(nil)
			for i, s := range subjects {
				name := mirror.SafeName(filepath.Base(s.Path))
				data := content(int(s.Size))
				data[len(data)-1] ^= flip
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, files[i], dir)
				want = append(want,
					fmt.Sprintf("%d v1 %x\n", i, s.Digests.Torrent.V1), fmt.Sprintf("%d v2 %x\n", i, s.Digests.Torrent.V2),
					fmt.Sprintf("%d name %s\n", i, name), fmt.Sprintf("%d seed https://mirror2.example.org/pub/x%%20y.iso\n", i),
					fmt.Sprintf("%d complete %s\n", i, map[byte]string{0: "True", 1: "False"}[flip]))
			}
			shows(t, want, python, args...)
		}
	}
}

package zsync

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// noise gives n bytes that look random and are always the same.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

// zsyncmake is what the program says of a file: its parameters and the sums.
func zsyncmake(t *testing.T, content []byte) (mirror.ZSyncParams, []byte) {
	t.Helper()
	program, err := exec.LookPath("zsyncmake")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("zsyncmake is not installed (Debian package zsync)")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-e", "-Z", "-u", "file", "-o", file+".zsync", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("zsyncmake: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(file + ".zsync")
	if err != nil {
		t.Fatal(err)
	}
	head, sums, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		t.Fatalf("zsyncmake wrote no header: %q", raw)
	}
	var p mirror.ZSyncParams
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch string(name) {
		case "Blocksize":
			_, err = fmt.Sscanf(string(value), "%d", &p.BlockSize)
		case "Hash-Lengths":
			_, err = fmt.Sscanf(string(value), "%d,%d,%d", &p.SeqMatches, &p.RsumBytes, &p.ChecksumBytes)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return p, sums
}

func TestAgainstProgram(t *testing.T) {
	t.Parallel()
	for _, size := range []int{
		0, 1, 2, 100, 2047, 2048, 2049, 4096, 5000, 65_536, 1_000_000, 3_333_333, 20_000_000,
		largeFile - 1, largeFile,
	} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			content := noise(size)
			params, want := zsyncmake(t, content)
			got := ParamsFor(int64(size))
			if d := cmp.Diff(params, got); d != "" {
				t.Errorf("parameters (-zsyncmake +got):\n%s", d)
			}
			if sums := sumAll(t, got, content); !bytes.Equal(sums, want) {
				t.Errorf("%d bytes of sums differ from the %d of zsyncmake", len(sums), len(want))
			} else if n := SumsSize(int64(size), got); n != int64(len(sums)) {
				t.Errorf("SumsSize %d, are %d", n, len(sums))
			}
		})
	}
}

func sumAll(t *testing.T, p mirror.ZSyncParams, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	s, err := NewSummer(p, &out)
	if err != nil {
		t.Fatal(err)
	}
	// Writes of all lengths, as a reader gives them.
	r := rand.New(rand.NewSource(1))
	for rest := content; len(rest) > 0; {
		n := min(len(rest), 1+r.Intn(10_000))
		if _, err := s.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The examples that MirrorBrain's documentation has for sizes too large for a
// test.
func TestParams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size int64
		want mirror.ZSyncParams
	}{
		{1 << 20, mirror.ZSyncParams{BlockSize: 2048, SeqMatches: 2, RsumBytes: 2, ChecksumBytes: 4}},
		{700 << 20, mirror.ZSyncParams{BlockSize: 4096, SeqMatches: 2, RsumBytes: 3, ChecksumBytes: 5}},
		{4 << 30, mirror.ZSyncParams{BlockSize: 4096, SeqMatches: 2, RsumBytes: 3, ChecksumBytes: 5}},
		{100 << 30, mirror.ZSyncParams{BlockSize: 4096, SeqMatches: 2, RsumBytes: 3, ChecksumBytes: 6}},
	} {
		if d := cmp.Diff(test.want, ParamsFor(test.size)); d != "" {
			t.Errorf("%d (-want +got):\n%s", test.size, d)
		}
	}
}

func TestSummerErrors(t *testing.T) {
	t.Parallel()
	for _, p := range []mirror.ZSyncParams{
		{},
		{BlockSize: 2048, RsumBytes: 5, ChecksumBytes: 4},
		{BlockSize: 2048, RsumBytes: 2, ChecksumBytes: 17},
	} {
		if _, err := NewSummer(p, nil); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
	full := errors.New("full")
	s, err := NewSummer(ParamsFor(1<<30), failing{full})
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		if _, err = s.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	if !errors.Is(err, full) || !errors.Is(s.Close(), full) {
		t.Errorf("a full disk went unnoticed: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzSummer(f *testing.F) {
	f.Add([]byte("abc"), uint8(1))
	f.Add(noise(9000), uint8(7))
	f.Fuzz(func(t *testing.T, content []byte, step uint8) {
		p := ParamsFor(int64(len(content)))
		var want []byte
		for rest := content; len(rest) > 0; {
			block := make([]byte, p.BlockSize)
			rest = rest[copy(block, rest):]
			want = append(want, sumAll(t, p, block)...)
		}
		var out bytes.Buffer
		s, err := NewSummer(p, &out)
		if err != nil {
			t.Fatal(err)
		}
		r := iotest.OneByteReader(bytes.NewReader(content))
		buf := make([]byte, 1+int(step))
		for {
			n, err := r.Read(buf)
			if n == 0 && err != nil {
				break
			}
			if _, err := s.Write(buf[:n]); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Error("sums depend on how the bytes come")
		}
	})
}

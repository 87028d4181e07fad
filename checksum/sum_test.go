package checksum

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/zsync"
)

func noise(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

// slowSum is Sum by the book: everything in memory, one after the other.
func slowSum(t *testing.T, content []byte, least int64) mirror.Digests {
	t.Helper()
	size := int64(len(content))
	d := mirror.Digests{MD5: md5.Sum(content), SHA1: sha1.Sum(content), SHA256: sha256.Sum256(content), SHA512: sha512.Sum512(content)}
	d.Pieces.Length = PieceLength(size, least)
	for piece := range chunks(content, int(d.Pieces.Length)) {
		one, two := sha1.Sum(piece), sha256.Sum256(piece)
		d.Pieces.SHA1 = append(d.Pieces.SHA1, one[:]...)
		d.Pieces.SHA256 = append(d.Pieces.SHA256, two[:]...)
	}
	d.Pieces.Root, d.Pieces.Layer = slowTree(content, int(d.Pieces.Length))
	return d
}

func chunks(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// slowTree builds the whole tree of BEP 52, level by level, from a row of
// leaves that is a power of two long.
func slowTree(content []byte, pieceLength int) (root [32]byte, layer []byte) {
	if len(content) == 0 {
		return root, nil
	}
	var level [][32]byte
	for block := range chunks(content, 16384) {
		level = append(level, sha256.Sum256(block))
	}
	for len(level)&(len(level)-1) != 0 {
		level = append(level, [32]byte{})
	}
	pieces := (len(content) + pieceLength - 1) / pieceLength
	for covers := 16384; len(level) > 1; covers *= 2 {
		if covers == pieceLength && pieces > 1 {
			layer = join32(level[:pieces])
		}
		var up [][32]byte
		for i := 0; i < len(level); i += 2 {
			up = append(up, sha256.Sum256(join32(level[i:i+2])))
		}
		level = up
	}
	return level[0], layer
}

func join32(list [][32]byte) (b []byte) {
	for _, h := range list {
		b = append(b, h[:]...)
	}
	return b
}

func TestSum(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size  int
		least int64
	}{
		{0, 0},
		{1, 0},
		{leafSize - 1, MinPiece},
		{leafSize, MinPiece},
		{leafSize + 1, MinPiece},
		{3 * leafSize, MinPiece},
		{5*leafSize + 7, 32 << 10},
		{7 * leafSize, 0},
		{blockSize - 1, 0},
		{blockSize, 0},
		{blockSize + 1, 0},
		{DefaultPiece * 2, 0},
		{DefaultPiece*4 + leafSize, 0},
		{DefaultPiece*5 + 1, 0},
		{3_000_000, 1 << 20},
		{ringBlocks*blockSize*3 + 12345, 64 << 10},
		{40 << 20, MinPiece}, // pieces of 32 KiB
	} {
		t.Run(fmt.Sprintf("%d bytes, pieces of %d", test.size, test.least), func(t *testing.T) {
			t.Parallel()
			content := noise(test.size)
			want := slowSum(t, content, test.least)
			var sums bytes.Buffer
			got, err := Sum(t.Context(), bytes.NewReader(content), int64(test.size), SumOptions{LeastPiece: test.least, Tree: true, ZSync: &sums})
			if err != nil {
				t.Fatal(err)
			}
			want.ZSync = zsync.ParamsFor(int64(test.size))
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if n := zsync.SumsSize(int64(test.size), want.ZSync); n != int64(sums.Len()) {
				t.Errorf("%d bytes of zsync sums, want %d", sums.Len(), n)
			}
		})
	}
}

// Known vectors. The roots of one block are SHA-256 itself (BEP 52), and those
// of zeroes follow by hand: H(H(block) H(block)), and with a leaf of zero bytes
// where there are three blocks.
func TestVectors(t *testing.T) {
	t.Parallel()
	sum := func(b []byte) mirror.Digests {
		d, err := Sum(t.Context(), iotest.HalfReader(bytes.NewReader(b)), int64(len(b)), SumOptions{Tree: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	abc := sum([]byte("abc"))
	for _, v := range []struct{ name, got, want string }{ // RFC 1321 A.5, FIPS 180 examples
		{"MD5", hex.EncodeToString(abc.MD5[:]), "900150983cd24fb0d6963f7d28e17f72"},
		{"SHA-1", hex.EncodeToString(abc.SHA1[:]), "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"SHA-256", hex.EncodeToString(abc.SHA256[:]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"SHA-512", hex.EncodeToString(abc.SHA512[:]), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{"root", hex.EncodeToString(abc.Pieces.Root[:]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	} {
		if v.got != v.want {
			t.Errorf("%s of abc is %s", v.name, v.got)
		}
	}
	leaf := sha256.Sum256(make([]byte, 16384))
	pair := sha256.Sum256(append(leaf[:], leaf[:]...))
	if got := sum(make([]byte, 2*16384)).Pieces.Root; got != pair {
		t.Errorf("two blocks: %x", got)
	}
	half := sha256.Sum256(append(leaf[:], make([]byte, 32)...))
	if got := sum(make([]byte, 3*16384)).Pieces.Root; got != sha256.Sum256(append(pair[:], half[:]...)) {
		t.Errorf("three blocks: %x", got)
	}
}

// The tree is made only for who wants it: with it torrents are hybrids.
func TestSumWithoutTree(t *testing.T) {
	t.Parallel()
	d, err := Sum(t.Context(), bytes.NewReader(make([]byte, 3<<20)), 3<<20, SumOptions{})
	if err != nil || d.Pieces.Root != [32]byte{} || d.Pieces.Layer != nil || d.Pieces.Count() != 12 {
		t.Errorf("%v %+v", err, d.Pieces)
	}
}

func TestSumErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken disk")
	full := errors.New("database away")
	ended, end := context.WithCancelCause(t.Context())
	end(io.ErrClosedPipe)
	for _, n := range []int{1000, 10 * blockSize} {
		content := noise(n)
		size := int64(n)
		for _, test := range []struct {
			name string
			ctx  context.Context
			r    io.Reader
			size int64
			w    io.Writer
			want error
		}{
			{"short", t.Context(), bytes.NewReader(content), size + 1, nil, ErrSize},
			{"long", t.Context(), bytes.NewReader(content), size - 1, nil, ErrSize},
			{"read error", t.Context(), io.MultiReader(bytes.NewReader(content[:n/2]), iotest.ErrReader(broken)), size, nil, broken},
			{"cancelled", ended, bytes.NewReader(content), size, nil, io.ErrClosedPipe},
			{"sums not written", t.Context(), bytes.NewReader(content), size, failing{full}, full},
		} {
			if _, err := Sum(test.ctx, test.r, test.size, SumOptions{ZSync: test.w}); !errors.Is(err, test.want) {
				t.Errorf("%s, %d bytes: %v", test.name, n, err)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestInfoHashes(t *testing.T) {
	t.Parallel()
	d, err := Sum(t.Context(), bytes.NewReader([]byte("abc")), 3, SumOptions{
		Name: "x.iso", Tree: true,
		InfoHashes: func(name string, size int64, d *mirror.Digests) mirror.InfoHashes {
			if name != "x.iso" || size != 3 || d.Pieces.Count() != 1 || d.Pieces.Root == [32]byte{} {
				t.Errorf("called with %q, %d, %+v", name, size, d)
			}
			return mirror.InfoHashes{V1: [20]byte{1}, V2: [32]byte{2}}
		},
	})
	if err != nil || d.Torrent.V1[0] != 1 || d.Torrent.V2[0] != 2 {
		t.Errorf("%+v, %v", d.Torrent, err)
	}
}

func TestPieceLength(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ size, least, want int64 }{
		{0, 0, 256 << 10},
		{2000 * 256 << 10, 0, 256 << 10},
		{2000*256<<10 + 1, 0, 512 << 10},
		{4 << 30, 0, 4 << 20},
		{200 << 30, 0, 16 << 20},
		{1 << 50, 0, 16 << 20},
		{1, 1, 16 << 10},
		{1, 20_000, 32 << 10},
		{1, 1 << 20, 1 << 20},
		{1, 1 << 40, 16 << 20},
	} {
		if got := PieceLength(test.size, test.least); got != test.want {
			t.Errorf("PieceLength(%d, %d) = %d, want %d", test.size, test.least, got, test.want)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add(uint32(70_000), int64(0), uint16(3))
	f.Add(uint32(600_000), int64(16<<10), uint16(4096))
	f.Fuzz(func(t *testing.T, n uint32, least int64, step uint16) {
		content := noise(int(n % (3 << 20)))
		r := &stepReader{bytes.NewReader(content), 1 + int(step)}
		got, err := Sum(t.Context(), r, int64(len(content)), SumOptions{LeastPiece: least, Tree: true})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(slowSum(t, content, least), got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// stepReader reads at most so many bytes at a time.
type stepReader struct {
	r io.Reader
	n int
}

func (s *stepReader) Read(b []byte) (int, error) { return s.r.Read(b[:min(len(b), s.n)]) }

func BenchmarkSum(b *testing.B) {
	content := noise(64 << 20)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := Sum(b.Context(), bytes.NewReader(content), int64(len(content)), SumOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

package metalink

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const signature = "-----BEGIN PGP SIGNATURE-----\nComment: <&\"> it's signed\n\niQ==\n-----END PGP SIGNATURE-----\n"

// bytesOf gives n bytes that are not zero.
func bytesOf(n int, start byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = start + byte(i%100) + 1
	}
	return b
}

// sample is a file of five pieces of which everything is known.
func sample() *mirror.Subject {
	g := &mirror.Digests{Signature: &mirror.Signature{Suffix: ".asc", Data: []byte(signature)}}
	copy(g.MD5[:], bytesOf(16, 1))
	copy(g.SHA1[:], bytesOf(20, 2))
	copy(g.SHA256[:], bytesOf(32, 3))
	copy(g.SHA512[:], bytesOf(64, 4))
	g.Pieces = mirror.Pieces{Length: 1 << 18, SHA1: bytesOf(5*20, 5), SHA256: bytesOf(5*32, 6)}
	return &mirror.Subject{
		Path: "pub/x/linux 7.1.iso", Name: "linux 7.1.iso",
		URL:  "https://dl.example.org/pub/x/linux%207.1.iso",
		Size: 4<<18 + 1, MTime: 1781000000_500000000, Published: 1782000000_000000000, Digests: g,
	}
}

// places are n sources of all realms, the nearest first.
func places(n int) []mirror.Source {
	list := make([]mirror.Source, n)
	for i := range list {
		s := &list[i]
		s.URL = fmt.Sprintf("https://mirror%d.example.org/pub/x/linux%%207.1.iso", i)
		s.Name = fmt.Sprintf("mirror%d", i)
		s.Country = "de"
		s.Tier = mirror.Tier(i * int(mirror.Tiers) / max(n, 1))
		switch i {
		case n - 2:
			s.Kind = mirror.SourceFallback
		case n - 1:
			s.Kind, s.Country = mirror.SourceOrigin, ""
		}
	}
	return list
}

func full() *Options {
	return &Options{
		Generator: "caddy-mirrorbrain/1.0", PublisherName: "Example & Söhne", PublisherURL: "https://example.org/?a=b&c=d",
		Torrent: "https://dl.example.org/pub/x/linux%207.1.iso.torrent",
		Magnet:  "magnet:?xt=urn:btih:0123&dn=linux%207.1.iso",
	}
}

// parse reads a whole document strictly.
func parse(t testing.TB, data []byte, into any) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(into); err != nil {
		t.Fatalf("reading the document: %v\n%s", err, data)
	}
	if rest := data[dec.InputOffset():]; len(bytes.TrimSpace(rest)) != 0 {
		t.Fatalf("after the document: %q", rest)
	}
}

type typed struct {
	Type  string `xml:"type,attr"`
	Piece *int   `xml:"piece,attr"`
	Text  string `xml:",chardata"`
}

type docPieces struct {
	Length int64   `xml:"length,attr"`
	Type   string  `xml:"type,attr"`
	Hash   []typed `xml:"hash"`
}

// checkHashes compares hash elements with the digests, whichever are there.
func checkHashes(t testing.TB, got []typed, g *mirror.Digests, n names) {
	t.Helper()
	var want []string
	for _, h := range []struct {
		name string
		sum  []byte
	}{{n.sha256, g.SHA256[:]}, {n.sha512, g.SHA512[:]}, {n.sha1, g.SHA1[:]}, {n.md5, g.MD5[:]}} {
		if !bytes.Equal(h.sum, make([]byte, len(h.sum))) {
			want = append(want, fmt.Sprintf("%s %x", h.name, h.sum))
		}
	}
	for i, h := range got {
		if i >= len(want) || h.Type+" "+h.Text != want[i] {
			t.Fatalf("hash %d is %s %s, want %q", i, h.Type, h.Text, want)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d hashes, want %q", len(got), want)
	}
}

// checkPieces compares the only list of pieces.
func checkPieces(t testing.TB, got []docPieces, length int64, name string, sums []byte, width int, numbered bool) {
	t.Helper()
	if len(got) != 1 || got[0].Length != length || got[0].Type != name || len(got[0].Hash) != len(sums)/width {
		t.Fatalf("pieces %+v, want one list of %d %s, %d bytes each", got, len(sums)/width, name, length)
	}
	for i, h := range got[0].Hash {
		if want := fmt.Sprintf("%x", sums[i*width:(i+1)*width]); h.Text != want || numbered != (h.Piece != nil) || numbered && *h.Piece != i {
			t.Fatalf("piece %d is %+v, want %s", i, h, want)
		}
	}
}

package torrent

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// content is n bytes that are always the same.
func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// digestsOf hashes data the slow and obvious way.
func digestsOf(name string, data []byte, length int) *mirror.Digests {
	d := &mirror.Digests{MD5: md5.Sum(data), SHA1: sha1.Sum(data), SHA256: sha256.Sum256(data)}
	d.Pieces.Length = int64(length)
	for at := 0; at < len(data); at += length {
		piece := data[at:min(at+length, len(data))]
		v1, v2 := sha1.Sum(piece), sha256.Sum256(piece)
		d.Pieces.SHA1 = append(d.Pieces.SHA1, v1[:]...)
		d.Pieces.SHA256 = append(d.Pieces.SHA256, v2[:]...)
		if len(data) > length {
			node := merkle(piece, length)
			d.Pieces.Layer = append(d.Pieces.Layer, node[:]...)
		}
	}
	if len(data) > 0 {
		// Up to the power of two that holds all blocks.
		span := blockSize
		for span < len(data) {
			span *= 2
		}
		d.Pieces.Root = merkle(data, span)
	}
	d.Torrent = InfoHashes(name, int64(len(data)), d)
	return d
}

// merkle is the node of BEP 52's tree over span bytes, of which data is there;
// leaves for blocks after the end are zero.
func merkle(data []byte, span int) [32]byte {
	if span == blockSize {
		if len(data) == 0 {
			return [32]byte{}
		}
		return sha256.Sum256(data)
	}
	half := min(span/2, len(data))
	left, right := merkle(data[:half], span/2), merkle(data[half:], span/2)
	return sha256.Sum256(append(left[:], right[:]...))
}

// sample is the file pub/<name> with n bytes of content.
func sample(name string, n int) *mirror.Subject {
	return &mirror.Subject{
		Path: "pub/" + name, Name: "alias.iso",
		URL:  "https://dl.example.org/pub/" + mirror.EscapePath(name),
		Size: int64(n), MTime: 1781000000_500000000, Digests: digestsOf(name, content(n), 32<<10),
	}
}

func places(n int) []mirror.Source {
	list := make([]mirror.Source, n)
	for i := range list {
		list[i].URL = fmt.Sprintf("https://mirror%d.example.org/pub/x%%20y.iso", i)
	}
	return list
}

func full() *Options {
	return &Options{
		Trackers:  [][]string{{"http://one.example/announce", "udp://two.example:6969"}, {""}, {"", "http://three.example/announce?k=1&l=2"}},
		Nodes:     []string{"dht.example.org:6881", "[2001:db8::1]:6881", "without-port", "a:0", ":1", "a:65536"},
		CreatedBy: "caddy-mirrorbrain/1.0",
	}
}

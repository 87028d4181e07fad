package torrent

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestFile(t *testing.T) {
	t.Parallel()
	s := sample("x y.iso", 5<<14+1)
	sources := places(3)
	sources[1].URL = "not absolute"
	data, ok := File(s, sources, full())
	if !ok {
		t.Fatal("no torrent")
	}
	seeds := []any{sources[0].URL, sources[2].URL}
	d, p := s.Digests, &s.Digests.Pieces
	want := map[string]any{
		"announce": "http://one.example/announce",
		"announce-list": []any{
			[]any{"http://one.example/announce", "udp://two.example:6969"},
			[]any{"http://three.example/announce?k=1&l=2"},
		},
		"comment":       "x y.iso",
		"created by":    "caddy-mirrorbrain/1.0",
		"creation date": int64(1781000000),
		"info": map[string]any{
			"file tree":    map[string]any{"x y.iso": map[string]any{"": map[string]any{"length": s.Size, "pieces root": string(p.Root[:])}}},
			"length":       s.Size,
			"md5sum":       fmt.Sprintf("%x", d.MD5),
			"meta version": int64(2),
			"name":         "x y.iso",
			"piece length": int64(32 << 10),
			"pieces":       string(p.SHA1),
			"sha1":         string(d.SHA1[:]),
			"sha256":       string(d.SHA256[:]),
		},
		"nodes":        []any{[]any{"dht.example.org", int64(6881)}, []any{"2001:db8::1", int64(6881)}},
		"piece layers": map[string]any{string(p.Root[:]): string(p.Layer)},
		"sources":      seeds,
		"url-list":     seeds,
	}
	if diff := cmp.Diff(want, any(mustDecode(t, data))); diff != "" {
		t.Error(diff)
	}
	again, _ := File(sample("x y.iso", 5<<14+1), sources, full())
	if !bytes.Equal(data, again) {
		t.Error("the same torrent has other bytes")
	}
}

func TestFileVariants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		size   int
		change func(*mirror.Subject)
		ok, v2 bool
	}{
		{"one byte", 1, nil, true, true},
		{"one piece", 32 << 10, nil, true, true},
		{"a piece and a byte", 32<<10 + 1, nil, true, true},
		{"many pieces", 20 << 15, nil, true, true},
		{"empty", 0, nil, false, false},
		{"nothing known", 5, func(s *mirror.Subject) { s.Digests = nil }, false, false},
		{"no pieces", 5, func(s *mirror.Subject) { s.Digests.Pieces = mirror.Pieces{} }, false, false},
		{"pieces of another size", 5, func(s *mirror.Subject) { s.Size = 1 << 20 }, false, false},
		{"pieces cut off", 5, func(s *mirror.Subject) { s.Digests.Pieces.SHA1 = make([]byte, 19) }, false, false},
		{"no tree", 5 << 15, func(s *mirror.Subject) { s.Digests.Pieces.Root = [32]byte{} }, true, false},
		{"no layer", 5 << 15, func(s *mirror.Subject) { s.Digests.Pieces.Layer = nil }, true, false},
		{"layer of another size", 5 << 15, func(s *mirror.Subject) { s.Digests.Pieces.Layer = make([]byte, 4*32) }, true, false},
		{"pieces of odd length", 5, func(s *mirror.Subject) { s.Digests.Pieces.Length = 48 << 10 }, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sample("a.iso", test.size)
			if test.change != nil {
				test.change(s)
			}
			data, ok := File(s, nil, &Options{})
			hashes := InfoHashes("a.iso", s.Size, s.Digests)
			if ok != test.ok || (hashes.V1 != [20]byte{}) != test.ok || (hashes.V2 != [32]byte{}) != test.v2 {
				t.Fatalf("ok %v, hashes %x", ok, hashes)
			}
			if !ok {
				return
			}
			top := mustDecode(t, data)
			info := top["info"].(map[string]any)
			if _, tree := info["file tree"]; tree != test.v2 {
				t.Errorf("file tree: %v", tree)
			}
			layers, ok := top["piece layers"].(map[string]any)
			if ok != test.v2 || ok && (len(layers) == 1) != (test.size > 32<<10) {
				t.Errorf("piece layers: %v", top["piece layers"])
			}
			if top["announce"] != nil || top["nodes"] != nil || top["created by"] != nil {
				t.Errorf("has what was not given: %v", top)
			}
			if diff := cmp.Diff([]any{s.URL}, top["url-list"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInfoHashes takes the dictionary out of a torrent and hashes it.
func TestInfoHashes(t *testing.T) {
	t.Parallel()
	s := sample("a.iso", 5<<15)
	data, _ := File(s, places(2), full())
	info, ok := Info("a.iso", s.Size, s.Digests)
	if !ok || bytes.Count(data, append([]byte("4:info"), info...)) != 1 {
		t.Fatal("the dictionary is not in the torrent")
	}
	if s.Digests.Torrent != (mirror.InfoHashes{V1: sha1.Sum(info), V2: sha256.Sum256(info)}) {
		t.Errorf("got %x", s.Digests.Torrent)
	}
	other, _ := File(s, nil, &Options{})
	if !bytes.Contains(other, info) {
		t.Error("the dictionary depends on mirrors or trackers")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a\nb.iso": "a_b.iso", "gr\xf6\xdfe": "gr__e", `..\x`: ".._x", "größe": "größe",
	} {
		s := sample(name, 5)
		data, _ := File(s, nil, &Options{})
		info := mustDecode(t, data)["info"].(map[string]any)
		if tree := info["file tree"].(map[string]any); info["name"] != want || tree[want] == nil {
			t.Errorf("%q: name %q, tree %v", name, info["name"], tree)
		}
	}
}

// FuzzFile writes a torrent and reads it back strictly: keys in order, lengths
// right, hashes as announced.
func FuzzFile(f *testing.F) {
	f.Add("pub/a.iso", "https://m.example/a.iso", "udp://t.example:1", "n.example:6881", int64(40000), int64(32<<10), bytes.Repeat([]byte{7}, 64))
	f.Add("", "\x00", "", "", int64(-1), int64(0), []byte(nil))
	f.Fuzz(func(t *testing.T, p, url, tracker, node string, size, length int64, sums []byte) {
		d := &mirror.Digests{Pieces: mirror.Pieces{Length: length, SHA1: sums[:len(sums)/20*20], Layer: sums}}
		copy(d.MD5[:], sums)
		copy(d.Pieces.Root[:], sums)
		s := &mirror.Subject{Path: p, URL: url, Size: size, MTime: length, Digests: d}
		o := &Options{Trackers: [][]string{{tracker}}, Nodes: []string{node}, Comment: tracker, CreatedBy: p}
		data, ok := File(s, []mirror.Source{{URL: url}}, o)
		if !ok {
			return
		}
		top := mustDecode(t, data)
		info, _ := top["info"].(map[string]any)
		if info["length"] != size || info["pieces"] != string(d.Pieces.SHA1) || top["created by"] != any(p) && p != "" {
			t.Fatalf("read back: %v", top)
		}
	})
}

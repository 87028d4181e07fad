package torrent

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestMagnet(t *testing.T) {
	t.Parallel()
	s := sample("x y+ö&<.iso", 40000)
	s.Digests.Torrent = mirror.InfoHashes{V1: [20]byte{1, 0xab}, V2: [32]byte{2, 0xcd}}
	s.Digests.MD5 = [16]byte{3, 0xef}
	got, ok := Magnet(s, places(1), full())
	want := "magnet:?xt=urn:btih:01ab" + strings.Repeat("0", 36) +
		"&xt=urn:btmh:122002cd" + strings.Repeat("0", 60) +
		"&xt=urn:md5:03ef" + strings.Repeat("0", 28) +
		"&dn=x%20y%2B%C3%B6%26%3C.iso&xl=40000" +
		"&tr=http%3A%2F%2Fone.example%2Fannounce&tr=udp%3A%2F%2Ftwo.example%3A6969&tr=http%3A%2F%2Fthree.example%2Fannounce%3Fk%3D1%26l%3D2" +
		"&ws=https%3A%2F%2Fmirror0.example.org%2Fpub%2Fx%2520y.iso" +
		"&xs=https%3A%2F%2Fdl.example.org%2Fpub%2Fx%2520y%2B%25C3%25B6%2526%253C.iso.torrent" +
		"&as=https%3A%2F%2Fdl.example.org%2Fpub%2Fx%2520y%2B%25C3%25B6%2526%253C.iso"
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff)
	}
}

func TestMagnetLeavesOut(t *testing.T) {
	t.Parallel()
	s := &mirror.Subject{Path: "a", Digests: &mirror.Digests{Torrent: mirror.InfoHashes{V2: [32]byte{1}}}}
	got, ok := Magnet(s, []mirror.Source{{URL: "x"}}, &Options{})
	if want := "magnet:?xt=urn:btmh:122001" + strings.Repeat("0", 62) + "&dn=a"; got != want || !ok {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, d := range []*mirror.Digests{nil, {}, {MD5: [16]byte{1}}} {
		s.Digests = d
		if got, ok := Magnet(s, nil, &Options{}); ok {
			t.Errorf("without info hash: %q", got)
		}
	}
}

func FuzzMagnet(f *testing.F) {
	f.Add("pub/a&b=c\r\n\xff.iso", "https://m.example/a?b&c=d", "udp://t.example:1&x=y#", int64(5))
	f.Fuzz(func(t *testing.T, p, u, tracker string, size int64) {
		s := &mirror.Subject{Path: p, URL: u, Size: size, Digests: &mirror.Digests{Torrent: mirror.InfoHashes{V1: [20]byte{1}}}}
		got, _ := Magnet(s, []mirror.Source{{URL: u}}, &Options{Trackers: [][]string{{tracker}}})
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>#`, r) }) {
			t.Fatalf("%q", got)
		}
		query, ok := strings.CutPrefix(got, "magnet:?")
		v, err := url.ParseQuery(query)
		if err != nil || !ok {
			t.Fatalf("%q: %v", got, err)
		}
		want := url.Values{"xt": v["xt"], "dn": {v.Get("dn")}}
		if size > 0 {
			want["xl"] = v["xl"]
		}
		if tracker != "" {
			want["tr"] = []string{tracker}
		}
		if mirror.PlainURL(u) {
			want["ws"], want["xs"], want["as"] = []string{u}, []string{u + ".torrent"}, []string{u}
		}
		if diff := cmp.Diff(want, v); diff != "" {
			t.Fatalf("%q: %s", got, diff)
		}
	})
}

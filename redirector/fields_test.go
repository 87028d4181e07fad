package redirector

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestFields(t *testing.T) {
	t.Parallel()
	escaped := mirror.EscapePath("pub/a b.iso")
	picks := []Pick{
		{BaseURL: "https://a.example/tree/", Country: "de"},
		{BaseURL: "https://b.example/", Trim: len("pub/")},
	}
	location, link := Fields("https://dl.example.org/"+escaped, escaped, picks, nil, 0, Meta4, Related{".torrent", "application/x-bittorrent"})
	if want := "https://a.example/tree/pub/a%20b.iso"; location != want {
		t.Errorf("location %q, want %q", location, want)
	}
	if diff := cmp.Diff([]string{
		`<https://dl.example.org/pub/a%20b.iso.meta4>; rel=describedby; type="application/metalink4+xml"`,
		`<https://dl.example.org/pub/a%20b.iso.torrent>; rel=describedby; type="application/x-bittorrent"`,
		"<https://a.example/tree/pub/a%20b.iso>; rel=duplicate; pri=1; geo=de",
		"<https://b.example/a%20b.iso>; rel=duplicate; pri=2",
	}, link); diff != "" {
		t.Error(diff)
	}
	for i := range picks {
		want := link[2+i][1 : 1+len(picks[i].AppendURL(nil, escaped))]
		if got := string(picks[i].AppendURL(nil, escaped)); got != want {
			t.Errorf("URL %q, want %q", got, want)
		}
	}
	if location, link := Fields("x", "y", nil, nil, 0); location != "" || len(link) != 0 {
		t.Errorf("without picks: %q %q", location, link)
	}
	short := Pick{BaseURL: "https://a/", Trim: 9}
	if got := string(short.AppendURL(nil, "ab")); got != "https://a/" {
		t.Errorf("path shorter than the subtree: %q", got)
	}
}

func TestDigestFields(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("hello"))
	b64 := base64.StdEncoding.EncodeToString(sum[:])
	digest, repr := DigestFields(sum)
	if digest != "SHA-256="+b64 || repr != "sha-256=:"+b64+":" {
		t.Errorf("got %q and %q", digest, repr)
	}
}

// fieldPicks are what a usual redirect has.
func fieldPicks() []Pick {
	picks := make([]Pick, 5)
	for i := range picks {
		picks[i] = Pick{BaseURL: "https://ftp.mirror.example.org/pub/opensuse/", Country: "de"}
	}
	return picks
}

func TestFieldsAllocateTwice(t *testing.T) {
	picks := fieldPicks()
	var location string
	var link []string
	if n := testing.AllocsPerRun(100, func() {
		location, link = Fields("https://dl.example.org/a/b/c.iso", "a/b/c.iso", picks, nil, 0, Meta4)
	}); n > 2 {
		t.Errorf("%v allocations for %q and %d links", n, location, len(link))
	}
	var digest string
	if n := testing.AllocsPerRun(100, func() { digest, _ = DigestFields([32]byte{}) }); n > 1 {
		t.Errorf("%v allocations for %q", n, digest)
	}
}

func BenchmarkFields(b *testing.B) {
	picks := fieldPicks()
	b.ReportAllocs()
	for b.Loop() {
		Fields("https://dl.example.org/distribution/a/b/c.iso", "distribution/a/b/c.iso", picks, nil, 0, Meta4)
	}
}

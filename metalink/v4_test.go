package metalink

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// doc4 is what a reader of version 4 sees.
type doc4 struct {
	XMLName   struct{} `xml:"urn:ietf:params:xml:ns:metalink metalink"`
	Generator string   `xml:"urn:ietf:params:xml:ns:metalink generator"`
	Origin    struct {
		Dynamic bool   `xml:"dynamic,attr"`
		URL     string `xml:",chardata"`
	} `xml:"urn:ietf:params:xml:ns:metalink origin"`
	Published string  `xml:"urn:ietf:params:xml:ns:metalink published"`
	File      []file4 `xml:"urn:ietf:params:xml:ns:metalink file"`
}

type file4 struct {
	Name      string `xml:"name,attr"`
	Publisher []struct {
		Name string `xml:"name,attr"`
		URL  string `xml:"url,attr"`
	} `xml:"urn:ietf:params:xml:ns:metalink publisher"`
	Size      *int64 `xml:"urn:ietf:params:xml:ns:metalink size"`
	Signature []struct {
		Mediatype string `xml:"mediatype,attr"`
		Text      string `xml:",chardata"`
	} `xml:"urn:ietf:params:xml:ns:metalink signature"`
	Hash    []typed     `xml:"urn:ietf:params:xml:ns:metalink hash"`
	Pieces  []docPieces `xml:"urn:ietf:params:xml:ns:metalink pieces"`
	Metaurl []meta4     `xml:"urn:ietf:params:xml:ns:metalink metaurl"`
	URL     []url4      `xml:"urn:ietf:params:xml:ns:metalink url"`
}

type meta4 struct {
	Mediatype string  `xml:"mediatype,attr"`
	Priority  int     `xml:"priority,attr"`
	Name      *string `xml:"name,attr"`
	Text      string  `xml:",chardata"`
}

type url4 struct {
	Location *string `xml:"location,attr"`
	Priority int     `xml:"priority,attr"`
	Text     string  `xml:",chardata"`
}

func read4(t testing.TB, data []byte) (doc4, file4) {
	t.Helper()
	var d doc4
	parse(t, data, &d)
	if len(d.File) != 1 {
		t.Fatalf("%d files", len(d.File))
	}
	return d, d.File[0]
}

func TestV4(t *testing.T) {
	t.Parallel()
	s, o := sample(), full()
	sources := places(8)
	d, f := read4(t, AppendV4(nil, s, sources, o))
	if d.Generator != o.Generator || d.Origin.URL != s.URL+".meta4" || !d.Origin.Dynamic || d.Published != "2026-06-21T00:00:00Z" {
		t.Errorf("head: %+v", d)
	}
	if f.Name != "linux 7.1.iso" || *f.Size != s.Size {
		t.Errorf("name %q, size %d", f.Name, *f.Size)
	}
	if len(f.Publisher) != 1 || f.Publisher[0].Name != o.PublisherName || f.Publisher[0].URL != o.PublisherURL {
		t.Errorf("publisher %+v", f.Publisher)
	}
	if len(f.Signature) != 1 || f.Signature[0].Mediatype != "application/pgp-signature" || f.Signature[0].Text != signature {
		t.Errorf("signature %+v", f.Signature)
	}
	checkHashes(t, f.Hash, s.Digests, namesV4)
	checkPieces(t, f.Pieces, 1<<18, "sha-256", s.Digests.Pieces.SHA256, 32, false)
	if diff := cmp.Diff([]meta4{{"torrent", 1, nil, o.Torrent}, {"torrent", 2, nil, o.Magnet}}, f.Metaurl); diff != "" {
		t.Error(diff)
	}
	for i, u := range f.URL {
		if u.Priority != i+1 || u.Text != sources[i].URL || (u.Location == nil) != (sources[i].Country == "") {
			t.Errorf("url %d: %+v", i, u)
		}
	}
	if len(f.URL) != len(sources) {
		t.Errorf("%d URLs", len(f.URL))
	}
}

func TestV4IsAppendedAndAlwaysTheSame(t *testing.T) {
	t.Parallel()
	one := AppendV4(nil, sample(), places(8), full())
	two := AppendV4([]byte("before"), sample(), places(8), full())
	if !bytes.Equal(two, append([]byte("before"), one...)) {
		t.Error("documents differ")
	}
}

func TestV4LeavesOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*mirror.Subject, *Options)
		absent string
	}{
		{"digests", func(s *mirror.Subject, _ *Options) { s.Digests = nil }, "hash"},
		{"digests that were not computed", func(s *mirror.Subject, _ *Options) { s.Digests.SHA512 = [64]byte{} }, "sha-512"},
		{"signature", func(s *mirror.Subject, _ *Options) { s.Digests.Signature = nil }, "signature"},
		{"binary signature", func(s *mirror.Subject, _ *Options) { s.Digests.Signature.Data = []byte("\x88\x00") }, "signature"},
		{"pieces of another size", func(s *mirror.Subject, _ *Options) { s.Size++; s.Size += 1 << 18 }, "pieces"},
		{"pieces cut off", func(s *mirror.Subject, _ *Options) {
			s.Digests.Pieces.SHA1 = s.Digests.Pieces.SHA1[:99]
			s.Digests.Pieces.SHA256 = nil
		}, "pieces"},
		{"pieces of an empty file", func(s *mirror.Subject, _ *Options) { s.Size, s.Digests.Pieces = 0, mirror.Pieces{} }, "pieces"},
		{"generator", func(_ *mirror.Subject, o *Options) { o.Generator = "" }, "generator"},
		{"publisher", func(_ *mirror.Subject, o *Options) { o.PublisherName = "" }, "publisher"},
		{"publisher's bad URL", func(_ *mirror.Subject, o *Options) { o.PublisherURL = "javascript:alert(1)" }, "javascript"},
		{"torrent", func(_ *mirror.Subject, o *Options) { o.Torrent, o.Magnet = "", "" }, "metaurl"},
		{"what is no magnet", func(_ *mirror.Subject, o *Options) { o.Torrent, o.Magnet = "", "https://x/" }, "metaurl"},
		{"date", func(s *mirror.Subject, _ *Options) { s.Published = 0 }, "published"},
		{"origin", func(s *mirror.Subject, _ *Options) { s.URL = "/relative" }, "origin>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, o := sample(), full()
			test.change(s, o)
			data := AppendV4(nil, s, places(8), o)
			read4(t, data)
			if bytes.Contains(data, []byte(test.absent)) {
				t.Errorf("has %q:\n%s", test.absent, data)
			}
		})
	}
}

func TestV4SHA1PiecesWithoutOthers(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Digests.Pieces.SHA256 = nil
	_, f := read4(t, AppendV4(nil, s, places(1), &Options{}))
	checkPieces(t, f.Pieces, 1<<18, "sha-1", s.Digests.Pieces.SHA1, 20, false)
}

func TestV4Sources(t *testing.T) {
	t.Parallel()
	sources := places(4)
	sources[0].Country = "DE"
	sources[1].URL = "https://a/b\" onload=\"x"
	sources[2].Country = "\"<"
	_, f := read4(t, AppendV4(nil, sample(), sources, &Options{MaxSources: 2}))
	if len(f.URL) != 2 || *f.URL[0].Location != "de" || f.URL[1].Text != sources[2].URL || f.URL[1].Location != nil || f.URL[1].Priority != 2 {
		t.Errorf("got %+v", f.URL)
	}
	data := string(AppendV4(nil, sample(), places(24), &Options{}))
	for _, realm := range []string{
		"network prefix", "autonomous system", "in the client's country", "other countries", "continent", "elsewhere",
		"have everything", "the origin",
	} {
		if strings.Count(data, realm) != 1 {
			t.Errorf("comment %q is there %d times in\n%s", realm, strings.Count(data, realm), data)
		}
	}
}

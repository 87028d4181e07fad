package metalink

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// doc3 is what a reader of version 3 sees.
type doc3 struct {
	XMLName   struct{} `xml:"http://www.metalinker.org/ metalink"`
	Version   string   `xml:"version,attr"`
	Origin    string   `xml:"origin,attr"`
	Generator string   `xml:"generator,attr"`
	Type      string   `xml:"type,attr"`
	Pubdate   string   `xml:"pubdate,attr"`
	Refresh   string   `xml:"refreshdate,attr"`
	Publisher []struct {
		Name string `xml:"http://www.metalinker.org/ name"`
		URL  string `xml:"http://www.metalinker.org/ url"`
	} `xml:"http://www.metalinker.org/ publisher"`
	File []file3 `xml:"http://www.metalinker.org/ files>file"`
}

type file3 struct {
	Name         string          `xml:"name,attr"`
	Timestamp    *int64          `xml:"http://fedorahosted.org/mirrormanager timestamp"`
	Size         *int64          `xml:"http://www.metalinker.org/ size"`
	Verification []verification3 `xml:"http://www.metalinker.org/ verification"`
	Alternates   []struct {
		Alternate []alternate3 `xml:"http://fedorahosted.org/mirrormanager alternate"`
	} `xml:"http://fedorahosted.org/mirrormanager alternates"`
	Resources struct {
		Max int    `xml:"maxconnections,attr"`
		URL []url3 `xml:"http://www.metalinker.org/ url"`
	} `xml:"http://www.metalinker.org/ resources"`
}

type verification3 struct {
	Signature []struct {
		Type string `xml:"type,attr"`
		File string `xml:"file,attr"`
		Text string `xml:",chardata"`
	} `xml:"http://www.metalinker.org/ signature"`
	Hash   []typed     `xml:"http://www.metalinker.org/ hash"`
	Pieces []docPieces `xml:"http://www.metalinker.org/ pieces"`
}

type alternate3 struct {
	Timestamp *int64        `xml:"http://fedorahosted.org/mirrormanager timestamp"`
	Size      int64         `xml:"http://www.metalinker.org/ size"`
	Verify    verification3 `xml:"http://www.metalinker.org/ verification"`
}

type url3 struct {
	Protocol   string `xml:"protocol,attr"`
	Type       string `xml:"type,attr"`
	Location   string `xml:"location,attr"`
	Preference int    `xml:"preference,attr"`
	Text       string `xml:",chardata"`
}

func read3(t testing.TB, data []byte) (doc3, file3) {
	t.Helper()
	var d doc3
	parse(t, data, &d)
	if len(d.File) != 1 {
		t.Fatalf("%d files in\n%s", len(d.File), data)
	}
	return d, d.File[0]
}

func TestV3(t *testing.T) {
	t.Parallel()
	s, o := sample(), full()
	o.MaxConnections = 4
	sources := places(8)
	sources[1].URL = "FTP://ftp.example.org/x"
	data := AppendV3(nil, s, sources, o)
	d, f := read3(t, data)
	date := time.Unix(1782000000, 0).UTC().Format(http.TimeFormat)
	if d.Version != "3.0" || d.Origin != s.URL+".metalink" || d.Type != "dynamic" || d.Generator != o.Generator || d.Pubdate != date || d.Refresh != date {
		t.Errorf("head: %+v", d)
	}
	if len(d.Publisher) != 1 || d.Publisher[0].Name != o.PublisherName || d.Publisher[0].URL != o.PublisherURL {
		t.Errorf("publisher: %+v", d.Publisher)
	}
	if f.Name != s.Name || *f.Size != s.Size || f.Timestamp != nil || bytes.Contains(data, []byte("mm0")) {
		t.Errorf("file: %+v", f)
	}
	v := f.Verification[0]
	if len(v.Signature) != 1 || v.Signature[0].Type != "pgp" || v.Signature[0].File != s.Name+".asc" || v.Signature[0].Text != signature {
		t.Errorf("signature: %+v", v.Signature)
	}
	checkHashes(t, v.Hash, s.Digests, namesV3)
	checkPieces(t, v.Pieces, 1<<18, "sha1", s.Digests.Pieces.SHA1, 20, true)
	if f.Resources.Max != 4 || len(f.Resources.URL) != len(sources)+1 {
		t.Fatalf("resources: %+v", f.Resources)
	}
	for i, src := range sources {
		want := url3{"https", "https", src.Country, 100 - i, src.URL}
		if i == 1 {
			want.Protocol, want.Type = "ftp", "ftp"
		}
		if diff := cmp.Diff(want, f.Resources.URL[i]); diff != "" {
			t.Errorf("url %d: %s", i, diff)
		}
	}
	if diff := cmp.Diff(url3{Type: "bittorrent", Text: o.Torrent}, f.Resources.URL[len(sources)]); diff != "" {
		t.Error(diff)
	}
}

func TestV3ListsAtMostHundred(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 7, 100, 1000} {
		_, f := read3(t, AppendV3(nil, sample(), places(250), &Options{MaxSources: most, Torrent: "https://x/t"}))
		want := 100
		if most == 7 {
			want = 7
		}
		urls := f.Resources.URL
		if len(urls) != want+1 || urls[0].Preference != 100 || urls[want-1].Preference != 101-want || urls[want].Preference != 0 {
			t.Errorf("MaxSources %d: %d URLs, %+v to %+v", most, len(urls), urls[0], urls[len(urls)-1])
		}
	}
}

func TestV3Repomd(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Name = "repomd.xml"
	s.Digests.Signature, s.Digests.Pieces = nil, mirror.Pieces{}
	old := &mirror.Digests{SHA256: [32]byte{1}, SHA1: [20]byte{2}}
	data := AppendV3(nil, s, places(2), &Options{Timestamp: true, MaxConnections: 1, Earlier: []Version{
		{Size: 77, MTime: 1780000000_999999999, Digests: old},
		{Size: 78, MTime: 1, Digests: &mirror.Digests{}},
		{Size: 79},
		{Size: 80, Digests: old},
	}})
	_, f := read3(t, data)
	if f.Timestamp == nil || *f.Timestamp != 1781000000 || f.Name != "repomd.xml" {
		t.Errorf("file: %+v", f)
	}
	checkHashes(t, f.Verification[0].Hash, s.Digests, namesV3)
	if len(f.Alternates) != 1 || len(f.Alternates[0].Alternate) != 2 {
		t.Fatalf("alternates: %+v in\n%s", f.Alternates, data)
	}
	first, last := f.Alternates[0].Alternate[0], f.Alternates[0].Alternate[1]
	if *first.Timestamp != 1780000000 || first.Size != 77 || last.Timestamp != nil || last.Size != 80 {
		t.Errorf("alternates: %+v %+v", first, last)
	}
	checkHashes(t, first.Verify.Hash, old, namesV3)
	// librepo compares names with their prefix.
	for _, want := range []string{
		`xmlns:mm0="http://fedorahosted.org/mirrormanager"`, "<mm0:timestamp>1781000000</mm0:timestamp>",
		"<mm0:alternates>", "<mm0:alternate>",
	} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
}

func TestV3LeavesOut(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Digests = &mirror.Digests{Signature: &mirror.Signature{Suffix: ".sig", Data: []byte{1}}}
	s.Size, s.MTime, s.URL, s.Published = -1, 0, "", 0
	got := string(AppendV3(nil, s, nil, &Options{Timestamp: true, Earlier: []Version{{}}}))
	want := declaration + fmt.Sprintf(`<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0=%q type="dynamic">
  <files>
    <file name="linux 7.1.iso">
      <resources>
      </resources>
    </file>
  </files>
</metalink>
`, mm0)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

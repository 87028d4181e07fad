package metalink

import (
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// FuzzDocuments writes both versions about a hostile file and reads them back
// with another parser: nothing that is put in may change the structure.
func FuzzDocuments(f *testing.F) {
	f.Add("a/../b.iso", "https://m.example/a.iso", "de", []byte(signature), "Publisher", int64(70000), int64(1<<16), []byte("0123456789012345678901234567890123456789"))
	f.Add("<&>\"'\r\n\t\x00\xff\ufffe]]>-->", "https://m/\"><x>", "\"<", []byte("-----BEGIN PGP SIGNATURE-----]]></signature><\x00\xff"), "a\"\n\r&", int64(-1), int64(0), []byte{1})
	f.Fuzz(func(t *testing.T, name, url, country string, sig []byte, publisher string, size, length int64, sums []byte) {
		g := &mirror.Digests{Signature: &mirror.Signature{Suffix: name, Data: sig}}
		copy(g.MD5[:], sums)
		copy(g.SHA256[:], sums)
		g.Pieces = mirror.Pieces{Length: length, SHA1: sums, SHA256: sums}
		s := &mirror.Subject{Path: name, Name: name, URL: url, Size: size, MTime: length, Digests: g, Published: size}
		sources := []mirror.Source{
			{URL: url, Name: name, Place: mirror.Place{Country: country}, Tier: mirror.Tier(len(name))},
			{URL: "https://good.example/", Kind: mirror.SourceFallback},
		}
		want := 1
		if mirror.PlainURL(url) {
			want = 2
		}
		o := &Options{
			Generator: publisher, PublisherName: publisher, PublisherURL: url, Magnet: "magnet:?" + url,
			Timestamp: true, Earlier: []Version{{Size: size, MTime: length, Digests: g}},
		}

		_, f4 := read4(t, AppendV4(nil, s, sources, o))
		if f4.Name != mirror.SafeName(name) || len(f4.URL) != want || f4.URL[want-1].Text != "https://good.example/" || want == 2 && f4.URL[0].Text != url {
			t.Fatalf("version 4: %+v", f4)
		}
		checkHashes(t, f4.Hash, g, namesV4)

		_, f3 := read3(t, AppendV3(nil, s, sources, o))
		if f3.Name != mirror.SafeName(name) || len(f3.Resources.URL) != want || want == 2 && f3.Resources.URL[0].Text != url {
			t.Fatalf("version 3: %+v", f3)
		}
		if (len(f3.Verification) == 1) != (len(f4.Hash)+len(f4.Pieces)+len(f4.Signature) > 0) {
			t.Fatalf("version 3 verifies %+v, version 4 %+v", f3.Verification, f4)
		}
	})
}

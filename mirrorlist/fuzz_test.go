package mirrorlist

import (
	"bufio"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// oddFile is a list in which everything that others can name has odd names.
func oddFile(path, word string, n int64) *File {
	escaped := mirror.EscapePath(path)
	f := &File{
		Subject: &mirror.Subject{
			Path: path, Name: path[strings.LastIndexByte(path, '/')+1:], URL: sampleBase + escaped, Size: n, MTime: n, Published: -n,
			Digests: &mirror.Digests{MD5: [16]byte{byte(n)}, Signature: &mirror.Signature{Suffix: word}},
		},
		Client: &mirror.Client{Place: mirror.Place{Country: word, Continent: word}, ASN: uint32(n)},
		Sources: []mirror.Source{
			{URL: "https://m.example/" + escaped, Name: word, DistanceKm: float64(n), Share: 1 / float64(n), Place: mirror.Place{Country: word, Continent: word}},
			{URL: word, Name: path, Kind: mirror.SourceKind(n % 5), Tier: mirror.Tier(n)},
		},
		Excluded: []Excluded{{word, word, word, path}, {path, path, path, word}},
		Documents: []Document{
			{Kind(word), path, word},
			{KindSignature, "", sampleBase + escaped + ".asc"},
			{KindMagnet, "", "magnet:?dn=" + path},
		},
	}
	if n%7 == 0 {
		f.Client = nil
	}
	return f
}

func addOdd(f *testing.F) {
	f.Helper()
	f.Add("pub/x.iso", "berlin", int64(1<<30))
	f.Add("a b/<script>alert(1)</script>\"'&%#?\r\n\xff\u2028", "javascript:alert(1)", int64(-1))
	f.Add("</title></style>{{.}}<!--", "\x00\u202egpj.exe", int64(7))
	f.Add("\" onclick=x y=\"", "]]>", int64(14))
}

func FuzzPage(f *testing.F) {
	addOdd(f)
	p := newPage(f, page.Theme{})
	f.Fuzz(func(t *testing.T, path, word string, n int64) {
		file := oddFile(path, word, n)
		got := render(t, p, file)
		if !utf8.ValidString(got) {
			t.Fatalf("the page is not UTF-8: %q", got)
		}
		s := look(t, got)
		if name := page.Readable(file.Subject.Name); !strings.Contains(s.text, name) {
			t.Fatalf("%q is not on the page", name)
		}
		for _, l := range s.links {
			if scheme, _, found := strings.Cut(l, ":"); found && strings.Contains(strings.ToLower(scheme), "javascript") {
				t.Fatalf("a link to %q", l)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	addOdd(f)
	f.Fuzz(func(t *testing.T, path, word string, n int64) {
		file := oddFile(path, word, n)
		file.Documents = file.Documents[1:] // of the three kinds one could be another's
		var got, pretty jsonFile
		decode(t, file.AppendJSON(nil, false), &got)
		decode(t, file.AppendJSON(nil, true), &pretty)
		if want := strings.ToValidUTF8(path, "\ufffd"); utf8.ValidString(path) && got.Path != want {
			t.Fatalf("path %q is %q", path, got.Path)
		}
		if got.URL != file.Subject.URL || len(got.Mirrors) != 2 || len(got.Excluded) != 2 || got.Size != n {
			t.Fatalf("got %+v", got)
		}
	})
}

func FuzzText(f *testing.F) {
	addOdd(f)
	f.Fuzz(func(t *testing.T, path, word string, n int64) {
		file := oddFile(path, word, n)
		folder := &Folder{Path: path, URL: sampleBase}
		for _, s := range file.Sources {
			folder.Sources = append(folder.Sources, FolderSource{s, 1 / float64(n)})
		}
		lines := 1
		if wellFormed(word) {
			lines++
		}
		lists := [][]byte{file.AppendText(nil)}
		for _, format := range []Format{FormatText, FormatDNF, FormatAPT, FormatPacman} {
			lists = append(lists, folder.Append(nil, format))
		}
		for _, list := range lists {
			found := 0
			for in := bufio.NewScanner(strings.NewReader(string(list))); in.Scan(); found++ {
				u := strings.TrimPrefix(in.Text(), "Server = ")
				u, _, _ = strings.Cut(u, "\t")
				if p, err := url.Parse(u); err != nil || p.Hostname() == "" || p.User != nil || p.Scheme != "http" && p.Scheme != "https" {
					t.Fatalf("the line %q", in.Text())
				}
			}
			if found != lines || !strings.HasSuffix(string(list), "\n") {
				t.Fatalf("%d lines, want %d: %q", found, lines, list)
			}
		}
		var got []jsonSource
		decode(t, folder.Append(nil, FormatJSON), &got)
		if len(got) == 0 || len(got) > lines {
			t.Fatalf("libzypp's list: %+v", got)
		}
	})
}

package mirrorlist

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestFolderFormats(t *testing.T) {
	t.Parallel()
	f := &Folder{Path: "p", URL: "https://dl.example/p/", Sources: []FolderSource{
		{mirror.Source{URL: "https://a.example/$x/home:/u%2B/p/", Name: "a", Place: mirror.Place{Country: "de", Continent: "eu"}, Tier: mirror.TierCountry, DistanceKm: 3.6, Score: 50, Share: 1. / 3}, 0.98765},
		{mirror.Source{URL: "rsync://bad.example/p/"}, 1},
		{mirror.Source{URL: "https://bad.example/ /"}, 1},
		{mirror.Source{URL: "https://u:p@bad.example/"}, 1},
		{mirror.Source{URL: "https://bad.example/%zz/"}, 1},
		{mirror.Source{URL: "https:///p/"}, 1},
		{mirror.Source{URL: "http://b.example/p/", Name: "b", Tier: mirror.TierWorld, DistanceKm: -1}, 1},
		{mirror.Source{URL: "https://dl.example/p/", Name: "dl.example", Kind: mirror.SourceOrigin, DistanceKm: -1}, 1},
	}}
	const a, b, o = "https://a.example/$x/home:/u%2B/p/", "http://b.example/p/", "https://dl.example/p/"
	for format, want := range map[Format]string{
		FormatText:   a + "\n" + b + "\n" + o + "\n",
		FormatDNF:    a + "\n" + b + "\n" + o + "\n",
		FormatAPT:    a + "\tpriority:1\n" + b + "\tpriority:2\n" + o + "\tpriority:3\n",
		FormatPacman: "Server = https://a.example/%24x/home:/u%2B/p/\nServer = " + b + "\nServer = " + o + "\n",
		FormatJSON: `[{"url":"` + a + `","name":"a","country":"de","continent":"eu","distance_km":4,"realm":"country","weight":50,"share":0.3333,"coverage":0.9877},` +
			`{"url":"` + b + `","name":"b","realm":"world","weight":0,"share":0,"coverage":1}]` + "\n",
	} {
		if got := string(f.Append([]byte("before\n"), format)); got != "before\n"+want {
			t.Errorf("%s: got\n%s, want\n%s", format, got, want)
		}
	}
	f.Sources = f.Sources[len(f.Sources)-1:]
	if got := string(f.Append(nil, FormatJSON)); got != "[]\n" {
		t.Errorf("without mirrors libzypp gets %s", got)
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, f := range append(formats, "") {
		if got, err := ParseFormat(string(f)); err != nil || f != "" && got != f || f == "" && got != FormatJSON {
			t.Errorf("%q: got %q, %v", f, got, err)
		}
	}
	_, err := ParseFormat("XML\r\n" + strings.Repeat("x", 1<<10))
	fe, ok := errors.AsType[*FormatError](err)
	if !ok || !strings.Contains(err.Error(), "json, dnf, apt, pacman, text") || len(err.Error()) > 200 || strings.Contains(err.Error(), "\n") || fe.Format == "" {
		t.Errorf("got %v", err)
	}
	if FormatJSON.ContentType() != TypeJSON || FormatAPT.ContentType() != TypeText {
		t.Error("media types")
	}
}

func TestFileText(t *testing.T) {
	t.Parallel()
	f := sample()
	f.Sources[1].URL = "https://bad.example/\n"
	got := strings.Split(strings.TrimSuffix(string(f.AppendText(nil)), "\n"), "\n")
	if len(got) != len(f.Sources)-1 || got[0] != f.Sources[0].URL {
		t.Errorf("got %q", got)
	}
}

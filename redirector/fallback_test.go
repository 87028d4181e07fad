package redirector

import (
	"slices"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestFallbacks(t *testing.T) {
	t.Parallel()
	fs, err := NewFallbacks([]Fallback{
		{URL: "https://de.example", Country: "DE"},
		{URL: "https://eu.example/", Continent: "eu"},
		{URL: "https://eu2.example/", Continent: "eu", Country: "nl"},
		{URL: "https://all.example/x"},
		{URL: "http://old.example/", Continent: "af"},
		{URL: "https://af.example/", Continent: "af"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		q    Query
		want []string
	}{
		{"country", Query{TLS: true, Client: client("eu", "de")}, []string{"https://de.example/"}},
		{"continent", Query{TLS: true, Client: client("eu", "fr")}, []string{"https://eu.example/", "https://eu2.example/"}},
		{"country before continent", Query{TLS: true, Client: client("eu", "nl")}, []string{"https://eu2.example/"}},
		{"no place", Query{TLS: true, Client: client("na", "us")}, []string{"https://all.example/x/"}},
		{"unknown client", Query{TLS: true}, []string{"https://all.example/x/"}},
		{"never https to http", Query{TLS: true, Client: client("af", "za")}, []string{"https://af.example/"}},
		{"http stays http", Query{Client: client("eu", "de")}, []string{"http://old.example/"}},
		{"http goes to https where it is nearer", Query{Client: client("eu", "de"), HTTPSUpgrade: true}, []string{"https://de.example/"}},
		{"http prefers http", Query{Client: client("af", "za"), HTTPSUpgrade: true}, []string{"http://old.example/"}},
	} {
		seen := map[string]bool{}
		for range 100 {
			f, ok := fs.Choose(&tc.q, nil)
			if !ok || !slices.Contains(tc.want, f.URL) {
				t.Fatalf("%s: %v, %v", tc.name, f, ok)
			}
			seen[f.URL] = true
		}
		if len(seen) != len(tc.want) {
			t.Errorf("%s: only %v of %v", tc.name, seen, tc.want)
		}
	}
	if f, ok := fs[:4].Choose(&Query{}, nil); ok {
		t.Errorf("a client on http was sent to %v", f)
	}
	if f, ok := fs[:1].Choose(&Query{HTTPSUpgrade: true, Client: client("as", "jp")}, nil); !ok || f.Country != "de" {
		t.Errorf("any is better than none: %v", f)
	}
	if _, ok := Fallbacks(nil).Choose(&Query{}, nil); ok {
		t.Error("found one among none")
	}
}

func client(continent, country string) mirror.Client {
	return mirror.Client{Place: mirror.Place{Continent: continent, Country: country}}
}

func TestNewFallbacksRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range []Fallback{{}, {URL: "ftp://x/"}, {URL: "https://x/", Country: "deu"}, {URL: "https://x/", Continent: "europe"}} {
		if _, err := NewFallbacks([]Fallback{f}); err == nil {
			t.Errorf("%+v is accepted", f)
		}
	}
}

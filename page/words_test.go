package page

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func german() *Words {
	w, err := readWords("de", nil)
	if err != nil {
		panic(err)
	}
	return w
}

var verbs = regexp.MustCompile(`%(\[\d\])?[a-z%]`)

// verbsOf lists what a text has a place for, in an order of its own.
func verbsOf(s string) []string {
	return slices.Sorted(slices.Values(verbs.FindAllString(s, -1)))
}

// TestWords compares the languages: each says all that the first says, and
// leaves places for the same things.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, name := range builtIn {
		alone := new(Words) // without English below it
		if _, err := alone.read(wordFiles, "words/"+name); err != nil {
			t.Fatal(err)
		}
		compare(t, name, reflect.ValueOf(*English()), reflect.ValueOf(*alone))
		if len(alone.countries) != len(English().countries) {
			t.Errorf("%s: %d countries", name, len(alone.countries))
		}
	}
}

func compare(t *testing.T, at string, english, other reflect.Value) {
	t.Helper()
	switch english.Kind() {
	case reflect.Struct:
		for i := range english.NumField() {
			if f := english.Type().Field(i); f.IsExported() {
				compare(t, at+"."+f.Name, english.Field(i), other.Field(i))
			}
		}
	case reflect.Map:
		for _, k := range english.MapKeys() {
			if !other.MapIndex(k).IsValid() {
				t.Errorf("%s: nothing for %s", at, k)
				continue
			}
			compare(t, at+"."+k.String(), english.MapIndex(k), other.MapIndex(k))
		}
		if other.Len() != english.Len() {
			t.Errorf("%s: %d for %d", at, other.Len(), english.Len())
		}
	case reflect.String:
		a, b := english.String(), other.String()
		if b == "" || !slices.Equal(verbsOf(a), verbsOf(b)) {
			t.Errorf("%s: %q for %q", at, b, a)
		}
	default:
		t.Errorf("%s is a %s", at, english.Kind())
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 59 * time.Second: "just now", time.Minute: "a minute ago", 119 * time.Minute: "an hour ago", 47 * time.Hour: "a day ago",
		59 * 24 * time.Hour: "59 days ago", 60 * 24 * time.Hour: "2 months ago", 729 * 24 * time.Hour: "24 months ago", 3000 * 365 * time.Hour: "125 years ago",
	} {
		if got := English().AgoOf(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	if got := german().Long(3*time.Hour) + ", " + german().Long(time.Second); got != "3 Stunden, 1 Sekunde" {
		t.Error(got)
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	look, err := Open(Theme{})
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-AT,en;q=0.5": "de", "fr, de;q=0.3": "de", "fr": "en", "en-GB,de": "en", "*": "en", "\x00": "en",
		strings.Repeat("de,", 1000): "en", "de;q=0, en;q=0.1": "en",
	} {
		if got := look.Words(accept).Lang; got != want {
			t.Errorf("%q: got %s, want %s", accept, got, want)
		}
	}
	if _, err := Open(Theme{Languages: []string{"fr"}}); err == nil {
		t.Error("a language that nobody wrote is offered")
	}
	if slices.Collect(maps.Keys(look.Words("de").Countries())) == nil {
		t.Error("no countries")
	}
}

func FuzzAcceptLanguage(f *testing.F) {
	f.Add("de-AT, en;q=0.5")
	f.Add("*;q=1,,;-")
	look, err := Open(Theme{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if look.Words(accept) == nil {
			t.Fatal("no language")
		}
	})
}

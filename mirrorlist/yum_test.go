package mirrorlist

import (
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestYumRule(t *testing.T) {
	t.Parallel()
	rule := strings.Fields(`release=(9|10) repo=os|updates arch=x86_64|aarch64 centos/$1/$2/$3/ repodata/repomd.xml`)
	free := strings.Fields(`path=.* pub/$1 x`)
	for _, tc := range []struct {
		name        string
		rule        []string
		query       string
		dir, marker string // "": no match
	}{
		{"matches", rule, "release=9&repo=os&arch=x86_64", "centos/9/os/x86_64", "centos/9/os/x86_64/repodata/repomd.xml"},
		{"in any order, with others", rule, "cc=de&arch=aarch64&repo=updates&release=10", "centos/10/updates/aarch64", "centos/10/updates/aarch64/repodata/repomd.xml"},
		{"one missing", rule, "release=9&repo=os", "", ""},
		{"the whole value", rule, "release=9&repo=xos&arch=x86_64", "", ""},
		{"the whole value, either branch", rule, "release=9&repo=osx&arch=x86_64", "", ""},
		{"no newline at the end", rule, "release=9%0A&repo=os&arch=x86_64", "", ""},
		{"the first value counts", rule, "release=9&release=..&repo=os&arch=x86_64", "centos/9/os/x86_64", "centos/9/os/x86_64/repodata/repomd.xml"},
		{"the first value is wrong", rule, "release=..&release=9&repo=os&arch=x86_64", "", ""},
		{"nothing", rule, "", "", ""},
		{"folders in a value", free, "path=a/b", "pub/a/b", "pub/a/b/x"},
		{"leads out", free, "path=../..", "", ""},
		{"leads out within", free, "path=a/../../..", "", ""},
		{"absolute", free, "path=/etc", "", ""},
		{"empty", free, "path=", "", ""},
		{"NUL", free, "path=a%00", "", ""},
		{"long", free, "path=" + strings.Repeat("a", 300), "", ""},
		{"not a reference again", free, "path=$1", "pub/$1", "pub/$1/x"},
		{"odd bytes", free, "path=%ff%3C", "pub/\xff<", "pub/\xff</x"},
		{"the root", []string{"a=1", "/", "m"}, "a=1", "", "m"},
		{"a dollar", []string{"a=1", "x$/$y/$1$", "m"}, "a=1", "x$/$y/1$", "x$/$y/1$/m"},
		{"paths before keys", []string{"d", "m", "a=1=2"}, "a=1%3D2", "d", "d/m"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := ParseYumRule(tc.rule)
			if err != nil {
				t.Fatal(err)
			}
			q, _ := url.ParseQuery(tc.query)
			dir, marker, ok := r.Match(q)
			if dir != tc.dir || marker != tc.marker || ok != (tc.marker != "") {
				t.Errorf("got %q, %q, %v", dir, marker, ok)
			}
		})
	}
}

func TestYumRuleErrors(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"":               "needs key=regex",
		"a=1":            "needs key=regex",
		"a=1 d":          "needs key=regex",
		"d m":            "needs key=regex",
		"a=1 d m more":   "needs key=regex",
		"=1 d m":         "no argument's name",
		"a=( d m":        "the expression for a",
		"a=x)|(y d m":    "the expression for a",
		"a=1 $0 m":       "there are arguments $1 to $1",
		"a=1 x/$2 m":     "there are arguments $1 to $1",
		"a=1 ../$1 m":    `the segment ".."`,
		"a=1 d//$1 m":    "an empty segment",
		"a=1 d ../m":     "cannot be a file",
		"a=1 d /":        "cannot be a file",
		"a=1 a=2 d/$3 m": "there are arguments $1 to $2",
	} {
		if _, err := ParseYumRule(strings.Fields(rule)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", rule, err, want)
		}
	}
}

func FuzzYumRule(f *testing.F) {
	f.Add("a=.* b=[0-9]+ x/$1/$2 repodata/repomd.xml", "a=1&b=2")
	f.Add("a=.* $1 m", "a=../../etc")
	f.Fuzz(func(t *testing.T, rule, query string) {
		r, err := ParseYumRule(strings.Fields(rule))
		if err != nil {
			return
		}
		q, _ := url.ParseQuery(query)
		dir, marker, ok := r.Match(q)
		if ok && (mirror.ValidPath(dir) != nil || mirror.ValidPath(marker) != nil || !mirror.Below(marker, dir) || marker == dir) {
			t.Fatalf("%q with %q gives %q, %q", rule, query, dir, marker)
		}
	})
}

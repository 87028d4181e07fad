package mirrorbrain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

const conf = `# sample
[general]
instances = main, nightly,ghost

[main]
dbuser = mb
dbpass: p@ss;w/rd # not a comment
dbdriver = postgresql
dbhost = db.example.org
dbport = 5433  ; the second server
dbname = mb_main
scan_exclude = ^debug/ /\.snapshot/ \.old$ (a|b)
 /\.~tmp~/
scan_exclude_rsync = *.part /private/ a/b .~tmp~/
scan_top_include = ^pub$ (a|b)
zsync_hashes = on
chunked_hashes = false
chunk_size = 4194304
apache_documentroot = /srv/"pub"
Odd_Key = 1

[nightly]
dbhost = /var/run/postgresql
dbname = nightly

[mirrorprobe]
mailto = root@localhost
`

func TestConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mirrorbrain.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"main", "nightly"}, c.Instances); d != "" {
		t.Error(d)
	}
	in, err := c.Instance("")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := in.DatabaseURL(); err != nil || u != "postgres://mb:p%40ss;w%2Frd%20%23%20not%20a%20comment@db.example.org:5433/mb_main" {
		t.Errorf("URL %s, %v", u, err)
	}
	lines, left := in.Settings()
	want := []string{
		"zsync = true",
		`piece_size = "4096KiB"`,
		`root = "/srv/\"pub\""`,
		`scan_exclude = ["/debug/", "**/.snapshot/", "*.old", "*.part", "/private/", "**/a/b"]`,
		`scan_top = ["pub"]`,
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	var parsed struct {
		Exclude []string `toml:"scan_exclude"`
	}
	if err := toml.Unmarshal([]byte(strings.Join(lines, "\n")), &parsed); err != nil {
		t.Error(err)
	} else if _, err := origin.NewGlobs(parsed.Exclude); err != nil {
		t.Error(err)
	}
	all := strings.Join(left, "\n")
	for _, want := range []string{"scan_exclude = (a|b): cannot", "scan_top_include = (a|b): ", "chunked_hashes = false", "odd_key = 1: has no", "[mirrorprobe]"} {
		if !strings.Contains(all, want) {
			t.Errorf("left %q, without %q", all, want)
		}
	}
	if in, err = c.Instance("nightly"); err != nil {
		t.Fatal(err)
	}
	if u, err := in.DatabaseURL(); err != nil || u != "postgres:///nightly?host=%2Fvar%2Frun%2Fpostgresql" {
		t.Errorf("URL %s, %v", u, err)
	}
	if _, err := c.Instance("ghost"); err == nil || !strings.Contains(err.Error(), "only: main, nightly") {
		t.Error(err)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":           "",
		"no section":        "a = b",
		"no instance":       "[general]\ninstances = a",
		"open section":      "[general",
		"continues nothing": "[general]\n  x",
		"no value":          "[general]\nfoo",
	} {
		if _, err := parseConfig(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, text := range map[string]string{
		"mysql":   "[general]\ninstances=a\n[a]\ndbdriver=mysql\ndbname=x",
		"no name": "[general]\ninstances=a\n[a]\n",
		"port":    "[general]\ninstances=a\n[a]\ndbname=x\ndbport=x",
	} {
		c, err := parseConfig(text)
		if err != nil {
			t.Fatal(name, err)
		}
		in, err := c.Instance("a")
		if err != nil {
			t.Fatal(name, err)
		}
		if u, err := in.DatabaseURL(); err == nil {
			t.Errorf("%s: URL %s", name, u)
		}
	}
}

func TestExcludes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expr, glob    string
		ok            bool
		match, others []string // files
	}{
		{`^debug/`, "/debug/", true, []string{"debug/x"}, []string{"a/debug/x", "debug"}},
		{`^debug`, "/debug*", true, []string{"debug/x", "debugger"}, []string{"a/debug"}},
		{`^a/b/`, "a/b/", true, []string{"a/b/x"}, []string{"a/b", "x/a/b/c"}},
		{`/\.svn/`, "**/.svn/", true, []string{"a/.svn/x"}, []string{"a/.svn"}},
		{`\.iso$`, "*.iso", true, []string{"x.iso", "a/x.iso"}, []string{"x.iso.asc"}},
		{`\.iso`, "*.iso*", true, []string{"x.iso", "a/x.iso.asc"}, []string{"x.is"}},
		{`tmp/`, "*tmp/", true, []string{"tmp/x", "a/xtmp/y"}, []string{"tmp"}},
		{`^x/.*`, "/x/", true, []string{"x/y"}, []string{"a/x/y"}},
		{`/\.~tmp~/`, "", true, nil, nil},
		{`a+b`, "", false, nil, nil},
		{`(a|b)/`, "", false, nil, nil},
		{`^a.*b/c`, "", false, nil, nil},
		{`a/b`, "", false, nil, nil},
		{``, "", false, nil, nil},
		{`.*`, "", false, nil, nil},
		{`/`, "", false, nil, nil},
	} {
		glob, ok := globOfRegexp(test.expr)
		if glob != test.glob || ok != test.ok {
			t.Errorf("%q: glob %q, %v; want %q, %v", test.expr, glob, ok, test.glob, test.ok)
			continue
		}
		checkGlob(t, test.expr, glob, test.match, test.others)
	}
	for _, test := range []struct {
		pattern, glob string
		ok            bool
		match, others []string
	}{
		{"*.part", "*.part", true, []string{"a/x.part"}, []string{"x.parts"}},
		{"/private/", "/private/", true, []string{"private/x"}, []string{"a/private/x"}},
		{"/private", "/private", true, []string{"private/x", "private"}, []string{"a/private"}},
		{"a/b", "**/a/b", true, []string{"a/b", "x/a/b/c"}, []string{"b"}},
		{"a/**/c", "**/a/**/c", true, []string{"a/x/y/c"}, []string{"a/x"}},
		{"foo/", "foo/", true, []string{"x/foo/y"}, []string{"foo"}},
		{".~tmp~/", "", true, nil, nil},
		{"a**", "", false, nil, nil},
		{"**", "", false, nil, nil},
		{"//a", "", false, nil, nil},
		{"/", "", false, nil, nil},
	} {
		glob, ok := globOfRsync(test.pattern)
		if glob != test.glob || ok != test.ok {
			t.Errorf("%q: glob %q, %v; want %q, %v", test.pattern, glob, ok, test.glob, test.ok)
			continue
		}
		checkGlob(t, test.pattern, glob, test.match, test.others)
	}
}

func checkGlob(t *testing.T, from, glob string, match, others []string) {
	t.Helper()
	if glob == "" {
		return
	}
	g, err := origin.NewGlobs([]string{glob})
	if err != nil {
		t.Errorf("%q: %v", from, err)
		return
	}
	for _, p := range match {
		if !g.MatchBelow(p, false) {
			t.Errorf("%q: %q does not match %s", from, glob, p)
		}
	}
	for _, p := range others {
		if g.MatchBelow(p, false) {
			t.Errorf("%q: %q matches %s", from, glob, p)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(conf)
	f.Add("[general]\ninstances=a\n[a]\nscan_exclude_rsync = //00 a[")
	f.Add("[general]\ninstances=a\n[a]\nscan_exclude = ^a[ \\")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConfig(text)
		if err != nil {
			return
		}
		for _, name := range c.Instances {
			in, err := c.Instance(name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = in.DatabaseURL() // must not panic
			lines, _ := in.Settings()
			var parsed struct {
				Exclude []string `toml:"scan_exclude"`
			}
			if err := toml.Unmarshal([]byte(strings.Join(lines, "\n")), &parsed); err != nil {
				t.Fatalf("%q: %v", lines, err)
			}
			if _, err := origin.NewGlobs(parsed.Exclude); err != nil {
				t.Fatal(err)
			}
		}
	})
}

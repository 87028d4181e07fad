package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// fullMirror has something in every setting.
func fullMirror(t testing.TB) mirror.Mirror {
	t.Helper()
	m := mirror.Mirror{Name: "full.1", EnableAfterScan: true}
	v4, v6, lat, lng := true, false, 52.5, -13.25
	s := settings{
		HTTP: []string{"https://m.example/pub/", "http://m.example/pub/"}, Rsync: "rsync://user@m.example/pub/", RsyncPasswordFile: "/etc/pw",
		FTP: "ftp://m.example/pub/", S3: "s3://bucket.example/x/", S3CredentialsFile: "/etc/s3", Subtree: "dist \xff", Rename: []string{"dist \xff/a=b c"},
		Continent: "eu", Country: "no", Latitude: &lat, Longitude: &lng, ASN: []uint32{1, 4294967295}, Prefix: []string{"192.0.2.0/24", "2001:db8::/32"},
		IPv4: &v4, IPv6: &v6, Score: 0, RegionOnly: true, CountryOnly: true, ASOnly: true, PrefixOnly: true,
		OtherCountries: []string{"no", "se"}, ExcludeCountries: []string{"dk"}, MaxSize: "4GiB", MaxShare: "12.5%", Quota: "25TiB/month", Redirects: "any",
		LastResort: true, NoTraffic: []string{"mon-fri 08:00-18:00 Europe/Berlin"},
		ScanInterval: "90m", ScanExclude: []string{"*.tmp", "/x: y/#z"}, ScanTop: []string{"a", "- b"}, NoRangeCheck: true, Source: "192.0.2.9",
		Proxy: "socks5://proxy.example:1080", Quiet: []string{"sat,sun 02:00-06:00 Europe/Berlin"}, Push: "exec:push 'a: b' # c", PushTier: -3,
		OperatorName: "yes", OperatorURL: "https://op.example/~x/", Admin: "null", AdminEmail: "1e3", PublicNotes: "2026-11-24",
		Comment: "line one\n  indented: [x\n\ttab \"quoted\" 'too'\n\n# no comment \u00e9\u2028\n",
	}
	if err := s.apply(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

var compare = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b mirror.Rename) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b mirror.Window) bool { return a.String() == b.String() }),
}

// backFrom writes a mirror, reads it and makes a new mirror of it.
func backFrom(t *testing.T, m *mirror.Mirror) mirror.Mirror {
	t.Helper()
	text, err := mirrorYAML(m)
	if err != nil {
		t.Fatal(err)
	}
	list, err := readYAML("x.yaml", append([]byte(yamlHead+"\n"), text...))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d mirrors, %v in\n%s", len(list), err, text)
	}
	step, err := list[0].step(nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	again, err := mirrorYAML(&step.after)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("%v: written again it is another text:\n%s\n%s", err, text, again)
	}
	return step.after
}

func TestYAMLRoundTrip(t *testing.T) {
	t.Parallel()
	full := fullMirror(t)
	for _, m := range []mirror.Mirror{full, {Name: "least", HTTP: []string{"http://h/"}, Score: 100}, {Name: "on", HTTP: []string{"http://h/"}, Enabled: true}} {
		if diff := cmp.Diff(m, backFrom(t, &m), compare); diff != "" {
			t.Error(diff)
		}
	}
	// Every setting is in the full one: a new one is not forgotten here.
	text, err := mirrorYAML(&full)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range settingFields {
		if !bytes.Contains(text, []byte("\n"+f.key+":")) {
			t.Errorf("%s is not in\n%s", f.key, text)
		}
	}
}

// Passwords are not written, and those that are stored outlive an import.
func TestYAMLSecrets(t *testing.T) {
	t.Parallel()
	m := fullMirror(t)
	m.Rsync, m.FTP, m.Rules.Proxy = "rsync://user:s3cret@m.example/pub/", "ftp://user:s3cret@m.example/pub/", "http://:s3cret@proxy.example:3128"
	m.Sync.Push = "https://user:s3cret@push.example/hook" // keys of a bucket are never in its URL
	text, err := mirrorYAML(&m)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("s3cret")) || bytes.Count(text, []byte("# Its password is not exported")) != 4 {
		t.Errorf("wrote\n%s", text)
	}
	list, err := readYAML("x.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	step, err := list[0].step(&m)
	if err != nil {
		t.Fatal(err)
	}
	if len(step.diff) > 0 {
		t.Fatalf("a difference to itself:\n%s", step.diff)
	}
	if diff := cmp.Diff(m, step.after, compare); diff != "" {
		t.Error(diff)
	}
	// A password that was changed since the plan was made stays, too.
	list[0].settings.Score = 7
	if step, err = list[0].step(&m); err != nil {
		t.Fatal(err)
	}
	now := m
	now.Rsync = "rsync://user:newer@m.example/pub/"
	if err := step.change(&now); err != nil || now.Rsync != "rsync://user:newer@m.example/pub/" || now.Score != 7 {
		t.Errorf("%v, %s, score %d", err, mirror.Redact(now.Rsync), now.Score)
	}
	// For another host it is not handed out.
	moved := bytes.Replace(text, []byte("user@m.example/pub/"), []byte("user@other.example/pub/"), 1)
	if list, err = readYAML("x.yaml", moved); err != nil {
		t.Fatal(err)
	}
	if step, err = list[0].step(&m); err != nil || strings.Contains(step.after.Rsync, "s3cret") {
		t.Errorf("%v: a password went to %s", err, mirror.Redact(step.after.Rsync))
	}
}

func TestYAMLRefused(t *testing.T) {
	t.Parallel()
	const head = "name: m\nhttp: [https://m.example/]\n"
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", head + "scores: 1\n", `f.yaml:3: there is no setting "scores"`},
		{"twice", head + "score: 1\nscore: 2\n", "f.yaml:4:"},
		{"text for number", head + "score: many\n", "f.yaml:3: score: must be a number"},
		{"fraction", head + "score: 1.5\n", "f.yaml:3: score: must be a number"},
		{"number too large", head + "asn: [4294967296]\n", "asn: must be a number"},
		{"quoted number", head + "score: '1'\n", "score: must be a number"},
		{"text for bool", head + "as_only: 'true'\n", "as_only: must be true or false"},
		{"text for list", head + "asn: 3320\n", "asn: must be a list"},
		{"list for text", head + "rsync: [a]\n", "rsync: must be text"},
		{"bool for text", head + "country: true\n", "country: must be text"},
		{"empty item", head + "prefix: [null]\n", "is empty"},
		{"map for list", head + "prefix: {a: b}\n", "must be a list"},
		{"enabled", head + "enabled: maybe\n", "true, false or after-scan"},
		{"no name", "http: [https://m.example/]\n", "mirror name"},
		{"bad name", "name: ../m\nhttp: [https://m.example/]\n", "mirror name"},
		{"no mapping", "- a\n", "KEY: VALUE"},
		{"text alone", "hello\n", "KEY: VALUE"},
		{"alias", "name: &n m\nhttp: [https://m.example/]\nadmin: *n\n", "must be text"},
		{"anchor", "name: m\nhttp: &h [https://m.example/]\n", "anchors and aliases"},
		{"merge key", head + "<<: {score: 1}\n", "f.yaml:3:"},
		{"own tag", head + "admin: !secret x\n", "admin: must be text"},
		{"broken", head + "admin: [\n", "f.yaml:"},
		{"tab", head + "\tadmin: x\n", "f.yaml:3: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list, err := readYAML("f.yaml", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("read %+v, %v", list, err)
			}
		})
	}
}

// What is refused names all places at once.
func TestYAMLAllErrors(t *testing.T) {
	t.Parallel()
	_, err := readYAML("f.yaml", []byte("name: a\nx: 1\ny: 2\n---\nname: b\nz: 3\n"))
	for _, want := range []string{"f.yaml:2:", "f.yaml:3:", "f.yaml:6:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

// bomb is a document whose aliases would expand to 10^9 items.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 10; i++ {
		p, n := string(rune('0'+i-1)), string(rune('0'+i))
		b.WriteString("a" + n + ": &a" + n + " [" + strings.TrimSuffix(strings.Repeat("*a"+p+",", 10), ",") + "]\n")
	}
	return b.String()
}

func TestYAMLBombs(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"aliases":  bomb(),
		"brackets": "http: " + strings.Repeat("[", 100_000),
		"indents":  strings.Repeat("- ", 100_000),
		"too long": strings.Repeat(" ", maxYAML+1),
	} {
		start := time.Now()
		if _, err := readYAML("f.yaml", []byte(text)); err == nil {
			t.Errorf("%s: read", name)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// FuzzYAML: no text crashes the reader, and what it takes is written so that it
// reads the same.
func FuzzYAML(f *testing.F) {
	m := fullMirror(f)
	text, err := mirrorYAML(&m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(bomb()))
	f.Add([]byte("name: m\nhttp: [http://h/]\ncomment: |\n  a\n   b\n---\n# none\n---\nname: n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := readYAML("f.yaml", text)
		if err != nil {
			return
		}
		for i := range list {
			step, err := list[i].step(nil)
			if err != nil {
				continue
			}
			// As the database would give it back.
			for _, s := range []*string{&step.after.Comment, &step.after.OperatorName, &step.after.Admin, &step.after.AdminEmail, &step.after.PublicNotes} {
				*s = strings.ToValidUTF8(*s, "\uFFFD")
			}
			back := backFrom(t, &step.after)
			if diff := cmp.Diff(step.after, back, compare, cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestExportFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mirrors")
	a := &app{quiet: true}
	one, two := fullMirror(t), mirror.Mirror{Name: "two", HTTP: []string{"http://two/"}, Score: 100}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(a.exportFolder(dir, []mirror.Mirror{one, two}))
	check(os.WriteFile(filepath.Join(dir, "own.yaml"), []byte("name: own\n"), 0o600))
	check(os.WriteFile(filepath.Join(dir, "README"), []byte(yamlHead+"\n"), 0o600))
	check(os.Chtimes(filepath.Join(dir, "two.yaml"), time.Unix(1, 0), time.Unix(1, 0)))
	check(os.Chmod(filepath.Join(dir, "two.yaml"), 0o640))
	check(a.exportFolder(dir, []mirror.Mirror{two}))
	var names []string
	entries, err := os.ReadDir(dir)
	check(err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "README own.yaml two.yaml" {
		t.Errorf("left: %s", got)
	}
	fi, err := os.Stat(filepath.Join(dir, "two.yaml"))
	check(err)
	if !fi.ModTime().Equal(time.Unix(1, 0)) {
		t.Error("what had not changed was written")
	}
	two.Score = 5
	check(a.exportFolder(dir, []mirror.Mirror{two}))
	if fi, err = os.Stat(filepath.Join(dir, "two.yaml")); err != nil || fi.Mode() != 0o640 {
		t.Errorf("%v, mode %v", err, fi.Mode())
	}
}

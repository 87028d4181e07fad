package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// pushWorld is an origin and mirrors on loopback, with a database.
type pushWorld struct {
	t   *testing.T
	dir string
	url string // of the database
}

func newPushWorld(t *testing.T, mirrors ...string) *pushWorld {
	t.Helper()
	dir := t.TempDir()
	f := &pushWorld{t: t, dir: dir, url: "sqlite://" + filepath.Join(dir, "mb.db")}
	f.file("origin/old.iso", "old")
	f.ok("index", f.path("origin"))
	for _, name := range mirrors {
		f.file(name+"/old.iso", "old")
		web := httptest.NewServer(plainIndex(f.path(name)))
		t.Cleanup(web.Close)
		f.ok("new", name, "-H", web.URL+"/", "--region", map[bool]string{true: "eu", false: "as"}[name < "m"], "--country", map[bool]string{true: "de", false: "jp"}[name < "m"])
		f.ok("scan", name, "--enable")
	}
	return f
}

func (f *pushWorld) path(name string) string { return filepath.Join(f.dir, name) }

// file writes a file of one age everywhere.
func (f *pushWorld) file(name, text string) {
	f.t.Helper()
	p := f.path(name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(p, at, at); err != nil {
		f.t.Fatal(err)
	}
}

// mbctl runs a command line.
func (f *pushWorld) mbctl(args ...string) (code int, out, errs string) {
	f.t.Helper()
	return mbctlAt(f.t.Context(), append([]string{"--database", f.url}, args...)...)
}

func mbctlAt(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e locked // pushes end at once, and scans go on meanwhile
	code = execute(ctx, args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

// ok runs a command line that must end well.
func (f *pushWorld) ok(args ...string) string {
	f.t.Helper()
	code, out, errs := f.mbctl(args...)
	if code != 0 {
		f.t.Fatalf("mbctl %q: exit %d\n%s%s", args, code, out, errs)
	}
	return out
}

func (f *pushWorld) open() *store.Store {
	f.t.Helper()
	db, err := store.Open(f.url, store.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestPush(t *testing.T) {
	t.Parallel()
	f := newPushWorld(t, "alpha", "beta", "omega", "zeta")
	sync := func(to string) string {
		return fmt.Sprintf("exec:echo syncing; cp -a '%s/origin/.' '%[1]s/%[2]s'", f.dir, to)
	}
	f.ok("edit", "alpha", "--push", sync("alpha"))
	f.ok("edit", "beta", "--push", "exec:echo cannot; exit 4")
	f.ok("edit", "omega", "--push", sync("omega"), "--push-tier", "1")
	if code, _, errs := f.mbctl("edit", "zeta", "--push", "ssh://-oProxyCommand=x/"); code == 0 || !strings.Contains(errs, "host") {
		t.Errorf("a host that is an option: %d %s", code, errs)
	}
	if code, _, errs := f.mbctl("push", "zeta"); code != exitError || !strings.Contains(errs, "mbctl edit zeta --push") {
		t.Errorf("no push: %d %s", code, errs)
	}
	if code, _, errs := f.mbctl("push", "--all", "-d", "rel"); code != exitError || !strings.Contains(errs, "mbctl index") {
		t.Errorf("not indexed: %d %s", code, errs)
	}
	f.file("origin/rel/new.iso", "new")
	f.ok("index")
	if out := f.ok("push", "-a", "-n"); strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, "alpha\t0\texec:") || !strings.Contains(out, "\nomega\t1\texec:") {
		t.Errorf("plan:\n%s", out)
	}
	code, out, errs := f.mbctl("push", "--all", "--subtree", "rel")
	if code != exitSomeFailed || !strings.Contains(errs, "1 of 3 mirrors failed: beta (failed: exit status 4: cannot)") {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"alpha\t0\texec\t", "\tdone\t+1 -0\t\n", "beta\t0\texec\t", "\tfailed\t-\texit status 4: cannot\n", "omega\t1\texec\t"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if log := f.ok("log", "beta"); !strings.Contains(log, "pushed") || !strings.Contains(log, "cannot") {
		t.Errorf("log: %s", log)
	}
	// Only one tier; and nothing is new.
	out = f.ok("push", "--all", "--tier", "1", "--json", "-d", "rel")
	var docs []pushDoc
	if err := json.Unmarshal([]byte(out), &docs); err != nil || len(docs) != 1 || docs[0].Mirror != "omega" || docs[0].Scan == nil || !docs[0].Scan.OK || docs[0].Scan.Added != 0 || docs[0].Output != "syncing\n" {
		t.Errorf("%v %s", err, out)
	}
	// All of the first tier fail.
	f.ok("disable", "alpha")
	code, out, errs = f.mbctl("push", "--all", "--no-scan")
	if code != exitSomeFailed || !strings.Contains(out, "omega\t1\t\t0.0\tnot pushed\t-\tno mirror of tier 0 succeeded\n") || !strings.Contains(errs, "2 of 2") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if code, out, _ = f.mbctl("push", "--all", "--no-scan", "--keep-going"); code != exitSomeFailed || !strings.Contains(out, "\tdone\t-\t\n") {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, bad := range [][]string{{"push"}, {"push", "-a", "x"}, {"push", "-a", "--timeout", "x"}, {"push", "-a", "-d", "../x"}, {"push", "-a", "-j", "-1"}} {
		if code, _, errs := f.mbctl(bad...); code != exitUsage {
			t.Errorf("%q: exit %d %s", bad, code, errs)
		}
	}
}

// A hook is signed with the key that `notify --key-for` prints for the mirror.
func TestPushHook(t *testing.T) {
	t.Parallel()
	f := newPushWorld(t, "alpha")
	f.file("key", "a secret of this site\nnot this\n")
	key := strings.TrimSpace(f.ok("notify", "--key-for", "alpha", "--key-file", f.path("key")))
	if key != note.MirrorKey("a secret of this site", "alpha") {
		t.Fatal(key)
	}
	right := false
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(r.Body)
		var at int64
		_, _ = fmt.Sscanf(r.Header.Get(note.Header), "t=%d,", &at)
		right = note.Message{Method: "POST", Path: "/push", Body: body.Bytes()}.Sign(key, time.Unix(at, 0)) == r.Header.Get(note.Header)
	}))
	defer hook.Close()
	f.ok("edit", "alpha", "--push", hook.URL+"/push")
	f.ok("push", "alpha", "--key-file", f.path("key"))
	if !right {
		t.Error("the hook was not signed with the mirror's key")
	}
	f.file("mbctl.toml", fmt.Sprintf("[x]\ndatabase = %q\npush_key_file = %q\n", f.url, f.path("key")))
	right = false
	f.ok("--config", f.path("mbctl.toml"), "push", "alpha")
	if !right {
		t.Error("push_key_file is not used")
	}
}

func TestNotify(t *testing.T) {
	f := newPushWorld(t, "alpha")
	db := f.open()
	const token = "0123456789abcdef"
	rc := &note.Receiver{Path: "/hooks", Tokens: []string{token}, Store: db, Memory: new(note.Memory), Log: (&app{streams: streams{err: &bytes.Buffer{}}}).logger()}
	skew := time.Duration(0)
	rc.Now = func() time.Time { return time.Now().Add(skew) }
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", rc.Now().UTC().Format(http.TimeFormat))
		rc.Serve(w, r, note.Peer{Path: r.URL.EscapedPath()})
	}))
	defer web.Close()
	f.file("token", token+"\n")
	hooks := web.URL + "/hooks"
	// No configuration, no database: on a mirror.
	mbctl := func(args ...string) (int, string, string) {
		return mbctlAt(t.Context(), append([]string{"--config", f.path("none"), "--database", "postgres://nowhere.invalid/x"}, args...)...)
	}
	code, out, errs := mbctl("notify", hooks, "rel/", "a\xff/b", "--key-file", f.path("token"), "--json")
	if code != 0 || out != "{\n  \"id\": \"1\",\n  \"state\": \"waiting\"\n}\n" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	list, err := db.Wishes(t.Context())
	if err != nil || len(list) != 1 || list[0].Kind != store.WishIndex || list[0].Subtree != "" {
		t.Errorf("%v %+v", err, list)
	}
	// A mirror, with its key from the environment; it waits until all is done.
	t.Setenv(notifyKeyEnv, note.MirrorKey(token, "alpha"))
	code, out, errs = mbctl("notify", hooks, "--mirror", "alpha", "--wait", "--timeout", "100ms")
	if code != exitSomeFailed || !strings.Contains(errs, "not done after 100ms") || !strings.Contains(errs, "mbctl daemon") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	go func() {
		time.Sleep(300 * time.Millisecond)
		list, _ := db.Wishes(context.Background())
		for _, w := range list {
			_ = db.Grant(context.Background(), w)
		}
	}()
	if code, out, errs = mbctl("notify", hooks, "-m", "alpha", "-w"); code != 0 || out != "done\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
		skew time.Duration
	}{
		"another mirror's key": {[]string{hooks, "-m", "beta"}, exitError, "is it the right key", 0},
		"a wrong clock":        {[]string{hooks, "-m", "alpha"}, exitError, "behind the server's", time.Hour},
		"an unknown mirror":    {[]string{hooks, "-m", "gamma", "--key-file", f.path("token")}, exitError, "there is no mirror gamma", 0},
		"nobody there":         {[]string{"http://user:hunter2@127.0.0.1:1/hooks"}, exitError, "connection refused", 0},
		"no URL":               {nil, exitUsage, "to which URL", 0},
		"a bad URL":            {[]string{"ftp://x/"}, exitUsage, "https://dl.example.org/hooks", 0},
		"outside the tree":     {[]string{hooks, "../x"}, exitUsage, "segment", 0},
		"a bad name":           {[]string{hooks, "-m", "a b"}, exitUsage, "--mirror", 0},
		"no file":              {[]string{hooks, "--key-file", f.path("nothing")}, exitError, "reading the key", 0},
		"an empty file":        {[]string{hooks, "--key-file", os.DevNull}, exitError, "no key in its first line", 0},
		"a key and a URL":      {[]string{hooks, "--key-for", "x"}, exitUsage, "takes no URL", 0},
		"not a hook":           {[]string{web.URL + "/hooks/1"}, exitError, "405", 0},
	} {
		skew = tt.skew
		code, out, errs := mbctl(append([]string{"notify"}, tt.args...)...)
		if code != tt.code || !strings.Contains(errs, tt.want) || strings.Contains(out+errs, "hunter2") || strings.Contains(out+errs, token) {
			t.Errorf("%s: exit %d: %s%s", name, code, out, errs)
		}
	}
	skew = 0
	_ = db.Close()
	if code, _, errs := mbctl("notify", hooks, "-m", "alpha"); code != exitUnreachable || !strings.Contains(errs, "database") {
		t.Errorf("database away: exit %d: %s", code, errs)
	}
	t.Setenv(notifyKeyEnv, "")
	if code, _, errs := mbctl("notify", hooks); code != exitUsage || !strings.Contains(errs, "--key-file") {
		t.Errorf("no key: exit %d: %s", code, errs)
	}
}

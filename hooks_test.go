package mirrorbrain

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const hookToken = "a token that is long enough"

// hooksSite is a site without local files, whose mirrorbrain would answer 404
// for what it does not know: the hooks come first.
func (d *depot) hooksSite(options string) string {
	return fmt.Sprintf(`mirrorbrain {
		root off
		health /health
	}
	mirrorbrain_hooks /hooks {
		token "%s"
		%s
	}`, hookToken, options)
}

func (d *depot) wishes() []store.Wish {
	d.t.Helper()
	list, err := d.store.Wishes(context.Background())
	d.must(err)
	return list
}

// The command of docs/release-day.md, with real curl and openssl.
func TestHooksByCurl(t *testing.T) {
	for _, p := range []string{"sh", "curl", "openssl"} {
		mirrortest.Program(t, p)
	}
	d := newDepot(t)
	d.mirror(mirror.Mirror{Name: "example"})
	s := newServer(t)
	s.load("database "+d.url, d.hooksSite(""))
	s.ready()

	doc, err := os.ReadFile("docs/release-day.md")
	d.must(err)
	_, rest, ok := strings.Cut(string(doc), "```sh\nURL=https://")
	script, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("docs/release-day.md has no script that begins with URL=https://")
	}
	script = "URL=https://" + script
	script = strings.Replace(script, "https://dl.example.org", "http://"+s.addr, 1)
	key := filepath.Join(t.TempDir(), "key")
	d.must(os.WriteFile(key, []byte(note.MirrorKey(hookToken, "example")+"\n"), 0o600))
	script = strings.Replace(script, "/etc/mirrorbrain/notify.key", key, 1)

	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Env = append(os.Environ(), "no_proxy=*")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	var a note.Answer
	if err := json.Unmarshal(out, &a); err != nil || a.State != note.Waiting || !strings.HasPrefix(a.ID, "example:") {
		t.Errorf("%s: %v", out, err)
	}
	w := d.wishes()
	if len(w) != 1 || w[0].Kind != store.WishScan || w[0].Subtree != "releases/2.1" {
		t.Errorf("wishes %+v", w)
	}
}

func TestHooks(t *testing.T) {
	d := newDepot(t)
	d.mirror(mirror.Mirror{Name: "example"})
	s := newServer(t)
	s.load("database "+d.url, d.hooksSite("scan_after off"))
	s.ready()
	c := note.Client{URL: "http://" + s.addr + "/hooks", Key: hookToken}
	a, err := c.Send(t.Context(), note.Note{Paths: []string{"a/"}})
	if err != nil || a.State != note.Waiting {
		t.Fatal(a, err)
	}
	w := d.wishes()
	if len(w) != 1 || w[0].Kind != store.WishIndex || w[0].Subtree != "a" {
		t.Fatalf("wishes %+v", w)
	}
	d.must(d.store.Grant(context.Background(), w[0]))
	if a, err = c.State(t.Context(), a.ID); err != nil || a.State != note.Done {
		t.Error(a, err)
	}
	if resp, _ := s.get("/hooks", ""); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if resp, _ := s.get("/hooksx", ""); resp.StatusCode == http.StatusMethodNotAllowed {
		t.Errorf("beside the path: %d", resp.StatusCode)
	}

	// What was sent before a reload cannot be sent again after it.
	body := `{"mirror":"example"}`
	send := func() int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, c.URL, strings.NewReader(body))
		d.must(err)
		r.Header.Set(note.Header, signatureOnce(body))
		resp, err := client.Do(r)
		d.must(err)
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := send(); status != http.StatusAccepted {
		t.Fatalf("status %d", status)
	}
	s.load("database "+d.url, d.hooksSite("scan_after 1h"))
	if status := send(); status != http.StatusUnauthorized {
		t.Errorf("replayed after a reload: %d", status)
	}
	if _, err := c.Send(t.Context(), note.Note{Paths: []string{"b/"}}); err != nil {
		t.Fatal(err)
	}
	if w := d.wishes(); len(w) != 3 || w[2].Kind != store.WishScan || w[2].Mirror != 0 {
		t.Errorf("wishes after the reload: %+v", w)
	}
}

var noteTime = time.Now()

func signatureOnce(body string) string {
	return note.Message{Method: http.MethodPost, Path: "/hooks", Body: []byte(body)}.Sign(hookToken, noteTime)
}

// Below handle_path the URL that was sent is signed, not the rest of it.
func TestHooksBelowHandlePath(t *testing.T) {
	d := newDepot(t)
	s := newServer(t)
	s.load("database "+d.url, "handle_path /api/* {\n"+d.hooksSite("")+"\n}\nmirrorbrain {\nroot off\nhealth /health\n}")
	s.ready()
	c := note.Client{URL: "http://" + s.addr + "/api/hooks", Key: hookToken}
	a, err := c.Send(t.Context(), note.Note{Paths: []string{"a/"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.State(t.Context(), a.ID); err != nil {
		t.Error(err)
	}
}

func TestHooksTokens(t *testing.T) {
	d := newDepot(t)
	empty := filepath.Join(t.TempDir(), "empty")
	d.must(os.WriteFile(empty, []byte("\n"), 0o600))
	good := filepath.Join(t.TempDir(), "good")
	d.must(os.WriteFile(good, []byte("token of a file\n"), 0o600))
	s := newServer(t)
	for _, bad := range []string{"{env.MIRRORBRAIN_NO_SUCH_VARIABLE}", "{file." + empty + "}"} {
		cfg := s.config("database "+d.url, "mirrorbrain_hooks /hooks {\ntoken "+bad+"\n}")
		if err := caddy.Load(cfg, true); err == nil || !strings.Contains(err.Error(), "token 1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	s.load("database "+d.url, "mirrorbrain {\nroot off\nhealth /health\n}\nmirrorbrain_hooks /hooks {\ntoken {file."+good+"}\n}")
	s.ready()
	c := note.Client{URL: "http://" + s.addr + "/hooks", Key: "token of a file"}
	if _, err := c.Send(t.Context(), note.Note{}); err != nil {
		t.Error(err)
	}
	if lines := s.logged("can be guessed"); len(lines) != 1 || strings.Contains(lines[0], "token of a file") {
		t.Errorf("log: %q", lines)
	}
}

// The address that counts for TLS and limits is the one that Caddy believes.
func TestHooksBearer(t *testing.T) {
	d := newDepot(t)
	s := newServer(t)
	s.load("database "+d.url, d.hooksSite(""))
	s.ready()
	post := func(ip, proto string) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/hooks?"+url.Values{"paths": {"x"}}.Encode(), nil)
		d.must(err)
		r.Header.Set("Authorization", "Bearer "+hookToken)
		r.Header.Set("X-Forwarded-For", ip)
		if proto != "" {
			r.Header.Set("X-Forwarded-Proto", proto)
		}
		resp, err := client.Do(r)
		d.must(err)
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := post("192.0.2.1", ""); status != http.StatusUnauthorized {
		t.Errorf("in the clear: %d", status)
	}
	if status := post("192.0.2.1", "https"); status != http.StatusAccepted {
		t.Errorf("https up to the proxy: %d", status)
	}
	s.until("it is logged", func() bool { return len(s.logged("came without TLS")) == 1 })
	for _, l := range s.logged(hookToken) {
		t.Errorf("the token is in the log: %s", l)
	}
}

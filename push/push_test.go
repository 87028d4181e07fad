package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
)

func pushed(name, push string, tier int) mirror.Mirror {
	return mirror.Mirror{Name: name, HTTP: []string{"http://" + name + ".example/"}, Sync: mirror.Sync{Push: push, Tier: tier}}
}

// summary gives one word for each result.
func summary(results []Result) string {
	var out []string
	for _, r := range results {
		word := "ok"
		switch {
		case r.Left != "":
			word = "left"
		case r.TimedOut():
			word = "late"
		case r.Err != nil:
			word = "failed"
		}
		out = append(out, r.Mirror.Name+":"+word)
	}
	return strings.Join(out, " ")
}

func TestTiers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mirrors []mirror.Mirror
		keep    bool
		want    string
	}{
		"in order": {[]mirror.Mirror{pushed("c", "exec:true", 5), pushed("b", "exec:true", -1), pushed("a", "exec:true", 0)}, false, "b:ok a:ok c:ok"},
		"one failed, another not": {
			[]mirror.Mirror{pushed("a", "exec:true", 0), pushed("b", "exec:false", 0), pushed("c", "exec:true", 1)}, false, "a:ok b:failed c:ok",
		},
		"all of a tier failed": {
			[]mirror.Mirror{pushed("a", "exec:false", 0), pushed("b", "exec:false", 0), pushed("c", "exec:true", 1), pushed("d", "exec:true", 2)}, false, "a:failed b:failed c:left d:left",
		},
		"going on":                  {[]mirror.Mirror{pushed("a", "exec:false", 0), pushed("c", "exec:true", 1)}, true, "a:failed c:ok"},
		"none of a tier has a push": {[]mirror.Mirror{pushed("a", "", 0), pushed("c", "exec:true", 1)}, false, "a:left c:ok"},
		"one hangs":                 {[]mirror.Mirror{pushed("a", "exec:sleep 60", 0), pushed("b", "exec:true", 0), pushed("c", "exec:true", 1)}, false, "a:late b:ok c:ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, err := Run(t.Context(), tt.mirrors, Options{Timeout: 2 * time.Second, KeepGoing: tt.keep})
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(results); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A tier waits for all of the one before, and its end is told in between.
func TestTierWaits(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "log")
	line := func(name string, sleep float64) string {
		return fmt.Sprintf("exec:sleep %v; echo %s >>%s", sleep, name, file)
	}
	var ends []string
	_, err := Run(t.Context(), []mirror.Mirror{pushed("a", line("a", 0.3), 0), pushed("b", line("b", 0), 0), pushed("c", line("c", 0), 1)}, Options{
		TierDone: func(r []Result) {
			b, _ := os.ReadFile(file)
			ends = append(ends, summary(r)+"="+strings.ReplaceAll(string(b), "\n", ""))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ends, "; "); got != "a:ok b:ok=ba; c:ok=bac" {
		t.Error(got)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	m := pushed("example", `exec:printf '%s|%s|%s' "$MIRROR" "$MIRROR_URL" "$SUBTREE"`, 0)
	const odd = "a b/'$(touch /tmp/x)'\n;\xff"
	r, err := Run(t.Context(), []mirror.Mirror{m}, Options{Subtree: "/" + odd})
	if err != nil || r[0].Err != nil {
		t.Fatal(err, r[0].Err)
	}
	if want := "example|http://example.example/|" + odd; r[0].Output != want {
		t.Errorf("%q, want %q", r[0].Output, want)
	}
	for push, want := range map[string]string{
		"exec:echo no; echo it broke >&2; exit 3": "exit status 3: it broke",
		"exec:/nowhere/x":                         "not found",
		"exec: ":                                  "names no command",
		"gopher://x":                              "must be an ssh://",
		"":                                        "must be an ssh://",
	} {
		m.Sync.Push = push
		if r := one(t.Context(), &m, &Options{Timeout: time.Minute, Log: discard}); push != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), want)) {
			t.Errorf("%s: %v, want %s", push, r.Err, want)
		}
		if push == "" && Check(push) == nil {
			t.Error("nothing can be pushed")
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	m := pushed("m", "exec:yes mirror | head -c 3000000; echo; echo the end", 0)
	r := one(t.Context(), &m, &Options{Timeout: time.Minute, Log: discard})
	if r.Err != nil || len(r.Output) != maxOutput || lastLine(r.Output) != "the end" {
		t.Errorf("%v, %d bytes, %q", r.Err, len(r.Output), lastLine(r.Output))
	}
}

// All that a command started ends with it, also what does not want to.
func TestGroupEnds(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	m := pushed("m", fmt.Sprintf("exec:trap '' TERM; (trap '' TERM; exec sleep 600) & echo $! >%[1]s; sleep 600 & echo $! >>%[1]s; wait; wait", pids), 0)
	began := time.Now()
	r := one(t.Context(), &m, &Options{Timeout: time.Second, Log: discard})
	if !r.TimedOut() {
		t.Errorf("%v after %v", r.Err, time.Since(began))
	}
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.FieldsSeq(string(b)) {
		var pid int
		_, _ = fmt.Sscan(field, &pid)
		for end := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("process %d is still there", pid)
				break
			}
		}
	}
}

// alive reports whether there is a process that is not only waiting to be reaped.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(rest, []byte("Z"))
}

// What a command leaves in the background does not hold the push up for ever.
func TestBackground(t *testing.T) {
	t.Parallel()
	m := pushed("m", "exec:sleep 20 & echo started", 0)
	r := one(t.Context(), &m, &Options{Timeout: 15 * time.Second, Log: discard})
	if r.Err != nil || r.Output != "started\n" {
		t.Errorf("%v %q", r.Err, r.Output)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	results, err := Run(ctx, []mirror.Mirror{pushed("a", "exec:sleep 60", 0), pushed("b", "exec:true", 1)}, Options{
		Pushed: func(Result) {}, Jobs: func() int { time.AfterFunc(300*time.Millisecond, cancel); return 1 }(),
	})
	if err != nil || results[0].Err == nil || results[0].TimedOut() || results[1].Left != "interrupted" {
		t.Errorf("%v %+v", err, results)
	}
}

func TestOutside(t *testing.T) {
	t.Parallel()
	m := pushed("m", "exec:true", 0)
	m.Subtree = "a"
	for sub, left := range map[string]string{"a/b": "", "": "", "b": "carries a/ alone"} {
		if r := one(t.Context(), &m, &Options{Subtree: sub, Timeout: time.Minute, Log: discard}); r.Left != left {
			t.Errorf("%s: %q", sub, r.Left)
		}
	}
	if _, err := Run(t.Context(), nil, Options{Subtree: "../x"}); err == nil {
		t.Error("left the tree")
	}
}

// hook is a mirror's web hook that notes what it is sent.
type hook struct {
	mu   sync.Mutex
	seen []string // method and path of those with a right signature
	body order
	then http.HandlerFunc
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var at int64
	_, _ = fmt.Sscanf(r.Header.Get(note.Header), "t=%d,", &at)
	msg := note.Message{Method: r.Method, Path: r.URL.EscapedPath(), Body: body}
	h.mu.Lock()
	if msg.Sign(note.MirrorKey("secret", "m"), time.Unix(at, 0)) == r.Header.Get(note.Header) {
		h.seen = append(h.seen, r.Method+" "+r.URL.Path)
	}
	if r.Method == http.MethodPost {
		_ = json.Unmarshal(body, &h.body)
	}
	h.mu.Unlock()
	h.then(w, r)
}

func TestHook(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another server was asked") }))
	t.Cleanup(other.Close)
	for name, tt := range map[string]struct {
		then http.HandlerFunc
		want string // of the error
		seen string
	}{
		"done":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "fine") }, "", "POST /push"},
		"nothing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "", "POST /push"},
		"accepted, no more is said": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, "", "POST /push",
		},
		"accepted, later done": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/2" {
				return
			}
			w.Header().Set("Location", map[string]string{"/push": "/1", "/1": "2"}[r.URL.Path])
			w.Header().Set("Retry-After", "-5")
			w.WriteHeader(http.StatusAccepted)
		}, "", "POST /push,GET /1,GET /2"},
		"accepted, then failed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/1")
			w.Header().Set("Retry-After", "0")
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			http.Error(w, "disk full", http.StatusInternalServerError)
		}, "500 Internal Server Error: disk full", "POST /push,GET /1"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no\nsuch key", http.StatusForbidden) }, "403 Forbidden: such key", "POST /push"},
		"redirected": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, "redirects (307), which is not followed", "POST /push"},
		"waits elsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(http.StatusAccepted)
		}, "on another server", "POST /push"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timed out after 3s", "POST /push"},
		"sends for ever": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "", "POST /push"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hook{then: tt.then}
			web := httptest.NewServer(h)
			defer web.Close()
			m := pushed("m", web.URL+"/push?x=y", 0)
			m.Rules.Proxy = "none"
			r := one(t.Context(), &m, &Options{Timeout: 3 * time.Second, Key: "secret", Subtree: "rel/2.1", Log: discard})
			if (r.Err == nil) != (tt.want == "") || r.Err != nil && !strings.Contains(r.Err.Error(), tt.want) {
				t.Errorf("error %v, want %q", r.Err, tt.want)
			}
			if len(r.Output) > maxOutput {
				t.Errorf("%d bytes", len(r.Output))
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if got := strings.Join(h.seen, ","); got != tt.seen {
				t.Errorf("seen %s, want %s", got, tt.seen)
			}
			if len(h.body.Paths) != 1 || h.body.Paths[0] != "rel/2.1" || h.body.ID == "" {
				t.Errorf("body %+v", h.body)
			}
		})
	}
	m := pushed("m", "http://user:hunter2@127.0.0.1:1/push?secret=hunter2", 0)
	if r := one(t.Context(), &m, &Options{Timeout: time.Minute, Log: discard}); r.Err == nil || strings.Contains(r.Err.Error(), "hunter2") {
		t.Errorf("error %v", r.Err)
	}
}

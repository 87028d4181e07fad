package mirrorbrain

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/survey"
)

func TestStatus(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *depot{
		"sqlite": newDepot,
		"postgresql": func(tb testing.TB) *depot {
			tb.Helper()
			return openDepot(tb, pgtest.New(tb))
		},
	} {
		t.Run(name, func(t *testing.T) { testStatus(t, open(t)) })
	}
}

func testStatus(t *testing.T, d *depot) {
	t.Helper()
	d.file("a/one.bin", "a/two.bin", "b/three.bin")
	d.finish()
	d.must(d.store.SetMarkers(context.Background(), []store.Marker{{Name: "A", Paths: []string{"a/"}}}, "test"))
	d.mirror(mirror.Mirror{Name: "berlin", Place: germany, Comment: "canary", Admin: "canary", Rsync: "rsync://canary:canary@x/y/"}, "a/one.bin", "a/two.bin")
	d.mirror(mirror.Mirror{Name: "campus", Place: germany, PrefixOnly: true}, "a/one.bin")
	s := newServer(t)
	s.load("database "+d.url, d.plain("status /own")+`
	mirrorbrain_status {
		path /mirrors
		folders /a /b
	}
	handle_path /moved* {
		mirrorbrain_status {
			path /
			map off
		}
	}`)
	s.ready()

	s.wants("/mirrors", "", 308, "./mirrors/")
	s.wants("/mirrors?state=up", "", 308, "./mirrors/?state=up")
	s.wants("/moved", "", 308, "./moved/")
	s.wants("/mirrors/none", "", 404, "")
	s.wants("/mirrors/campus", "", 404, "")
	s.wants("/mirrors/a/b", "", 404, "")
	if resp, _, err := s.do(http.MethodPost, "/mirrors/", ""); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v", resp)
	}
	for path, want := range map[string]string{
		"/mirrors/": "of 1 mirrors up", "/own/": "of 1 mirrors up", "/moved/": "of 1 mirrors up", "/mirrors/berlin": "/b", "/moved/berlin": "History",
		"/mirrors/mirrors.json": `"name": "/a"`, "/mirrors/berlin.json": `"markers"`, "/mirrors/openapi.json": `"openapi"`, "/mirrors/berlin.svg": "berlin: up",
		"/mirrors/badge.svg": "mirrors: 66 %", "/mirrors/mirmon.txt": "http://berlin.example/pub/ ",
	} {
		resp, body := s.get(path, "")
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "canary") || strings.Contains(body, "campus") {
			t.Errorf("%s: %d, wants %q in:\n%s", path, resp.StatusCode, want, body)
		}
		h := resp.Header
		if h.Get("Etag") == "" || h.Get("Cache-Control") != "max-age=30" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
		r, err := http.NewRequest(http.MethodGet, "http://"+s.addr+path, nil)
		d.must(err)
		r.Header.Set("If-None-Match", h.Get("Etag"))
		again, err := client.Do(r)
		d.must(err)
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: again it is %d", path, again.StatusCode)
		}
		if head, body, err := s.do(http.MethodHead, path, ""); err != nil || head.StatusCode != http.StatusOK || body != "" || head.Header.Get("Etag") != h.Get("Etag") {
			t.Errorf("HEAD %s: %v", path, head)
		}
	}
	var all struct {
		Partial bool
		Files   int
		Mirrors []struct {
			State    string
			Coverage struct{ Held, Files int }
		}
	}
	_, body := s.get("/mirrors/mirrors.json", "")
	d.must(json.Unmarshal([]byte(body), &all))
	if all.Partial || all.Files != 3 || len(all.Mirrors) != 1 || all.Mirrors[0].Coverage.Held != 2 || all.Mirrors[0].State != "up" {
		t.Errorf("%+v", all)
	}
}

// TestStatusWithout: what the catalog knows is shown while the database is away.
func TestStatusWithout(t *testing.T) {
	d := newDepot(t)
	d.file("a/one.bin")
	d.mirror(mirror.Mirror{Name: "berlin", Place: germany}, "a/one.bin")
	s := newServer(t)
	s.load("database "+d.url, d.plain("status /mirrors"))
	s.ready()
	db := databaseOf(t)
	d.must(db.store.Close())
	start := time.Now()
	resp, body := s.get("/mirrors/", "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "cannot be reached") || !strings.Contains(body, "berlin") || time.Since(start) > 2*statusPatience {
		t.Errorf("%d after %v:\n%s", resp.StatusCode, time.Since(start), body)
	}
	if resp, body := s.get("/mirrors/berlin", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, "cannot be reached") {
		t.Errorf("%d:\n%s", resp.StatusCode, body)
	}
}

// TestStatusPastsInTurn: who asks for every mirror has the database asked by few
// at a time.
func TestStatusPastsInTurn(t *testing.T) {
	d := newDepot(t)
	d.mirror(mirror.Mirror{Name: "berlin", Place: germany})
	s := newServer(t)
	s.load("database "+d.url, d.plain("status /mirrors"))
	s.ready()
	c := newStatusCache(&instance{db: databaseOf(t)}, survey.Options{})
	for range pastsAtOnce {
		c.asking <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.askPast(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("beside others: %v", err)
	}
	<-c.asking
	if h, err := c.askPast(t.Context(), 1); err != nil || h == nil {
		t.Errorf("when it is its turn: %v, %v", h, err)
	}
}

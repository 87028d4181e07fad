package mirrorbrain

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// A database that is silent delays a document by a moment at most, and none is
// a 500 or the file itself.
func TestDocumentsWithoutDatabase(t *testing.T) {
	d, s := documents(t, trackers())
	d.finish()
	d.mirror(mirror.Mirror{Name: "plain"}, "iso/plain.iso")
	d.follow(s)
	if r, _ := s.fetch("/iso/lonely.iso.md5"); r.status != 200 { // remembered from now on
		t.Fatal(r.status)
	}
	db := s.h.rt.db
	silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	db.digests.ask = func(ctx context.Context, _ mirror.FileID) (*mirror.Digests, error) { return nil, silent(ctx) }
	db.folders.ask = func(ctx context.Context, _ string) (*contents, error) { return nil, silent(ctx) }
	db.history.ask = func(ctx context.Context, _ string) ([]pastVersion, error) { return nil, silent(ctx) }
	began := time.Now()
	for target, want := range map[string]string{
		"/iso/x%20y.iso.sha256":  "200 document requested",
		"/iso/lonely.iso.sha1":   "200 document requested",
		"/iso/x%20y.iso.meta4":   "200 document requested",
		"/iso/x%20y.iso.json":    "200 document requested",
		"/iso/x%20y.iso.md5":     "503 error database",
		"/iso/x%20y.iso.torrent": "503 error database",
		"/iso/x%20y.iso.magnet":  "503 error database",
		"/iso/x%20y.iso.zsync":   "503 error database",
		"/iso/?mirrorlist":       "503 error database",
	} {
		r, body := s.fetch(target)
		code, outcome, _ := strings.Cut(want, " ")
		if got := r.get("result") + " " + r.get("reason"); got != outcome || !strings.HasPrefix(code, string(rune('0'+r.status/100))) {
			t.Errorf("%s: %d %s, want %s", target, r.status, got, want)
		}
		if strings.Contains(target, "meta4") && !strings.Contains(body, `type="sha-256"`) {
			t.Errorf("without the digest from memory:\n%s", body)
		}
		if strings.Contains(body, "the file itself") {
			t.Errorf("%s: the file in its place", target)
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A file that was hashed again has the new digests at once, and what is
// remembered of another history of the database is nobody's.
func TestDigestsOfNow(t *testing.T) {
	d, s := documents(t, trackers())
	_, before := s.fetch("/iso/x%20y.iso.md5")
	other := &mirror.Digests{MD5: [16]byte{1}, SHA1: [20]byte{1}, SHA256: [32]byte{1}, SHA512: [64]byte{1}}
	d.lease("hash", func(l store.Lease) error {
		return d.store.PutHashes(t.Context(), l, []store.Hashes{{ID: d.ids["iso/x y.iso"], Digests: other}})
	})
	d.follow(s)
	if _, after := s.fetch("/iso/x%20y.iso.md5"); after == before || !strings.HasPrefix(after, "01000000") {
		t.Errorf("%q, before %q", after, before)
	}
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	answers := make(chan error, 100)
	m := newRemembered(1<<20, func(string, int) int { return 1 }, func(ctx context.Context, key string) (int, error) {
		asked <- key
		select {
		case err := <-answers:
			return len(key), err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	defer m.close()
	answers <- nil
	for range 2 {
		if v, found, err := m.get("abc"); v != 3 || !found || err != nil {
			t.Fatal(v, found, err)
		}
	}
	answers <- store.ErrNotFound
	for range 2 {
		if _, found, err := m.get("none"); found || err != nil {
			t.Fatal(found, err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %d times", len(asked))
	}
	answers <- errors.New("broken")
	if _, _, err := m.get("x"); !errors.Is(err, errBusy) {
		t.Error(err)
	}
	// Silence, and more questions than are allowed at once.
	busy := make(chan error, 3*askAtOnce)
	for i := range 3 * askAtOnce {
		go func() {
			_, _, err := m.get(strings.Repeat("y", i+1))
			busy <- err
		}()
	}
	for range 3 * askAtOnce {
		if err := <-busy; !errors.Is(err, errBusy) {
			t.Error(err)
		}
	}
	if v, found, err := m.get("abc"); v != 3 || !found || err != nil {
		t.Error("what is remembered is not given while the database is silent")
	}
}

// What the database forgets before the time is up is said.
func TestAllowanceLongerThanKept(t *testing.T) {
	conf := &Handler{KeepRemoved: []Allowance{{Path: "/", For: caddy.Duration(60 * 24 * time.Hour)}}}
	h := &Handler{kept: mustAllow(t, conf.KeepRemoved)}
	for setting, want := range map[string]bool{"": true, "720h0m0s": true, "1440h0m0s": false, "nonsense": true} {
		if got := h.forgets(setting) != ""; got != want {
			t.Errorf("%q: %v", setting, got)
		}
	}
}

func mustAllow(t *testing.T, list []Allowance) allowances {
	t.Helper()
	a, err := compileAllowances("x", list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

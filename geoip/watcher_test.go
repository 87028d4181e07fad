package geoip

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

var watched = netip.MustParseAddr("192.0.2.1")

func networkIn(country string) []geotest.Network {
	return []geotest.Network{{CIDR: "192.0.2.0/24", Country: country}}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(t *testing.T, path string)
		want   string
		logged string
	}{
		{"replaced by rename", func(t *testing.T, path string) {
			t.Helper()
			geotest.City(t, path, networkIn("fr"))
		}, "fr", "reloaded"},
		{"rewritten in place", func(t *testing.T, path string) {
			t.Helper()
			writeFile(t, path, geotest.CityBytes(t, networkIn("fr")))
		}, "fr", "reloaded"},
		{"rewritten in place, slowly", func(t *testing.T, path string) {
			t.Helper()
			writeSlowly(t, path, geotest.CityBytes(t, networkIn("fr")))
		}, "fr", "reloaded"},
		{"rewritten with the times and size of before", func(t *testing.T, path string) {
			t.Helper()
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path, geotest.CityBytes(t, networkIn("fr")))
			if err := os.Chtimes(path, st.ModTime(), st.ModTime()); err != nil {
				t.Fatal(err)
			}
		}, "fr", "reloaded"},
		{"removed and made again", func(t *testing.T, path string) {
			t.Helper()
			remove(t, path)
			time.Sleep(2 * settleTime)
			geotest.City(t, path, networkIn("fr"))
		}, "fr", "reloaded"},
		{"broken", func(t *testing.T, path string) {
			t.Helper()
			writeFile(t, path, []byte("<html>you have reached your daily limit</html>"))
		}, "de", "cannot be used"},
		{"truncated", func(t *testing.T, path string) {
			t.Helper()
			content := geotest.CityBytes(t, networkIn("fr"))
			writeFile(t, path, content[:len(content)-100])
		}, "de", "cannot be used"},
		{"another kind", func(t *testing.T, path string) {
			t.Helper()
			geotest.ASN(t, path, []geotest.Network{{CIDR: "192.0.2.0/24", ASN: 1}})
		}, "de", "cannot be used"},
		{"removed", remove, "de", "is gone"},
		{"broken, then good", func(t *testing.T, path string) {
			t.Helper()
			writeFile(t, path, nil)
			time.Sleep(2 * settleTime)
			geotest.City(t, path, networkIn("fr"))
		}, "fr", "reloaded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := geotest.City(t, "", networkIn("de"))
			log := new(lockedBuffer)
			db, err := Open(path, slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			test.change(t, path)
			waitFor(t, log, test.logged)
			if got, _ := db.Lookup(watched); got.Country != test.want {
				t.Errorf("country %q, want %q; log:\n%s", got.Country, test.want, log)
			}
		})
	}
}

// TestBrokenIsLoggedOnce rewrites a broken file again and again.
func TestBrokenIsLoggedOnce(t *testing.T) {
	t.Parallel()
	path := geotest.City(t, "", networkIn("de"))
	log := new(lockedBuffer)
	db, err := Open(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range 3 {
		writeFile(t, path, bytes.Repeat([]byte("broken\n"), i+1))
		waitFor(t, log, "cannot be used")
		time.Sleep(2 * settleTime)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
}

// TestWatchThroughLink replaces the folder that a link leads to, as Kubernetes
// does with mounted files.
func TestWatchThroughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, country := range []string{"de", "fr"} {
		if err := os.Mkdir(filepath.Join(dir, country), 0o755); err != nil {
			t.Fatal(err)
		}
		geotest.City(t, filepath.Join(dir, country, "x.mmdb"), networkIn(country))
	}
	link(t, "de", filepath.Join(dir, "data"))
	link(t, "data/x.mmdb", filepath.Join(dir, "x.mmdb"))

	log := new(lockedBuffer)
	db, err := Open(filepath.Join(dir, "x.mmdb"), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	link(t, "fr", filepath.Join(dir, "data.new"))
	if err := os.Rename(filepath.Join(dir, "data.new"), filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, log, "reloaded")
	if got, _ := db.Lookup(watched); got.Country != "fr" {
		t.Errorf("country %q, want fr", got.Country)
	}
}

func TestCloseWhileLookingUp(t *testing.T) {
	t.Parallel()
	path := geotest.City(t, "", networkIn("de"))
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if p, ok := db.Lookup(watched); !ok || p.Country != "de" && p.Country != "fr" {
					t.Errorf("Lookup = %v, %v", p, ok)
					return
				}
			}
		})
	}
	geotest.City(t, path, networkIn("fr"))
	time.Sleep(2 * settleTime)
	for range 3 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, ok := db.Lookup(watched); !ok {
		t.Error("no answer after Close")
	}
	close(stop)
	wg.Wait()
}

func writeFile(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// writeSlowly rewrites the file in place in ten parts with pauses between, so
// that it is watched while it is half there.
func writeSlowly(t *testing.T, path string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for part := range 10 {
		from, to := len(content)*part/10, len(content)*(part+1)/10
		if _, err := f.Write(content[from:to]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(settleTime / 3)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, log *lockedBuffer, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(log.String(), text) {
			return
		}
	}
	t.Fatalf("%q was not logged:\n%s", text, log)
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

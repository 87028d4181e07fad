package mirrorbrain

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func TestMissCounts(t *testing.T) {
	var m misses
	m.old.Store(10)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for id := range mirror.FileID(13) {
				m.count(id)
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	got := m.take()
	if len(got) != 2 || got[11] < 1 || got[11] > 4 || got[12] < 1 {
		t.Errorf("counted %v", got)
	}
	if got = m.take(); len(got) != 0 {
		t.Errorf("counted twice: %v", got)
	}
	for id := range mirror.FileID(1_000_000) {
		m.count(id + 11)
	}
	if n := len(m.take()); n == 0 || n > missSlots {
		t.Errorf("a million files take %d slots", n)
	}
	if n := testing.AllocsPerRun(100, func() { m.count(99) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func (d *depot) missedFolders() (folders []string) {
	d.t.Helper()
	list, err := d.store.Misses(d.t.Context())
	d.must(err)
	for _, m := range list {
		folders = append(folders, m.Folder)
	}
	return folders
}

func TestMisses(t *testing.T) {
	d := newDepot(t)
	d.file("new/a.iso", "new/b.iso", "held/c.iso", "rare/d.iso", "top.iso")
	d.mirror(mirror.Mirror{Name: "us", CountryOnly: true, Place: usa}, "held/c.iso")
	s := d.site(&Handler{})
	w := &missWatch{in: s.h.rt, app: s.app, folders: map[string]*missed{}}
	ask := func(times int, paths ...string) {
		t.Helper()
		for range times {
			for _, p := range paths {
				s.get(p).want(t, p, 0, "local no_mirror")
			}
		}
	}
	now := time.Now()
	ask(3, "/new/a.iso", "/new/b.iso")
	ask(missLeast-1, "/rare/d.iso", "/top.iso")
	ask(10, "/held/c.iso") // not for clients from here
	for range 10 {
		s.get("/rare/d.iso?country=fr", from("127.0.0.1")) // simulated
	}
	w.look(t.Context(), now)
	if diff := cmp.Diff([]string{"new"}, d.missedFolders()); diff != "" {
		t.Fatal(diff)
	}
	ask(1, "/top.iso")
	w.look(t.Context(), now.Add(missWindow))
	ask(1, "/rare/d.iso")
	w.look(t.Context(), now.Add(2*missWindow)) // too late for the others
	if diff := cmp.Diff([]string{"new", ""}, d.missedFolders()); diff != "" {
		t.Fatal(diff)
	}
	if len(w.folders) > 2 {
		t.Errorf("%d folders are remembered", len(w.folders))
	}
	// Files that are old by now are not even counted any more.
	ask(10, "/new/a.iso", "/rare/d.iso")
	w.look(t.Context(), now.Add(2*missAge))
	if n := len(d.missedFolders()); n != 2 {
		t.Errorf("%d folders", n)
	}
	ask(10, "/new/a.iso")
	if n := len(s.h.rt.db.misses.take()); n != 0 {
		t.Errorf("%d old files are counted", n)
	}
}

func TestMissesOff(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso")
	d.mirror(mirror.Mirror{Name: "m"})
	s := d.site(&Handler{BringScansForward: new(bool)})
	for range 10 {
		s.get("/a.iso").want(t, "miss", 0, "local no_mirror")
	}
	if n := len(s.h.rt.db.misses.take()); n != 0 || s.app.bringsForward(s.h.rt.db) {
		t.Errorf("%d files are counted", n)
	}
}

// TestMissesReadOnly has a database that takes no writes.
func TestMissesReadOnly(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso")
	d.mirror(mirror.Mirror{Name: "m"})
	s := d.site(&Handler{})
	ro, err := store.Open(d.url, store.Options{ReadOnly: true})
	d.must(err)
	t.Cleanup(func() { _ = ro.Close() })
	in := &instance{name: "read-only", db: &database{store: ro, catalog: s.h.rt.db.catalog}}
	w := &missWatch{in: in, app: s.app, folders: map[string]*missed{}}
	for range 2 {
		for range missLeast {
			in.db.misses.count(d.ids["a.iso"])
		}
		w.look(t.Context(), time.Now())
		if !w.mute {
			t.Error("nothing was said")
		}
	}
	if n := len(d.missedFolders()); n != 0 {
		t.Errorf("%d folders", n)
	}
}

// TestMissesEndToEnd asks a real Caddy, whose own loop tells the database.
func TestMissesEndToEnd(t *testing.T) {
	d := newDepot(t)
	d.file("release/1.0/x.iso")
	d.mirror(mirror.Mirror{Name: "m"})
	s := newServer(t)
	s.load("database "+d.url, "root * "+d.root+"\nmirrorbrain {\n health /healthz\n}\nfile_server")
	s.until("the catalog is there", func() bool {
		resp, _ := s.get("/healthz", "")
		return resp.StatusCode == http.StatusOK
	})
	for range 2 * missLeast {
		s.wants("/release/1.0/x.iso", "", 200, "")
	}
	end := time.Now().Add(2 * missEvery)
	for len(d.missedFolders()) == 0 {
		if time.Now().After(end) {
			t.Fatal("the database was not told")
		}
		time.Sleep(100 * time.Millisecond)
	}
	list, err := d.store.Misses(t.Context())
	d.must(err)
	if host, _ := os.Hostname(); list[0].Folder != filepath.Join("release", "1.0") || list[0].Who != host || !list[0].Wanted() {
		t.Errorf("told %s", fmt.Sprintf("%+v", list))
	}
}

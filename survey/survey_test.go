package survey

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/holding"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorstatus"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// each runs a test on both databases.
func each(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": func() string { return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(url(), store.Options{})
			must(t, err)
			t.Cleanup(func() { s.Close() })
			must(t, s.Prepare(t.Context()))
			test(t, s)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// index adds files and gives their ids.
func index(t *testing.T, s *store.Store, paths ...string) (ids []uint32) {
	t.Helper()
	ctx := t.Context()
	l, err := s.Acquire(ctx, "index", "test", time.Minute)
	must(t, err)
	var batch store.IndexBatch
	for _, p := range paths {
		batch.Add = append(batch.Add, store.NewFile{Path: p, Size: 1, MTime: 1e18, Precision: time.Second})
	}
	_, err = s.ApplyIndex(ctx, l, batch)
	must(t, err)
	must(t, s.FinishIndex(ctx, l, store.Origin{URL: "file:///x"}, store.IndexStats{}))
	must(t, s.Release(ctx, l))
	for _, p := range paths {
		v, err := s.VersionsOf(ctx, p)
		must(t, err)
		ids = append(ids, uint32(v[0].ID))
	}
	return ids
}

// addMirror makes a mirror that was scanned and holds some files.
func addMirror(t *testing.T, s *store.Store, m mirror.Mirror, held ...uint32) mirror.ID {
	t.Helper()
	ctx := t.Context()
	if m.HTTP == nil {
		m.HTTP = []string{"https://" + m.Name + ".example/"}
	}
	must(t, s.CreateMirror(ctx, &m, "me"))
	l, err := s.Acquire(ctx, "scan/"+m.Name, "test", time.Minute)
	must(t, err)
	_, err = s.CommitScan(ctx, l, store.ScanResult{
		Mirror: m.ID, Subtree: m.Subtree, Started: time.Now(), Protocol: "rsync",
		Knew: roaring.BitmapOf(held...), Found: roaring.BitmapOf(held...), Who: "test",
	})
	must(t, err)
	must(t, s.Release(ctx, l))
	return m.ID
}

func site(t *testing.T, s *store.Store, o Options) *mirrorstatus.Site {
	t.Helper()
	w, err := holding.World(t.Context(), s)
	must(t, err)
	got, err := New(s).Site(t.Context(), w, o)
	must(t, err)
	return got
}

// tree is what the mirrors of these tests hold parts of.
func tree(t *testing.T, s *store.Store) []uint32 {
	t.Helper()
	return index(t, s, "deb/a", "deb/b", "iso/a.iso", "iso/b.iso", "iso/c.iso", "README")
}

func TestSite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		ids := tree(t, s)
		must(t, s.SetMarkers(t.Context(), []store.Marker{
			{Name: "ISOs", Paths: []string{"iso/*"}}, {Name: "debs", Paths: []string{"deb/*"}},
		}, "me"))
		up := mirror.Mirror{Score: 100, Enabled: true}
		named := func(name string, change func(*mirror.Mirror)) mirror.Mirror {
			m := up
			m.Name = name
			if change != nil {
				change(&m)
			}
			return m
		}
		addMirror(t, s, named("z-most", nil), ids[:5]...)
		addMirror(t, s, named("iso", func(m *mirror.Mirror) { m.Subtree = "iso" }), ids[2], ids[3])
		addMirror(t, s, named("off", func(m *mirror.Mirror) { m.Enabled = false }), ids...)
		addMirror(t, s, named("own", func(m *mirror.Mirror) { m.ASOnly, m.ASNs = true, []uint32{64512} }), ids...)
		fresh := named("fresh", nil)
		must(t, s.CreateMirror(t.Context(), &fresh, "me"))
		got := site(t, s, Options{})
		var names []string
		for i := range got.Mirrors {
			names = append(names, got.Mirrors[i].Name)
		}
		if diff := cmp.Diff([]string{"fresh", "iso", "z-most"}, names); diff != "" {
			t.Fatalf("who is shown: %s", diff)
		}
		if got.Files != 6 || got.Covered != 5 || got.Partial || got.ShowFolders || time.Since(got.AsOf).Abs() > time.Minute {
			t.Errorf("site %+v", got)
		}
		if diff := cmp.Diff([]string{"deb", "iso"}, got.Folders); diff != "" {
			t.Errorf("folders: %s", diff)
		}
		if diff := cmp.Diff([]string{"ISOs", "debs"}, got.Markers); diff != "" {
			t.Errorf("markers: %s", diff)
		}
		most, iso := got.Find("z-most"), got.Find("iso")
		if most.Copy.Held != 5 || most.Copy.Files != 6 || most.State != mirror.StateUp || !most.Shared || len(most.Recent) != 1 || !most.Recent[0].OK {
			t.Errorf("most: %+v", most)
		}
		if diff := cmp.Diff([]mirror.MarkerCopy{{Held: 2, Files: 2, Has: true}, {Held: 3, Files: 3, Has: true}}, most.Folders); diff != "" {
			t.Errorf("folders of most: %s", diff)
		}
		if iso.Copy.Held != 2 || iso.Copy.Files != 3 {
			t.Errorf("iso: %+v", iso)
		}
		// Of a mirror of a part of the tree only that part counts.
		if diff := cmp.Diff([]mirror.MarkerCopy{{}, {Held: 2, Files: 3, Has: true}}, iso.Folders); diff != "" {
			t.Errorf("folders of iso: %s", diff)
		}
		if m := got.Find("fresh"); m.State == mirror.StateUp || len(m.Recent) > 0 || m.Copy.Held != 0 {
			t.Errorf("fresh: %+v", m)
		}
	})
}

// What the operator chooses is shown, in that order for folders and that of the
// database for markers; names that nothing has are no error.
func TestSiteOfChosen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		ids := tree(t, s)
		must(t, s.SetMarkers(t.Context(), []store.Marker{
			{Name: "ISOs", Paths: []string{"iso/*"}}, {Name: "debs", Paths: []string{"deb/*"}},
		}, "me"))
		addMirror(t, s, mirror.Mirror{Name: "m", Score: 1, Enabled: true}, ids[0])
		got := site(t, s, Options{Markers: []string{"debs", "no such"}, Folders: []string{"/iso/", "none", "deb"}})
		if diff := cmp.Diff([]string{"debs"}, got.Markers); diff != "" {
			t.Errorf("markers: %s", diff)
		}
		if diff := cmp.Diff([]mirror.MarkerCopy{{Held: 1, Files: 2, Has: true}}, got.Mirrors[0].Copy.Markers); diff != "" {
			t.Errorf("markers of the mirror: %s", diff)
		}
		if diff := cmp.Diff([]string{"iso", "none", "deb"}, got.Folders); diff != "" || !got.ShowFolders {
			t.Errorf("folders: %s", diff)
		}
		if diff := cmp.Diff([]mirror.MarkerCopy{{Files: 3, Has: true}, {}, {Held: 1, Files: 2, Has: true}}, got.Mirrors[0].Folders); diff != "" {
			t.Errorf("folders of the mirror: %s", diff)
		}
		none := site(t, s, Options{Markers: []string{}, Folders: []string{}})
		if len(none.Markers)+len(none.Folders)+len(none.Mirrors[0].Folders)+len(none.Mirrors[0].Copy.Markers) > 0 || !none.ShowFolders {
			t.Errorf("with nothing chosen: %+v", none)
		}
	})
}

// A node may know the mirrors as they were a moment ago.
func TestSiteOfAnOlderWorld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		ids := tree(t, s)
		addMirror(t, s, mirror.Mirror{Name: "m", Score: 1, Enabled: true}, ids...)
		got, err := New(s).Site(t.Context(), &catalog.World{}, Options{})
		must(t, err)
		if m := got.Mirrors[0]; len(got.Mirrors) != 1 || m.Copy.Files != 0 || m.Folders != nil || got.Covered != 0 || got.Files != 6 {
			t.Errorf("%+v", got)
		}
	})
}

func TestSiteOfNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		if got := site(t, s, Options{}); len(got.Mirrors)+len(got.Folders)+len(got.Markers) > 0 || got.Files+got.Covered > 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		ids := tree(t, s)
		id := addMirror(t, s, mirror.Mirror{Name: "m", Score: 1, Enabled: true}, ids[0], ids[1])
		addMirror(t, s, mirror.Mirror{Name: "other", Score: 1, Enabled: true}, ids...)
		r := New(s)
		h, err := r.History(t.Context(), id, time.Now())
		must(t, err)
		if len(h.Runs) != 1 || !h.Runs[0].OK || h.Runs[0].Held != 2 || h.Runs[0].Files != 6 {
			t.Errorf("%+v", h)
		}
		if h, err = r.History(t.Context(), id, time.Now().Add(2*mirrorstatus.MaxRange)); err != nil || len(h.Runs) > 0 {
			t.Errorf("long after: %+v %v", h, err)
		}
		if h, err = r.History(t.Context(), 999, time.Now()); err != nil || len(h.Runs)+len(h.Changes) > 0 {
			t.Errorf("of no mirror: %+v %v", h, err)
		}
	})
}

func TestPartial(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	w := &catalog.World{Mirrors: []*mirror.Mirror{
		{ID: 1, Name: "b", HTTP: []string{"https://b.example/"}, Score: 1, Enabled: true, Scan: mirror.ScanState{Succeeded: now}},
		{ID: 2, Name: "off", HTTP: []string{"https://off.example/"}, Score: 1},
		{ID: 3, Name: "a", HTTP: []string{"https://u:secret@a.example/"}, Score: 1, Enabled: true},
	}}
	got := Partial(w, now, 24*time.Hour)
	if !got.Partial || !got.AsOf.Equal(now) || len(got.Mirrors) != 2 || got.Mirrors[0].Name != "a" || got.Mirrors[1].Name != "b" {
		t.Fatalf("%+v", got)
	}
	if m := got.Mirrors[0]; len(m.URLs) > 0 || m.Shared || m.Copy.Files > 0 || m.State == mirror.StateUp {
		t.Errorf("a: %+v", m)
	}
	if m := got.Mirrors[1]; m.State != mirror.StateUp || len(m.URLs) != 1 {
		t.Errorf("b: %+v", m)
	}
}

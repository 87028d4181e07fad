package await

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// up is a mirror that takes requests.
func up(name, continent string, score int, change func(*mirror.Mirror)) mirror.Mirror {
	m := mirror.Mirror{Name: name, Score: score, Enabled: true, Scan: mirror.ScanState{Succeeded: now.Add(-time.Hour), Held: 1}}
	m.Continent = continent
	if change != nil {
		change(&m)
	}
	return m
}

func TestJudge(t *testing.T) {
	t.Parallel()
	all := roaring.BitmapOf(1, 2, 3, 4)
	some := roaring.BitmapOf(1, 2, 3, 9)
	old := roaring.BitmapOf(9)
	file := Target{Path: "a/x.iso", IDs: roaring.BitmapOf(1), Size: 1000}
	folder := Target{Path: "a", Folder: true, IDs: all}
	type one struct {
		m    mirror.Mirror
		held *roaring.Bitmap
	}
	eu, na := up("e", "eu", 100, nil), up("n", "na", 300, nil)
	for name, tt := range map[string]struct {
		target Target
		want   Want
		list   []one
		have   string
		lack   string // names with reasons
		enough bool
	}{
		"enough":          {file, Want{Mirrors: 2}, []one{{eu, all}, {na, some}}, "e,n", "", true},
		"too few":         {file, Want{Mirrors: 2}, []one{{eu, all}, {na, old}}, "e", "n: does not have it", false},
		"never scanned":   {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Scan = mirror.ScanState{} }), nil}}, "", "x: never scanned", false},
		"down":            {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Probe.Down = true }), all}}, "", "x: down", false},
		"scan too old":    {file, Want{Mirrors: 1, MaxScanAge: time.Minute}, []one{{eu, all}}, "", "e: scan too old", false},
		"quota spent":     {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Quota.Spent = true }), all}}, "", "x: quota spent", false},
		"switched off":    {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Enabled = false }), all}}, "", "", false},
		"off for a while": {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.DisabledUntil = now.Add(1) }), all}}, "", "", false},
		"score 0":         {file, Want{Mirrors: 1}, []one{{up("x", "eu", 0, nil), all}}, "", "", false},
		"too large":       {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.MaxSize = 999 }), all}}, "", "", false},
		"just not":        {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.MaxSize = 1000 }), all}}, "x", "", true},
		"elsewhere":       {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Subtree = "b" }), all}}, "", "", false},
		"another top":     {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Rules.Top = []string{"b"} }), all}}, "", "", false},
		"its top":         {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Rules.Top = []string{"a"} }), all}}, "x", "", true},
		"left out":        {file, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Rules.Exclude = []string{"*.iso"} }), all}}, "", "", false},
		"no mirrors":      {file, Want{Share: .01}, nil, "", "", false},
		"folder":          {folder, Want{Mirrors: 1}, []one{{eu, some}}, "", "e: has 3 of 4 files", false},
		"most of it":      {folder, Want{Mirrors: 1, Complete: .75}, []one{{eu, some}}, "e", "", true},
		"not enough":      {folder, Want{Mirrors: 1, Complete: .76}, []one{{eu, some}}, "", "e: has 3 of 4 files", false},
		"a part alone":    {folder, Want{Mirrors: 1}, []one{{up("x", "eu", 100, func(m *mirror.Mirror) { m.Subtree = "a/b" }), all}}, "", "", false},
		"share":           {file, Want{Share: .75}, []one{{eu, nil}, {na, all}}, "n", "e: does not have it", true},
		"less":            {file, Want{Mirrors: 1, Share: .76}, []one{{eu, nil}, {na, all}}, "n", "e: does not have it", false},
		"all of the load": {file, Want{Mirrors: 1, Share: 1}, []one{{eu, all}, {up("c", "", 33, nil), all}, {na, all}}, "c,e,n", "", true},
		"each continent":  {file, Want{Mirrors: 1, PerContinent: true}, []one{{eu, all}, {na, all}}, "e,n", "", true},
		"one continent":   {file, Want{Mirrors: 1, PerContinent: true}, []one{{eu, all}, {na, nil}}, "e", "n: does not have it", false},
		"few there":       {file, Want{Mirrors: 2, PerContinent: true}, []one{{eu, all}, {up("f", "eu", 1, nil), all}, {na, all}}, "e,f,n", "", true},
		"too few there":   {file, Want{Mirrors: 2, PerContinent: true}, []one{{eu, all}, {up("f", "eu", 1, nil), nil}, {na, all}}, "e,n", "f: does not have it", false},
		"place unknown":   {file, Want{Mirrors: 1, PerContinent: true}, []one{{eu, all}, {up("u", "", 1, nil), nil}}, "e", "u: does not have it", true},
		"down over there": {file, Want{Mirrors: 1, PerContinent: true}, []one{{eu, all}, {up("n", "na", 1, func(m *mirror.Mirror) { m.Probe.Down = true }), all}}, "e", "n: down", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Standing{Target: tt.target}
			var mirrors []mirror.Mirror
			var held []*roaring.Bitmap
			for _, o := range slices.Backward(tt.list) {
				mirrors, held = append(mirrors, o.m), append(held, o.held)
			}
			s.judge(tt.want, mirrors, held, now)
			var have, lack []string
			for _, m := range s.Have {
				have = append(have, m.Name)
			}
			for _, l := range s.Lack {
				lack = append(lack, l.Mirror.Name+": "+l.Why)
			}
			if strings.Join(have, ",") != tt.have || strings.Join(lack, ",") != tt.lack || s.Enough != tt.enough {
				t.Errorf("have %q, lack %q, enough %v\n%s", have, lack, s.Enough, s.String())
			}
		})
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	s := Standing{Target: Target{IDs: roaring.New()}}
	if got := s.String(); got != "not in the index yet" {
		t.Error(got)
	}
	s = Standing{
		Target: Target{IDs: roaring.BitmapOf(1)}, Have: []mirror.Mirror{{Name: "a"}}, Share: .25,
		Lack:       []Lacking{{mirror.Mirror{Name: "b"}, "down", false}, {mirror.Mirror{Name: "c"}, "does not have it", true}},
		Continents: map[string]Count{"eu": {1, 2, 2}, "na": {0, 1, 1}, "": {0, 1, 0}},
	}
	if got, want := s.String(), "1 of 3 mirrors have it, with 25% of the load, eu 1 of 2, na 0 of 1; not b (down), c"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.Lack = slices.Repeat(s.Lack, 10)
	if got := s.String(); !strings.HasSuffix(got, " and 10 more") {
		t.Error(got)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	aliases := map[string]string{"current": "rel/2.1", "rel/latest": "current", "x/loop": "x/loop", "all": "", "rel/2.1/x.iso": "rel/2.1/y.iso"}
	for in, want := range map[string]string{
		"current/x": "rel/2.1/x", "current": "rel/2.1", "rel/latest/z": "rel/2.1/z", "all/b": "b", "all": "", "": "",
		"currently": "currently", "x/loop/y": "x/loop/y", "current/x.iso": "rel/2.1/y.iso",
	} {
		if got := follow(aliases, in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"sqlite": "sqlite://" + filepath.Join(t.TempDir(), "mb.db"), "postgresql": pgtest.New(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLook(t, url)
		})
	}
}

func testLook(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(url, store.Options{})
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	must(db.Prepare(ctx))
	under := func(name string, fn func(store.Lease) error) {
		t.Helper()
		l, err := db.Acquire(ctx, name, "test", time.Minute)
		must(err)
		must(fn(l))
		must(db.Release(ctx, l))
	}
	look := func(path string) Standing {
		t.Helper()
		s, err := Look(ctx, db, Want{Path: path, Mirrors: 1}, time.Now())
		must(err)
		return s
	}
	if s := look("rel/x.iso"); s.Enough || !s.Target.IDs.IsEmpty() {
		t.Errorf("an empty database: %+v", s)
	}
	index := func(b store.IndexBatch) {
		t.Helper()
		under("index", func(l store.Lease) error {
			if _, err := db.ApplyIndex(ctx, l, b); err != nil {
				return err
			}
			return db.FinishIndex(ctx, l, store.Origin{URL: "file:///x"}, store.IndexStats{})
		})
	}
	index(store.IndexBatch{
		Add:        []store.NewFile{{Path: "rel/x.iso", Size: 5, MTime: 1, Precision: 1}, {Path: "rel/y.iso", Size: 5, MTime: 1, Precision: 1}},
		AddAliases: []store.Alias{{Path: "latest", Target: "rel", Folder: true}},
	})
	rows, err := db.VersionsOf(ctx, "rel/x.iso")
	must(err)
	m := mirror.Mirror{Name: "m", HTTP: []string{"http://m.example/"}, Score: 100, Enabled: true}
	must(db.CreateMirror(ctx, &m, "test"))
	found := roaring.BitmapOf(uint32(rows[0].ID))
	under("scan", func(l store.Lease) error {
		_, err := db.CommitScan(ctx, l, store.ScanResult{Mirror: m.ID, Started: time.Now(), Protocol: "http", Knew: found, Found: found, Who: "test"})
		return err
	})
	for path, want := range map[string]bool{"rel/x.iso": true, "latest/x.iso": true, "rel/y.iso": false, "latest": false, "": false, "none": false} {
		if s := look(path); s.Enough != want {
			t.Errorf("%q: %s", path, s.String())
		}
	}
	if s := look("latest"); s.Target.Subtree() != "rel" || s.Lack[0].Why != "has 1 of 2 files" {
		t.Errorf("%+v", s)
	}
	if s := look("latest/x.iso"); s.Target.Subtree() != "rel" {
		t.Errorf("%+v", s)
	}
	// A new version of the file: the old copy counts no more.
	index(store.IndexBatch{Remove: []mirror.FileID{rows[0].ID}, Add: []store.NewFile{{Path: "rel/x.iso", Size: 6, MTime: 2, Precision: 1}}})
	if s := look("rel/x.iso"); s.Enough || s.Lack[0].Why != "does not have it" {
		t.Errorf("old copies count: %s", s.String())
	}
	if _, err := Look(ctx, db, Want{Path: "../x"}, time.Now()); err == nil {
		t.Error("left the tree")
	}
}

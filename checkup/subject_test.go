package checkup

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open("sqlite://"+filepath.Join(t.TempDir(), "m.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.Prepare(ctx))
	lease, err := db.Acquire(ctx, "index", "test", time.Minute)
	must(err)
	file := func(path string, size, mtime int64) store.NewFile {
		return store.NewFile{Path: path, Size: size, MTime: mtime, Precision: time.Nanosecond}
	}
	_, err = db.ApplyIndex(ctx, lease, store.IndexBatch{Add: []store.NewFile{
		file("a/x.tar.gz", 10, 100), file("a/3gib", 3<<30, 100), file("a/5gib", 5<<30, 100), file("a/9gib", 9<<30, 100), file("not/held", 9<<30, 1),
		file("project/trace/old", 1, 1), file("project/trace/new", 1, 50), file("project/trace/_hidden", 1, 99),
	}})
	must(err)
	must(db.FinishIndex(ctx, lease, store.Origin{URL: "file:///x"}, store.IndexStats{}))
	m := mirror.Mirror{Name: "m", HTTP: []string{"http://mirror.example/"}}
	must(db.CreateMirror(ctx, &m, "test"))
	held := roaring.New()
	var touched mirror.FileID
	for _, path := range []string{"a/x.tar.gz", "a/3gib", "a/5gib", "a/9gib"} {
		rows, err := db.VersionsOf(ctx, path)
		must(err)
		held.Add(uint32(rows[0].ID))
		touched = rows[0].ID
	}
	_, err = db.ApplyIndex(ctx, lease, store.IndexBatch{Touch: []store.Touch{{ID: touched, MTime: 200, Precision: time.Nanosecond}}})
	must(err)
	held.Add(4_000_000) // purged meanwhile
	must(db.SetHeld(ctx, m.ID, held, nil, "test"))

	s, err := Load(ctx, db, m, "")
	must(err)
	if s.Held != 4 || s.Carried != 8 || len(s.Files) != 4 || s.Small != nil {
		t.Errorf("%+v", s)
	}
	if s.Gzip == nil || s.Gzip.Path != "a/x.tar.gz" || s.Large[0].Path != "a/3gib" || s.Large[1].Path != "a/5gib" {
		t.Errorf("gzip %v, large %v", s.Gzip, s.Large)
	}
	if s.Trace == nil || s.Trace.Path != "project/trace/new" || s.Trace.Version.ID == 0 {
		t.Errorf("trace %+v", s.Trace)
	}
	earlier := 0
	for _, f := range s.Files {
		earlier += len(f.Earlier)
	}
	if earlier != 1 {
		t.Errorf("%d earlier times", earlier)
	}
	if s, err = Load(ctx, db, m, "other/trace"); err != nil || s.Trace.Path != "other/trace" || s.Trace.Version.ID != 0 {
		t.Errorf("%+v, %v", s.Trace, err)
	}
	m.Subtree = "nothing"
	if s, err = Load(ctx, db, m, ""); err != nil || s.Carried != 0 || s.Held != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

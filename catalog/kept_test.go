package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// startKept follows until the test ends, or stop is called.
func startKept(t *testing.T, c *Catalog, k *Kept, src Source, o BesideOptions) (stop func()) {
	t.Helper()
	if o.Every == 0 {
		o.Every = time.Millisecond
	}
	return inBackground(t, func(ctx context.Context) { FollowKept(ctx, c, k, src, o) })
}

// inBackground runs fn until the test ends, or stop is called.
func inBackground(t *testing.T, fn func(context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// wantBelow wants what is below a folder for so long.
func wantBelow(folder string, d time.Duration) func([]byte) time.Duration {
	return func(path []byte) time.Duration {
		if strings.HasPrefix(string(path), folder) {
			return d
		}
		return 0
	}
}

// ids gives what k has of a path, latest first.
func ids(k *Kept, path string) []mirror.FileID {
	var all []mirror.FileID
	for _, v := range k.Versions(path, 0, 0, nil) {
		all = append(all, v.ID)
	}
	return all
}

func isKept(k *Kept, path string, want ...mirror.FileID) func() bool {
	return func() bool { return cmp.Equal(ids(k, path), want) }
}

func TestKeptFollows(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	ago := func(d time.Duration) int64 { return now - int64(d) }
	db, c, k := newFakeDB(), New(Options{}), NewKept(Options{})
	a, other := db.add("a/x", 1), db.add("b/x", 1)
	db.commit()
	db.removeAt(a, ago(30*time.Minute))
	db.removeAt(other, ago(time.Minute))
	a2, old := db.add("a/x", 2), db.add("a/y", 1)
	db.removeAt(old, ago(2*time.Hour))
	db.commit()
	start(t, c, db, FollowOptions{})
	startKept(t, c, k, db, BesideOptions{})
	k.SetWant(time.Hour, wantBelow("a/", time.Hour))
	eventually(t, "what went before", isKept(k, "a/x", a))
	if k.Len() != 1 {
		t.Errorf("%d versions are kept, want 1: what is long gone or not wanted is not", k.Len())
	}
	got := k.Versions("a/x", a2, 0, nil)
	want := []KeptVersion{{Entry: Entry{ID: a, Size: 1, MTime: 1e9, Precision: time.Second}, Gone: ago(30 * time.Minute)}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(k.Versions("a/x", 0, ago(30*time.Minute), nil)) + len(k.Versions("a/x", a, 0, nil)); n != 0 {
		t.Errorf("%d versions that went too early, or are current", n)
	}

	// A change: a second version goes, and with the third the path.
	db.removeAt(a2, ago(10*time.Minute))
	a3 := db.add("a/x", 3)
	db.commit()
	eventually(t, "the second version", isKept(k, "a/x", a2, a))
	db.removeAt(a3, ago(0))
	db.commit()
	eventually(t, "the last version", isKept(k, "a/x", a3, a2, a))
	if _, res := c.Lookup("a/x"); res != NotFound {
		t.Errorf("the path is still there: %v", res)
	}

	// Other wishes: the table is read anew.
	k.SetWant(2*time.Minute, wantBelow("", 2*time.Minute))
	eventually(t, "what is wanted now", isKept(k, "b/x", other))
	if !isKept(k, "a/x", a3)() {
		t.Errorf("a/x: %v", ids(k, "a/x"))
	}
	k.SetWant(0, nil)
	eventually(t, "nothing is wanted", func() bool { return k.Len() == 0 })
	k.SetWant(time.Hour, wantBelow("a/", time.Hour))
	eventually(t, "a/x is wanted again", isKept(k, "a/x", a3, a2, a))
}

func TestKeptHistory(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	db, c, k := newFakeDB(), New(Options{}), NewKept(Options{})
	k.SetWant(time.Hour, wantBelow("", time.Hour))
	x, y := db.add("x", 1), db.add("y", 1)
	db.commit()
	db.removeAt(x, now)
	db.commit()
	start(t, c, db, FollowOptions{})
	startKept(t, c, k, db, BesideOptions{})
	eventually(t, "x", isKept(k, "x", x))
	before := db.backup()

	// Away: the table stays. A replica that is behind is left alone.
	db.removeAt(y, now)
	db.commit()
	eventually(t, "y", isKept(k, "y", y))
	db.set(func(d *fakeDB) { d.err = errors.New("away") })
	time.Sleep(30 * time.Millisecond)
	late := db.backup()
	db.restore(before)
	db.set(func(d *fakeDB) { d.err, d.standby = nil, true })
	time.Sleep(50 * time.Millisecond)
	if !isKept(k, "x", x)() || !isKept(k, "y", y)() {
		t.Error("a replica that is behind, or no database, changed the table")
	}
	db.restore(late)
	db.set(func(d *fakeDB) { d.standby = false })

	// Restored from a backup: y is there again.
	db.restore(before)
	db.add("z", 1)
	db.commit()
	db.add("zz", 1)
	db.commit()
	eventually(t, "another history", func() bool { return isKept(k, "y")() && found(c, "zz") })
	if !isKept(k, "x", x)() {
		t.Error("x is not kept after a restore")
	}
}

// TestKeptBroken breaks off a reading and lets another hang.
func TestKeptBroken(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	db := newFakeDB()
	c, log := newLogged()
	k := NewKept(Options{})
	k.SetWant(time.Hour, wantBelow("", time.Hour))
	x, y := db.add("x", 1), db.add("y", 1)
	db.commit()
	db.removeAt(x, now)
	db.removeAt(y, now)
	db.commit()
	mustSync(t, c, db)
	db.set(func(d *fakeDB) { d.breakAt = 1 })
	stop := startKept(t, c, k, db, BesideOptions{})
	eventually(t, "it is said", func() bool { return log.count("was not read") == 1 })
	if k.Len() != 0 {
		t.Error("half a reading was taken")
	}
	db.set(func(d *fakeDB) { d.breakAt = 0 })
	eventually(t, "both", func() bool { return isKept(k, "x", x)() && isKept(k, "y", y)() })
	if log.count("was not read") != 1 {
		t.Error("it was said again and again")
	}
	stop()
}

// keptOf has n versions of one path, gone at 1, 2 and so on, for an hour each.
func keptOf(key [16]byte, path string, n int) *keptTable {
	table := newKeptTable(key, nil)
	w := &keptWant{time.Hour, wantBelow("", time.Hour)}
	var ops []op[keptVal]
	for i := range n {
		f := FileRow{Path: []byte(path)}
		f.ID, f.Gone = mirror.FileID(i+1), int64(i+1)
		key, v, _ := table.val(w, &f, int64(n))
		ops = append(ops, op[keptVal]{key: key, val: v})
	}
	return table.with(ops)
}

func TestKeptSweep(t *testing.T) {
	t.Parallel()
	table := keptOf([16]byte{1}, "p", 3)
	if now := table.without(int64(time.Hour) + 2); now.versions.n != 1 || table.versions.n != 3 {
		t.Errorf("%d of %d versions are left", now.versions.n, table.versions.n)
	}
	if table.without(0) != table {
		t.Error("a sweep without dust made a new table")
	}
}

// TestKeptCollision: two paths with one hash have no versions.
func TestKeptCollision(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	same := func(_ [16]byte, p string) uint64 { return uint64(len(p)) }
	db := newFakeDB()
	c, k := New(Options{Hash: same}), NewKept(Options{Hash: same})
	k.SetWant(time.Hour, wantBelow("", time.Hour))
	a := db.add("a", 1)
	db.commit()
	db.removeAt(a, now)
	db.commit()
	mustSync(t, c, db)
	start(t, c, db, FollowOptions{})
	startKept(t, c, k, db, BesideOptions{})
	eventually(t, "a", isKept(k, "a", a))
	if !isKept(k, "b")() {
		t.Error("b has a's version")
	}
	b := db.add("b", 1)
	db.commit()
	db.removeAt(b, now)
	db.commit()
	eventually(t, "both are in", func() bool { return k.Len() == 2 })
	if !isKept(k, "a")() || !isKept(k, "b")() {
		t.Errorf("a: %v, b: %v", ids(k, "a"), ids(k, "b"))
	}
}

func TestKeptFile(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixNano()
	file := filepath.Join(t.TempDir(), "catalog")
	db, c, k := newFakeDB(), New(Options{}), NewKept(Options{})
	k.SetWant(time.Hour, wantBelow("", time.Hour))
	x := db.add("x", 1)
	db.commit()
	db.removeAt(x, now)
	db.commit()
	start(t, c, db, FollowOptions{File: file})
	stop := startKept(t, c, k, db, BesideOptions{File: file})
	eventually(t, "x", isKept(k, "x", x))
	stop()
	raw, err := os.ReadFile(file + keptSuffix)
	if err != nil {
		t.Fatal(err)
	}

	// A start with the database away, and then with it.
	db.set(func(d *fakeDB) { d.err = errors.New("away") })
	again, empty := NewKept(Options{}), New(Options{})
	again.SetWant(time.Hour, wantBelow("", time.Hour))
	stop = startKept(t, empty, again, db, BesideOptions{File: file})
	eventually(t, "x from the file", isKept(again, "x", x))
	start(t, empty, db, FollowOptions{})
	y := db.add("y", 1)
	db.commit()
	db.removeAt(y, now)
	db.commit()
	db.set(func(d *fakeDB) { d.err = nil })
	eventually(t, "y", isKept(again, "y", y))
	stop()

	// Damaged files are not used.
	for i := range raw {
		bad := append([]byte(nil), raw...)
		bad[i] ^= 4
		if _, err := readKept(strings.NewReader(string(bad)), int64(len(bad)), nil); err == nil {
			t.Errorf("byte %d is damaged, and nobody says so", i)
		}
		if _, err := readKept(strings.NewReader(string(raw[:i])), int64(i), nil); err == nil {
			t.Errorf("cut off after %d bytes, and nobody says so", i)
		}
	}
	if err := os.WriteFile(file+keptSuffix, raw[:len(raw)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	third := NewKept(Options{})
	stop = startKept(t, New(Options{Logger: slog.New(slog.NewTextHandler(log, nil))}), third, db, BesideOptions{File: file})
	eventually(t, "it is said", func() bool { return log.count("is not used") == 1 })
	stop()
}

func FuzzKeptFile(f *testing.F) {
	t := keptOf([16]byte{1}, "p", 2)
	var b strings.Builder
	if err := t.write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(b.String()))
	f.Add([]byte(b.String()[:b.Len()-9]))
	f.Fuzz(func(t *testing.T, p []byte) {
		for range 2 {
			table, err := readKept(bytes.NewReader(p), int64(len(p)), nil)
			if err == nil {
				k := NewKept(Options{})
				k.table.Store(table)
				k.Versions("p", 0, 0, nil)
				err = table.write(io.Discard)
			}
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("error %v", err)
			}
			p = bytes.Clone(p)
			reseal(p)
		}
	})
}

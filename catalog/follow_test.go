package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var testPrefixes = []Prefix{
	{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ASN: 64512},
	{Prefix: netip.MustParsePrefix("2001:db8::/32"), ASN: 64513},
	{Prefix: netip.MustParsePrefix("::ffff:1.2.3.4/128"), ASN: 1},
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func newLogged() (*Catalog, *logBuffer) {
	l := &logBuffer{}
	return New(Options{Logger: slog.New(slog.NewTextHandler(l, nil))}), l
}

// start follows until the test ends, or stop is called.
func start(t *testing.T, c *Catalog, src Source, o FollowOptions) (stop func()) {
	t.Helper()
	if o.Poll == 0 {
		o.Poll = 5 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Follow(ctx, c, src, o)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func found(c *Catalog, path string) bool {
	_, res := c.Lookup(path)
	return res == Found
}

func TestFollowChanges(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, log := newLogged()
	if c.Ready() || found(c, "a") || c.Holdings() == nil {
		t.Error("an empty catalog is not as it should be")
	}
	start(t, c, db, FollowOptions{})
	eventually(t, "an empty database is loaded", c.Ready)

	a := db.add("a", 1)
	db.link("l", "folder", true)
	db.settings["max_scan_age"] = "1h"
	db.commit()
	eventually(t, "file a", func() bool { return found(c, "a") })
	if got, _ := c.Resolve("l/x"); got != "folder/x" || c.View().Setting("max_scan_age") != "1h" {
		t.Errorf("alias or setting did not follow: %q", got)
	}
	db.remove(a)
	a2 := db.add("a", 2)
	db.digest(a2, [32]byte{9})
	db.link("l", "elsewhere", true)
	head := db.commit()
	eventually(t, "the new version of a", func() bool { return c.View().Head() == head })
	e, res := c.Lookup("a")
	sum, ok := c.SHA256(a2)
	if res != Found || e.ID != a2 || !ok || sum[0] != 9 {
		t.Errorf("a: %+v %v, digest %v %v", e, res, sum, ok)
	}
	if got, _ := c.Resolve("l/x"); got != "elsewhere/x" {
		t.Errorf("alias did not follow: %q", got)
	}
	db.remove(a2)
	db.unlink("l")
	head = db.commit()
	eventually(t, "a is removed", func() bool { return c.View().Head() == head })
	if _, ok := c.SHA256(a2); ok || found(c, "a") {
		t.Error("a removed file is still there")
	}
	if _, alias := c.Resolve("l/x"); alias {
		t.Error("a removed alias is still there")
	}
	_, since := c.Position()
	eventually(t, "the position is confirmed again", func() bool { _, s := c.Position(); return s.After(since) })
	if n := log.count("level=WARN"); n != 0 {
		t.Errorf("%d warnings", n)
	}
}

func TestFollowRestored(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, log := newLogged()
	db.add("old", 1)
	db.putMirror(mirror.Mirror{ID: 1, Name: "one"})
	db.commit()
	start(t, c, db, FollowOptions{})
	eventually(t, "old", func() bool { return found(c, "old") })
	before := c.Holdings()
	backup := db.backup()
	db.add("new", 2)
	db.commit()
	eventually(t, "new", func() bool { return found(c, "new") })

	db.restore(backup)
	eventually(t, "the state before", func() bool { return !found(c, "new") && found(c, "old") })
	if c.Holdings().Mirrors[0] != before.Mirrors[0] || c.Holdings().Version != before.Version {
		t.Error("mirrors that did not change are new after reading afresh")
	}
	// The restored database goes on and passes the revision of the old one.
	db.add("other", 3)
	db.commit()
	db.commit()
	eventually(t, "other", func() bool { return found(c, "other") && !found(c, "new") })
	if log.count("another history") != 1 {
		t.Errorf("log: %s", log.b.String())
	}
}

// TestFollowEmptied: a database that was set up anew in the place of the one that
// was followed does not take everything away, and is followed once it is filled.
func TestFollowEmptied(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, log := newLogged()
	empty := db.backup()
	db.add("old", 1)
	db.putMirror(mirror.Mirror{ID: 1, Name: "one"})
	db.commit()
	start(t, c, db, FollowOptions{})
	eventually(t, "old", func() bool { return found(c, "old") })

	db.restore(empty)
	db.commit()
	eventually(t, "the warning", func() bool { return log.count("another one and empty") > 0 })
	time.Sleep(50 * time.Millisecond)
	if !found(c, "old") || len(c.Holdings().Mirrors) != 1 {
		t.Error("an empty database took everything away")
	}
	if n := log.count("another one and empty"); n != 1 {
		t.Errorf("said %d times", n)
	}
	db.add("new", 2)
	db.commit()
	eventually(t, "new", func() bool { return found(c, "new") && !found(c, "old") })
}

// TestFollowRestoredUnseen has the restored database pass our revision between
// two polls: only the stamp tells.
func TestFollowRestoredUnseen(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	db.add("old", 1)
	db.commit()
	backup := db.backup()
	db.add("new", 2)
	db.commit()
	mustSync(t, c, db)
	db.restore(backup)
	for range 3 {
		db.add("other", 3)
		db.commit()
	}
	mustSync(t, c, db)
	if found(c, "new") || !found(c, "old") {
		t.Error("a restored database with a higher revision was taken for ours")
	}
}

func TestFollowOtherKey(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	db.add("a", 1)
	db.commit()
	mustSync(t, c, db)
	db.key = [16]byte{99}
	db.add("b", 1)
	db.commit()
	mustSync(t, c, db)
	if !found(c, "a") || !found(c, "b") || c.View().hash.key != db.key {
		t.Error("with another key the files are not found")
	}
}

func TestFollowLaggingReplica(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, log := newLogged()
	db.add("a", 1)
	db.commit()
	start(t, c, db, FollowOptions{})
	eventually(t, "a", func() bool { return found(c, "a") })
	replica := db.backup()
	db.add("b", 1)
	db.commit()
	eventually(t, "b", func() bool { return found(c, "b") })
	primary := db.backup()

	db.set(func(d *fakeDB) { d.fakeState, d.standby = replica, true })
	eventually(t, "the lag is said", func() bool { return log.count("is behind the catalog") == 1 })
	time.Sleep(50 * time.Millisecond)
	if !found(c, "b") {
		t.Error("a lagging replica took the catalog back")
	}
	db.set(func(d *fakeDB) { d.fakeState = primary })
	db.add("c", 1)
	db.commit()
	eventually(t, "c", func() bool { return found(c, "c") && found(c, "b") })
	if log.count("is behind the catalog") != 1 || log.count("replica has caught up") != 1 || log.count("another history") != 0 {
		t.Errorf("log: %s", log.b.String())
	}
}

// TestFollowReplicaOfRestored: the replica is behind us for ever, because its
// primary was restored and goes on from there.
func TestFollowReplicaOfRestored(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	db.add("a", 1)
	db.commit()
	mustSync(t, c, db)
	backup := db.backup()
	for i := range 10 {
		db.add(fmt.Sprintf("lost%d", i), 1)
		db.commit()
		mustSync(t, c, db)
	}
	db.restore(backup)
	db.standby = true
	db.add("b", 1)
	db.commit()
	mustSync(t, c, db)
	if found(c, "lost3") || !found(c, "a") || !found(c, "b") {
		t.Error("the replica of a restored database was taken for one that lags")
	}
}

func TestFollowBrokenDelta(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	for i := range 10 {
		db.add(fmt.Sprint(i), 1)
	}
	db.commit()
	mustSync(t, c, db)
	before := c.View()
	db.remove(4)
	db.add("3", 2)
	db.add("x", 2)
	db.commit()
	f := newFollower(c, db, FollowOptions{})
	for _, at := range []int{1, 5, 11} {
		db.set(func(d *fakeDB) { d.breakAt = at })
		if err := f.sync(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("error %v", err)
		}
		if c.View() != before {
			t.Error("half of a change was applied")
		}
	}
	db.set(func(d *fakeDB) { d.breakAt = 0 })
	mustSync(t, c, db)
	if e, _ := c.Lookup("3"); e.Size != 2 || !found(c, "x") {
		t.Error("the change is not there once it can be read")
	}
}

func TestFollowLostAndBack(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"error", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			db := newFakeDB()
			c, log := newLogged()
			db.add("a", 1)
			db.commit()
			stop := start(t, c, db, FollowOptions{Timeout: 20 * time.Millisecond})
			eventually(t, "a", func() bool { return found(c, "a") })
			hang := make(chan struct{})
			db.set(func(d *fakeDB) {
				if how == "hang" {
					d.hang = hang
				} else {
					d.err = errBroken
				}
			})
			eventually(t, "the loss is said", func() bool { return log.count("does not answer") == 1 })
			if !found(c, "a") || !c.Ready() {
				t.Error("the catalog went with the database")
			}
			time.Sleep(50 * time.Millisecond)
			db.add("b", 1)
			db.commit()
			db.set(func(d *fakeDB) { d.hang, d.err = nil, nil })
			close(hang)
			eventually(t, "b", func() bool { return found(c, "b") })
			stop()
			if log.count("does not answer") != 1 || log.count("is back") != 1 {
				t.Errorf("log: %s", log.b.String())
			}
		})
	}
}

func TestFollowStopsWhileHanging(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, _ := newLogged()
	hang := make(chan struct{})
	db.hang = hang
	stop := start(t, c, db, FollowOptions{})
	time.Sleep(10 * time.Millisecond)
	stop()
	close(hang)
}

func TestFollowLargeBatch(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	for i := range 30_000 {
		db.add(fmt.Sprintf("first/%d", i), int64(i))
	}
	db.commit()
	mustSync(t, c, db)
	for i := range 30_000 {
		if i%3 == 0 {
			db.remove(mirror.FileID(i + 1))
		}
	}
	for i := range 40_000 {
		db.add(fmt.Sprintf("second/%d", i), int64(i))
	}
	db.commit()
	mustSync(t, c, db)
	if got := c.View().Files(); got != 60_000 {
		t.Errorf("%d files, want 60000", got)
	}
	for i := range 30_000 {
		if found(c, fmt.Sprintf("first/%d", i)) != (i%3 != 0) || !found(c, fmt.Sprintf("second/%d", i)) {
			t.Fatalf("file %d is wrong", i)
		}
	}
}

// TestFollowCollision weakens the hash, so that names collide.
func TestFollowCollision(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c := New(Options{Hash: func(_ [16]byte, p string) uint64 { return uint64(p[0]) << 50 }})
	db.add("apple", 1)
	avocado := db.add("avocado", 2)
	db.add("banana", 3)
	db.commit()
	check := func(path string, want Result) {
		t.Helper()
		if _, res := c.Lookup(path); res != want {
			t.Errorf("%s: %v, want %v", path, res, want)
		}
	}
	mustSync(t, c, db)
	check("apple", Ambiguous)
	check("avocado", Ambiguous)
	check("banana", Found)
	path := filepath.Join(t.TempDir(), "catalog")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	d := New(Options{Hash: c.hash})
	if err := d.Load(path); err != nil {
		t.Fatal(err)
	}
	if _, res := d.Lookup("apple"); res != Ambiguous {
		t.Errorf("after loading: %v", res)
	}
	db.remove(avocado)
	db.commit()
	mustSync(t, c, db)
	check("apple", Found)
	db.add("apricot", 5)
	db.commit()
	mustSync(t, c, db)
	check("apple", Ambiguous)
}

func TestFollowFile(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	db.add("a", 1)
	db.commit()
	file := filepath.Join(t.TempDir(), "catalog")
	c, _ := newLogged()
	stop := start(t, c, db, FollowOptions{File: file, SaveEvery: time.Hour})
	eventually(t, "the file is written", func() bool { _, err := os.Stat(file); return err == nil })
	db.add("b", 1)
	head := db.commit()
	eventually(t, "b", func() bool { return found(c, "b") })
	stop()

	// The database is away at the next start.
	db.set(func(d *fakeDB) { d.err = errBroken })
	d, log := newLogged()
	stop = start(t, d, db, FollowOptions{File: file})
	eventually(t, "a catalog from the file", d.Ready)
	if got, since := d.Position(); got != head || since.IsZero() || !found(d, "b") {
		t.Errorf("position %v %v, want %v", got, since, head)
	}
	db.add("c", 1)
	db.commit()
	db.set(func(d *fakeDB) { d.err = nil })
	eventually(t, "c", func() bool { return found(d, "c") })
	stop()
	if log.count("from file") != 1 || log.count("another history") != 0 || log.count("from the database") != 0 {
		t.Errorf("log: %s", log.b.String())
	}

	// A damaged file is as good as none.
	if err := os.WriteFile(file, []byte("MBcatalg and nothing else"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, log := newLogged()
	start(t, e, db, FollowOptions{File: file})
	eventually(t, "c without the file", func() bool { return found(e, "c") })
	if log.count("catalog file is not used") != 1 {
		t.Errorf("log: %s", log.b.String())
	}
}

func TestFollowPrefixes(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	file := filepath.Join(t.TempDir(), "catalog")
	var mu sync.Mutex
	var got []Prefix
	calls, refuse := 0, false
	o := FollowOptions{File: file, OnPrefixes: func(each func(func(Prefix) error) error) error {
		var list []Prefix
		if err := each(func(p Prefix) error { list = append(list, p); return nil }); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if calls++; refuse {
			return errBroken
		}
		got = list
		return nil
	}}
	have := func(want []Prefix) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return cmp.Equal(got, want, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
		}
	}
	c, log := newLogged()
	stop := start(t, c, db, o)
	eventually(t, "ready", c.Ready)
	db.set(func(d *fakeDB) { d.prefixes, d.generation = testPrefixes[:1], 1 })
	db.commit()
	eventually(t, "the first prefixes", have(testPrefixes[:1]))
	db.set(func(d *fakeDB) { d.prefixes, d.generation = testPrefixes, 2 })
	db.commit()
	eventually(t, "the second prefixes", have(testPrefixes))
	mu.Lock()
	refuse = true
	mu.Unlock()
	db.set(func(d *fakeDB) { d.prefixes, d.generation = testPrefixes[1:], 3 })
	db.commit()
	eventually(t, "a refusal is said", func() bool { return log.count("the table of prefixes was not read") == 1 })
	stop()

	mu.Lock()
	got, refuse, calls = nil, false, 0
	mu.Unlock()
	db.set(func(d *fakeDB) { d.err = errBroken })
	c, _ = newLogged()
	start(t, c, db, o)
	eventually(t, "the prefixes of the file", have(testPrefixes))
	db.set(func(d *fakeDB) { d.err = nil })
	eventually(t, "the third prefixes", have(testPrefixes[1:]))
	mu.Lock()
	defer mu.Unlock()
	if calls != 2 {
		t.Errorf("handed over %d times, want twice", calls)
	}
}

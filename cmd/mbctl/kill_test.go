package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// ordeal is a database with mirrors of a tree that has changed since they were
// credited with all of it.
type ordeal struct {
	t       *testing.T
	url     string
	db      *store.Store
	mirrors []mirror.Mirror
	was, is *roaring.Bitmap // what each holds before and after its next scan
	root    string
}

func (o *ordeal) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// newOrdeal makes n mirrors of a tree of some files.
func newOrdeal(t *testing.T, url string, n, files int) *ordeal {
	t.Helper()
	o := &ordeal{t: t, url: url, root: t.TempDir()}
	var err error
	o.db, err = store.Open(url, store.Options{})
	o.ok(err)
	t.Cleanup(func() { o.db.Close() })
	o.ok(o.db.Prepare(t.Context()))
	o.put(0, files)
	web := httptest.NewServer(http.FileServer(http.Dir(o.root)))
	t.Cleanup(web.Close)
	rsync := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: o.root}).URL("pub")
	for i := range n {
		m := mirror.Mirror{Name: fmt.Sprintf("m%d", i), HTTP: []string{web.URL + "/"}, Rsync: rsync, Score: 100, Enabled: true}
		o.ok(o.db.CreateMirror(t.Context(), &m, "test"))
		o.mirrors = append(o.mirrors, m)
	}
	o.index()
	o.was = roaring.New()
	o.ok(o.db.Read(t.Context(), func(s *store.Snapshot) error {
		return s.Files(0, func(f store.FileRow) error { o.was.Add(uint32(f.ID)); return nil })
	}))
	for i := range o.mirrors {
		o.ok(o.db.SetHeld(t.Context(), o.mirrors[i].ID, o.was, nil, "test"))
	}
	for i := range files / 4 {
		o.ok(os.Remove(o.file(i)))
	}
	o.put(files, files/2)
	o.index()
	return o
}

func (o *ordeal) file(i int) string {
	return filepath.Join(o.root, fmt.Sprintf("d%d", i%7), fmt.Sprintf("f%d", i))
}

func (o *ordeal) put(first, n int) {
	o.t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := first; i < first+n; i++ {
		o.ok(os.MkdirAll(filepath.Dir(o.file(i)), 0o755))
		o.ok(os.WriteFile(o.file(i), make([]byte, 100+i), 0o644))
		o.ok(os.Chtimes(o.file(i), at, at))
	}
}

func (o *ordeal) index() {
	o.t.Helper()
	_, err := origin.Index(o.t.Context(), o.db, origin.Options{Root: o.root, Force: true})
	o.ok(err)
}

func (o *ordeal) holdings(m *mirror.Mirror) *roaring.Bitmap {
	o.t.Helper()
	h, err := o.db.HoldingsOf(o.t.Context(), m.ID)
	o.ok(err)
	return h.Held
}

// mbctl gives the command, to be run as a process of its own.
func (o *ordeal) mbctl(ctx context.Context, args ...string) *exec.Cmd {
	o.t.Helper()
	self, err := os.Executable()
	o.ok(err)
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"mbctl", "--database", o.url}, args...)
	cmd.Env = append(os.Environ(), "MB=", "MIRRORBRAIN_DATABASE=")
	return cmd
}

// sound checks what must be true of the database whatever was killed.
func (o *ordeal) sound(m *mirror.Mirror) (scanned bool) {
	o.t.Helper()
	now, err := o.db.Mirror(o.t.Context(), m.Name)
	o.ok(err)
	got, known := o.holdings(m), uint64(0)
	o.ok(o.db.Paths(o.t.Context(), got, func(mirror.FileID, []byte, mirror.Version) error { known++; return nil }))
	if known != got.GetCardinality() {
		o.t.Errorf("%s holds %d files, of which %d exist", m.Name, got.GetCardinality(), known)
	}
	if now.Scan.Error != "" {
		o.t.Errorf("%s: it is to blame: %+v", m.Name, now.Scan)
	}
	scanned = !now.Scan.Succeeded.Equal(m.Scan.Succeeded)
	want := o.was
	if scanned {
		want = o.is
	}
	if !got.Equals(want) {
		o.t.Errorf("%s (scanned: %v) holds %d files, want %d", m.Name, scanned, got.GetCardinality(), want.GetCardinality())
	}
	lease, err := o.db.Acquire(o.t.Context(), scanner.LeaseName(m.ID, ""), "test", time.Minute)
	if le, ok := errors.AsType[*store.LeasedError](err); ok {
		if left := time.Until(le.Until); left > time.Minute+5*time.Second {
			o.t.Errorf("%s is kept for %v", m.Name, left)
		}
		return scanned
	}
	o.ok(err)
	o.ok(o.db.Release(o.t.Context(), lease))
	return scanned
}

// kill scans mirrors, each in a process that is killed within a time.
func (o *ordeal) kill(next <-chan *mirror.Mirror, within time.Duration) {
	revision := int64(0)
	for m := range next {
		cmd := o.mbctl(o.t.Context(), "scan", m.Name)
		if err := cmd.Start(); err != nil {
			o.t.Error(err)
			continue
		}
		time.Sleep(time.Duration(rand.Int64N(int64(within))))
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		head, err := o.db.Head(o.t.Context())
		if err != nil || head.Revision < revision {
			o.t.Errorf("the revision was %d, is %d: %v", revision, head.Revision, err)
		}
		revision = head.Revision
	}
}

// Scans are killed at random moments, a hundred times on each database: a mirror
// holds what it did before, or what the scan found, and nothing else is left of
// it but a lease that ends.
func TestScansKilled(t *testing.T) {
	t.Parallel()
	const kills, atOnce = 50, 4 // on each database
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { t.Helper(); return "sqlite://" + filepath.Join(t.TempDir(), "mb.db") },
		"postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrdeal(t, url(t), kills+1, 80)
			all, err := o.db.Mirrors(t.Context())
			o.ok(err)
			// One that lives shows how long a scan takes, and what it finds.
			began := time.Now()
			if out, err := o.mbctl(t.Context(), "scan", o.mirrors[kills].Name).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			took := time.Since(began)
			o.is = o.holdings(&o.mirrors[kills])
			if o.is.Equals(o.was) {
				t.Fatal("nothing changes")
			}
			next := make(chan *mirror.Mirror)
			var wg sync.WaitGroup
			for range atOnce {
				wg.Go(func() { o.kill(next, 3*took) })
			}
			for i := range kills {
				next <- &o.mirrors[i]
			}
			close(next)
			wg.Wait()
			done := 0
			for _, m := range all {
				if o.sound(&m) {
					done++
				}
			}
			t.Logf("a scan takes %v; %d of %d were done before they were killed", took, done-1, kills)
			if wrong, err := o.db.Check(t.Context()); err != nil || len(wrong) > 0 {
				t.Errorf("the database after all kills: %v, %v", wrong, err)
			}
		})
	}
}

// Without room on the disk, here within a limit for the size of files, a scan
// says so, and loses nothing.
func TestScanDiskFull(t *testing.T) {
	t.Parallel()
	limits := []int{8, 66, 80, 90, 100, 120, 1 << 20} // blocks of 512 bytes; 64 are needed to begin with
	file := filepath.Join(t.TempDir(), "mb.db")
	o := newOrdeal(t, "sqlite://"+file, len(limits), 500)
	all, err := o.db.Mirrors(t.Context())
	o.ok(err)
	self, err := os.Executable()
	o.ok(err)
	mbctl := filepath.Join(t.TempDir(), "mbctl")
	o.ok(os.Symlink(self, mbctl))
	codes := map[int]int{}
	for i, limit := range limits {
		o.ok(o.db.Close()) // the write-ahead log begins anew
		cmd := o.mbctl(t.Context(), "scan", o.mirrors[i].Name)
		cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, limit), mbctl}, cmd.Args[1:]...)
		cmd.Path, err = exec.LookPath("sh")
		o.ok(err)
		out, _ := cmd.CombinedOutput()
		code := cmd.ProcessState.ExitCode()
		if code != exitOK && (code != exitError || !strings.Contains(string(out), "cannot be written to: it is full")) {
			t.Errorf("limit %d: exit code %d: %s", limit, code, out)
		}
		codes[code]++
		o.db, err = store.Open(o.url, store.Options{})
		o.ok(err)
	}
	if codes[exitOK] == 0 || codes[exitError] < 2 {
		t.Errorf("exit codes %v", codes)
	}
	o.is = o.holdings(&o.mirrors[len(limits)-1])
	for i := range all {
		o.sound(&all[i])
	}
	if wrong, err := o.db.Check(o.t.Context()); err != nil || len(wrong) > 0 {
		o.t.Errorf("the database after the disk was full: %v, %v", wrong, err)
	}
	o.ok(o.db.Close())
}

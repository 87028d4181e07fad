package catalog

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// fakeDB is a database in memory with a history, as Source sees it. What add,
// remove and the others do belongs to the revision that commit ends.
type fakeDB struct {
	mu sync.Mutex
	fakeState
	lastID  mirror.FileID
	stamps  int64
	standby bool
	err     error         // what every call gives
	hang    chan struct{} // every call waits until it is closed, and heeds no context
	breakAt int           // Files fails after that many rows; 0: never
	changed chan struct{}
	reads   int
}

type fakeState struct {
	head       Head
	history    []Head
	key        [16]byte
	files      []fakeFile
	mirrors    map[mirror.ID]fakeMirror
	held       map[mirror.ID]fakeHeld
	links      []fakeLink
	digests    []fakeDigest
	prefixes   []Prefix
	generation int64
	settings   map[string]string
}

type fakeFile struct {
	mirror.Version
	path string
	rev  int64
	alts []AltMTime
}

type fakeMirror struct {
	m       mirror.Mirror
	deleted bool
	rev     int64
}

type fakeHeld struct {
	b   *roaring.Bitmap
	rev int64
}

type fakeLink struct {
	Alias
	rev int64
}

type fakeDigest struct {
	id  mirror.FileID
	sum [32]byte
	rev int64
}

func newFakeDB() *fakeDB {
	return &fakeDB{
		fakeState: fakeState{
			key: [16]byte{1, 2, 3}, head: Head{Revision: 1, Stamp: 100}, history: []Head{{Revision: 1, Stamp: 100}},
			mirrors: map[mirror.ID]fakeMirror{}, held: map[mirror.ID]fakeHeld{}, settings: map[string]string{},
		},
		stamps:  100,
		changed: make(chan struct{}, 1),
	}
}

func (d *fakeDB) next() int64 { return d.head.Revision + 1 }

func (d *fakeDB) add(path string, size int64) mirror.FileID {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lastID++
	d.files = append(d.files, fakeFile{
		Version: mirror.Version{ID: d.lastID, Size: size, MTime: size * 1e9, Precision: time.Second, Seen: 7},
		path:    path, rev: d.next(),
	})
	return d.lastID
}

func (d *fakeDB) remove(id mirror.FileID) { d.removeAt(id, 1) }

// removeAt says when, in ns since the epoch.
func (d *fakeDB) removeAt(id mirror.FileID, gone int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.files {
		if d.files[i].ID == id {
			d.files[i].Gone, d.files[i].rev = gone, d.next()
		}
	}
}

func (d *fakeDB) putMirror(m mirror.Mirror) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mirrors[m.ID] = fakeMirror{m: m, rev: d.next()}
}

func (d *fakeDB) deleteMirror(id mirror.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mirrors[id] = fakeMirror{m: mirror.Mirror{ID: id}, deleted: true, rev: d.next()}
	delete(d.held, id)
}

func (d *fakeDB) hold(id mirror.ID, ids ...uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[id] = fakeHeld{roaring.BitmapOf(ids...), d.next()}
}

func (d *fakeDB) link(path, target string, folder bool) {
	d.unlink(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.links = append(d.links, fakeLink{Alias{Path: path, Target: target, Folder: folder}, d.next()})
}

func (d *fakeDB) unlink(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.links {
		if l := &d.links[i]; l.Path == path && l.Gone == 0 {
			l.Gone, l.rev = 1, d.next()
		}
	}
}

func (d *fakeDB) digest(id mirror.FileID, sum [32]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.digests = append(d.digests, fakeDigest{id, sum, d.next()})
}

// commit makes what was done visible.
func (d *fakeDB) commit() Head {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stamps++
	d.head = Head{Revision: d.head.Revision + 1, Stamp: d.stamps}
	d.history = append(d.history, d.head)
	select {
	case d.changed <- struct{}{}:
	default:
	}
	return d.head
}

// backup is a copy that restore goes back to.
func (d *fakeDB) backup() fakeState {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.fakeState
	s.files, s.links, s.digests, s.history = slices.Clone(s.files), slices.Clone(s.links), slices.Clone(s.digests), slices.Clone(s.history)
	s.mirrors, s.held = maps.Clone(s.mirrors), maps.Clone(s.held)
	return s
}

func (d *fakeDB) restore(s fakeState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fakeState = s
}

func (d *fakeDB) set(fn func(*fakeDB)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn(d)
}

func (d *fakeDB) gate() error {
	d.mu.Lock()
	hang, err := d.hang, d.err
	d.mu.Unlock()
	if hang != nil {
		<-hang
	}
	return err
}

func (d *fakeDB) Head(context.Context) (Head, error) {
	if err := d.gate(); err != nil {
		return Head{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.head, nil
}

func (d *fakeDB) Read(_ context.Context, fn func(Snapshot) error) error {
	if err := d.gate(); err != nil {
		return err
	}
	s := &fakeSnapshot{fakeState: d.backup()}
	d.mu.Lock()
	s.standby, s.breakAt = d.standby, d.breakAt
	d.reads++
	d.mu.Unlock()
	return fn(s)
}

func (d *fakeDB) Wait(ctx context.Context, limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.changed:
	}
}

var errBroken = errors.New("connection broke")

type fakeSnapshot struct {
	fakeState
	standby bool
	breakAt int
}

func (s *fakeSnapshot) Head() Head                { return s.head }
func (s *fakeSnapshot) Standby() bool             { return s.standby }
func (s *fakeSnapshot) Key() ([16]byte, error)    { return s.key, nil }
func (s *fakeSnapshot) FileCount() (int64, error) { return int64(len(s.files)), nil }
func (s *fakeSnapshot) Known(h Head) (bool, error) {
	return slices.Contains(s.history, h), nil
}

func (s *fakeSnapshot) Mirrors(since int64, fn func(mirror.Mirror, bool) error) error {
	for _, m := range s.mirrors {
		if m.rev > since && (since > 0 || !m.deleted) {
			if err := fn(m.m, m.deleted); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) Holdings(since int64, fn func(Holdings) error) error {
	for id, h := range s.held {
		if h.rev > since {
			if err := fn(Holdings{Mirror: id, Held: h.b}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) Files(since int64, fn func(FileRow) error) error {
	for i, f := range s.files {
		if s.breakAt > 0 && i >= s.breakAt {
			return errBroken
		}
		if f.rev > since && (since > 0 || f.Gone == 0) {
			if err := fn(FileRow{Version: f.Version, Path: []byte(f.path), Revision: f.rev}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) eachFile(yes func(*fakeFile) bool, fn func(FileRow) error) error {
	for i, f := range s.files {
		if s.breakAt > 0 && i >= s.breakAt {
			return errBroken
		}
		if yes(&f) {
			if err := fn(FileRow{Version: f.Version, Path: []byte(f.path), Revision: f.rev}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) Kept(since, goneAfter int64, fn func(FileRow) error) error {
	return s.eachFile(func(f *fakeFile) bool { return f.Gone != 0 && f.Gone > goneAfter && f.rev > since }, fn)
}

func (s *fakeSnapshot) LiveIn(folder string, below bool, fn func(FileRow) error) error {
	return s.eachFile(func(f *fakeFile) bool {
		dir, _ := split(f.path)
		return f.Gone == 0 && (dir == folder || below && mirror.Below(dir, folder))
	}, fn)
}

func (s *fakeSnapshot) LiveNamed(folder string, names, parts []string, fn func(FileRow) error) error {
	return s.eachFile(func(f *fakeFile) bool {
		dir, name := split(f.path)
		return f.Gone == 0 && mirror.Below(dir, folder) && (slices.Contains(names, name) ||
			slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(name, p) }))
	}, fn)
}

// split gives the folder and the name of a path.
func split(p string) (dir, name string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}

func (s *fakeSnapshot) Versions(fn func(FileRow, []AltMTime) error) error {
	for _, f := range s.files {
		if err := fn(FileRow{Version: f.Version, Path: []byte(f.path), Revision: f.rev}, f.alts); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeSnapshot) Aliases(since int64, fn func(Alias) error) error {
	for _, l := range slices.Backward(s.links) {
		if l.rev > since && (since > 0 || l.Gone == 0) {
			if err := fn(l.Alias); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) Digests(since int64, fn func(mirror.FileID, [32]byte) error) error {
	for _, x := range s.digests {
		if x.rev > since {
			if err := fn(x.id, x.sum); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *fakeSnapshot) PrefixGeneration() (int64, error) { return s.generation, nil }

func (s *fakeSnapshot) Prefixes(fn func(Prefix) error) error {
	for _, p := range s.prefixes {
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeSnapshot) Setting(name string) (string, error) {
	return s.settings[name], nil
}

// mustSync brings c up to date with db, as one poll does.
func mustSync(t testing.TB, c *Catalog, db Source) {
	t.Helper()
	if err := newFollower(c, db, FollowOptions{}).sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestMain keeps the default log, which most tests use, quiet.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// granted is a database with an index and mirrors that cannot be listed.
type granted struct {
	db      *store.Store
	w       *worker
	s       *Scans
	mirrors []mirror.Mirror
	wishes  []store.Wish
}

func newGranted(t *testing.T, db *store.Store, folder string) *granted {
	t.Helper()
	ctx := t.Context()
	lease, err := db.Acquire(ctx, "index", "test", time.Minute)
	ok(t, err)
	_, err = db.ApplyIndex(ctx, lease, store.IndexBatch{Add: []store.NewFile{{Path: "d1/f", Size: 1, Precision: 1}}})
	ok(t, err)
	ok(t, db.FinishIndex(ctx, lease, store.Origin{URL: "file:///pub", IndexedAt: time.Now()}, store.IndexStats{}))
	for _, name := range []string{"a", "b"} {
		m := mirror.Mirror{Name: name, HTTP: []string{"http://m.example/"}, Score: 100, Enabled: true}
		ok(t, db.CreateMirror(ctx, &m, "test"))
		_, err := db.Wish(ctx, store.Wish{Kind: store.WishScan, Mirror: m.ID, Subtree: folder, Who: name})
		ok(t, err)
	}
	g := &granted{db: db, s: &Scans{AtOnce: 1}}
	g.s.Options.Open = func(string, listing.Options) (listing.Lister, error) { return nil, errors.New("it is away") }
	g.w = newWorker(db, &Options{Holder: "test", LeaseTTL: time.Minute, Log: slog.New(slog.DiscardHandler)})
	g.mirrors, err = db.Mirrors(ctx)
	ok(t, err)
	g.wishes, err = db.Wishes(ctx)
	ok(t, err)
	return g
}

// left names who still waits for a wish.
func (g *granted) left(t *testing.T, want string) {
	t.Helper()
	list, err := g.db.Wishes(t.Context())
	ok(t, err)
	var who []string
	for _, w := range list {
		who = append(who, w.Who)
	}
	if diff := cmp.Diff(want, strings.Join(who, " ")); diff != "" {
		t.Error("wishes left: " + diff)
	}
}

func (g *granted) folder() task {
	return task{kind: folderScan, key: "folder/d1", folder: "d1", mirrors: g.mirrors, wishes: g.wishes}
}

// empty is a mirror that has nothing.
type empty struct{}

func (empty) Protocol() string { return "http" }

func (empty) List(context.Context, string, func(listing.Entry) error) (listing.Summary, error) {
	return listing.Summary{}, nil
}

// What another scan may have passed before the wish was made is not granted.
func TestWishOfBusyMirrorStays(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		g := newGranted(t, db, "d1")
		_, err := db.Acquire(t.Context(), scanner.LeaseName(g.mirrors[0].ID, "d1"), "another", time.Minute)
		ok(t, err)
		ok(t, g.w.folderScan(t.Context(), g.s, g.folder()))
		g.left(t, g.mirrors[0].Name)
	})
}

// Mirrors whose turn had not come when the daemon was told to end were not
// scanned.
func TestWishesStayWhenInterrupted(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		g := newGranted(t, db, "d1")
		ctx, cancel := context.WithCancel(t.Context())
		g.s.Options.Open = func(string, listing.Options) (listing.Lister, error) { return empty{}, nil }
		g.s.Options.Progress = func(p scanner.Progress) {
			if p.Done {
				cancel()
			}
		}
		if err := g.w.folderScan(ctx, g.s, g.folder()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		g.left(t, "a b")
	})
}

// A mirror that was edited while it was scanned is to be scanned again.
func TestWishOfEditedMirrorStays(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		g := newGranted(t, db, "")
		full := task{kind: fullScan, mirrors: g.mirrors[:1], wishes: g.wishes}
		_, err := db.UpdateMirror(t.Context(), g.mirrors[0].ID, "test", "edited", func(m *mirror.Mirror) error {
			m.Subtree = "d1"
			return nil
		})
		ok(t, err)
		var o outcome
		ok(t, g.w.fullScan(t.Context(), g.s, full, &o))
		if !o.failed || o.first || o.pause == 0 {
			t.Errorf("outcome %+v", o)
		}
		g.left(t, "a b")
	})
}

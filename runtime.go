package mirrorbrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/retry"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/traffic"
)

// What outlives configurations, by what shapes it. A reload that changes a
// GeoIP file must not drop the warm catalog, hence three pools.
var (
	databases    = caddy.NewUsagePool()
	placeFiles   = caddy.NewUsagePool()
	networkFiles = caddy.NewUsagePool()
)

// acquire takes an object from a pool, and notes that a gives it back.
func acquire[T caddy.Destructor](a *App, pool *caddy.UsagePool, key string, construct func() (T, error)) (T, error) {
	v, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) {
		t, err := construct()
		if err != nil {
			return nil, err // not a nil T in an interface
		}
		return t, nil
	})
	if err != nil {
		var none T
		return none, err
	}
	a.release = append(a.release, func() {
		if _, err := pool.Delete(key); err != nil {
			a.logger.Error("closing a shared object", "err", err)
		}
	})
	return v.(T), nil
}

// placeFile and networkFile are mmdb files in a pool. Requests may go on
// looking up after the end: nothing is unmapped.
type placeFile struct{ *geoip.DB }

func (f *placeFile) Destruct() error { return f.Close() }

type networkFile struct{ *geoip.ASN }

func (f *networkFile) Destruct() error { return f.Close() }

// instance is an Instance at work.
type instance struct {
	Instance // placeholders replaced

	name     string
	db       *database
	places   *placeFile   // nil: none
	networks *networkFile // nil: none
	locator  locator
	rules    geoRules
}

// database is a database with its copy in memory. Requests use only the copy,
// and are counted all the same: what they may use one day must not be closed
// under them.
type database struct {
	gate

	store    *store.Store
	catalog  *catalog.Catalog
	prefixes asn.Live
	file     string // where the catalog is kept

	// What goes with the catalog, in memory, too: redirects need it.
	kept         *catalog.Kept
	repositories *catalog.Repositories

	// What documents ask the database for.
	digests *remembered[mirror.FileID, *mirror.Digests]
	history *remembered[string, []pastVersion]
	folders *remembered[string, *contents]
	counted *remembered[string, map[string]store.ListedFolder]
	streams chan struct{} // holds one for each document that is streamed

	searching chan struct{} // holds one for each search for names

	notes note.Memory // a reload must not forget which notes came

	// Nor which mirrors clients come back from.
	retriesOnce sync.Once
	retries     *retry.Memory // nil: no site wants it; see retryMemory

	misses misses

	traffic *traffic.Ledger // of this node since it was started

	mu      sync.Mutex
	cancel  context.CancelFunc // of the loops; nil: not started
	loops   sync.WaitGroup
	stopped bool
}

// idleTimeout is how long a database that nobody uses any more waits for the
// requests that still do.
const idleTimeout = 30 * time.Second

func databaseKey(url string, conns int) string {
	return fmt.Sprintf("%s conns=%d", hash(url), conns)
}

// hash gives a name for a URL that may hold a password.
func hash(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:12])
}

// defaultConnections is enough for one follower, and little enough for a
// PostgreSQL that many nodes share.
const defaultConnections = 4

func newDatabase(url string, conns int) (*database, error) {
	if conns == 0 {
		conns = defaultConnections
	}
	if url == "" {
		var err error
		if url, err = store.DefaultURL(); err != nil {
			return nil, err
		}
	}
	log := logs.logger()
	s, err := store.Open(url, store.Options{Logger: log, MaxConns: conns})
	if err != nil {
		return nil, err
	}
	// With several instances it must be said whose catalog a message is about.
	log = log.With("database", s.Describe())
	o := catalog.Options{Logger: log}
	d := &database{
		store:        s,
		catalog:      catalog.New(o),
		kept:         catalog.NewKept(o),
		repositories: catalog.NewRepositories(),
		traffic:      traffic.NewLedger(),
		file:         filepath.Join(caddy.AppDataDir(), "mirrorbrain", hash(url)+".catalog"),
	}
	d.digests = newRemembered(64<<20, weighDigests, d.readDigests)
	d.history = newRemembered(4<<20, weighHistory, d.readHistory)
	d.streams = make(chan struct{}, zsyncStreams)
	d.folders = newRemembered(16<<20, weighFolder, d.readFolder)
	d.counted = newRemembered(8<<20, weighCounted, d.readCounted)
	d.searching = make(chan struct{}, 1)
	return d, nil
}

// start launches the loops that keep the copy up to date, once.
func (d *database) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil || d.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	if err := os.MkdirAll(filepath.Dir(d.file), 0o700); err != nil {
		logs.logger().Warn("the catalog cannot be kept for the next start", "err", err)
	}
	d.loops.Go(func() {
		catalog.Follow(ctx, d.catalog, newSource(d.store), catalog.FollowOptions{
			File:       d.file,
			OnPrefixes: d.setPrefixes,
			Settings:   []string{settingScanAge, settingOrigin, settingKeep, geoip.RulesSetting},
		})
	})
	beside := catalog.BesideOptions{File: d.file}
	d.loops.Go(func() { catalog.FollowKept(ctx, d.catalog, d.kept, newSource(d.store), beside) })
	d.loops.Go(func() { catalog.FollowRepositories(ctx, d.catalog, d.repositories, newSource(d.store), beside) })
	d.loops.Go(func() { d.followTraffic(ctx) })
}

func (d *database) setPrefixes(each func(yield func(catalog.Prefix) error) error) error {
	var failed error
	table := asn.Build(func(yield func(asn.Prefix) bool) {
		failed = each(func(p catalog.Prefix) error {
			yield(asn.Prefix{Prefix: p.Prefix, ASN: p.ASN})
			return nil
		})
	})
	if failed == nil {
		d.prefixes.Store(table)
	}
	return failed
}

// Destruct ends the loops, and closes the database when the last request has
// left. It does not wait, except when the process is about to exit: then the
// loops may write the catalog down, and the database is told what was sent to
// mirrors.
func (d *database) Destruct() error {
	d.mu.Lock()
	d.stopped = true
	cancel := d.cancel
	d.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.loops.Wait()
		if cancel != nil {
			d.flushTraffic(context.Background(), lastTrafficTimeout) // before requests are waited for: exiting does not
		}
		d.close(idleTimeout)
		if cancel != nil {
			d.flushTraffic(context.Background(), lastTrafficTimeout)
		}
		d.digests.close()
		d.history.close()
		d.folders.close()
		d.counted.close()
		if err := d.store.Close(); err != nil {
			logs.logger().Error("closing the database", "database", d.store.Describe(), "err", err)
		}
	}()
	if caddy.Exiting() {
		select {
		case <-done:
		case <-time.After(5 * time.Second):
		}
	}
	return nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "unknown"
}

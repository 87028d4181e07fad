package mirrorbrain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/torrent"
)

// Caddy's folders must not be those of whoever runs the tests.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mirrorbrain-test")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"} {
		if name == "HOME" && os.Getenv("GOCOVERDIR") != "" {
			continue
		}
		_ = os.Setenv(name, dir)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// depot is a database with a tree and mirrors in it, and the tree on disk.
type depot struct {
	t     testing.TB
	url   string
	root  string
	store *store.Store
	ids   map[string]mirror.FileID

	announced int // prefixes in the AS table
}

// someTime is the mtime of every file, to the nanosecond.
var someTime = time.Unix(1_700_000_000, 123_456_789)

const fileSize = 8192

// newDepot makes an empty depot on SQLite.
func newDepot(t testing.TB) *depot {
	t.Helper()
	return openDepot(t, "sqlite://"+filepath.Join(t.TempDir(), "mb.db"))
}

func openDepot(t testing.TB, url string) *depot {
	t.Helper()
	d := &depot{t: t, url: url, root: filepath.Join(t.TempDir(), "pub"), ids: map[string]mirror.FileID{}}
	var err error
	d.store, err = store.Open(url, store.Options{})
	d.must(err)
	t.Cleanup(func() { _ = d.store.Close() })
	d.must(d.store.Prepare(context.Background()))
	d.must(os.Mkdir(d.root, 0o755))
	return d
}

func (d *depot) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// lease runs fn under a lease.
func (d *depot) lease(name string, fn func(store.Lease) error) {
	d.t.Helper()
	ctx := context.Background()
	l, err := d.store.Acquire(ctx, name, "test", time.Minute)
	d.must(err)
	d.must(fn(l))
	d.must(d.store.Release(ctx, l))
}

// write puts a file into the tree on disk.
func (d *depot) write(path string, size int) {
	d.t.Helper()
	p := filepath.Join(d.root, path)
	d.must(os.MkdirAll(filepath.Dir(p), 0o755))
	d.must(os.WriteFile(p, make([]byte, size), 0o644))
	d.must(os.Chtimes(p, someTime, someTime))
}

// index puts files of a size into the index.
func (d *depot) index(size int64, paths ...string) {
	d.t.Helper()
	ctx := context.Background()
	var b store.IndexBatch
	for _, p := range paths {
		b.Add = append(b.Add, store.NewFile{Path: p, Size: size, MTime: someTime.UnixNano(), Precision: 1})
	}
	d.lease("index", func(l store.Lease) error {
		_, err := d.store.ApplyIndex(ctx, l, b)
		return err
	})
	for _, p := range paths {
		rows, err := d.store.VersionsOf(ctx, p)
		d.must(err)
		d.ids[p] = rows[0].ID
	}
}

// file puts files onto the disk and into the index.
func (d *depot) file(paths ...string) {
	d.t.Helper()
	for _, p := range paths {
		d.write(p, fileSize)
	}
	d.index(fileSize, paths...)
}

func (d *depot) alias(path, target string, folder bool) {
	d.t.Helper()
	d.lease("index", func(l store.Lease) error {
		_, err := d.store.ApplyIndex(context.Background(), l, store.IndexBatch{AddAliases: []store.Alias{{Path: path, Target: target, Folder: folder}}})
		return err
	})
}

// origin says where the tree comes from.
func (d *depot) origin(http string) {
	d.t.Helper()
	d.lease("index", func(l store.Lease) error {
		return d.store.FinishIndex(context.Background(), l, store.Origin{URL: "rsync://up.example/pub/", HTTP: http}, store.IndexStats{})
	})
}

// mirror adds a mirror that is up and holds the files.
func (d *depot) mirror(m mirror.Mirror, paths ...string) mirror.ID {
	d.t.Helper()
	ctx := context.Background()
	if m.HTTP == nil {
		m.HTTP = []string{"http://" + m.Name + ".example/pub/"}
	}
	if m.Score == 0 {
		m.Score = 100
	}
	m.Enabled = true
	d.must(d.store.CreateMirror(ctx, &m, "test"))
	found := roaring.New()
	for _, p := range paths {
		found.Add(uint32(d.ids[p]))
	}
	d.lease("scan "+m.Name, func(l store.Lease) error {
		_, err := d.store.CommitScan(ctx, l, store.ScanResult{Mirror: m.ID, Started: time.Now(), Protocol: "http", Knew: found, Found: found, Who: "test"})
		return err
	})
	return m.ID
}

func (d *depot) digest(path string) [32]byte {
	d.t.Helper()
	sum := sha256.Sum256([]byte(path))
	d.must(d.store.PutDigest(context.Background(), d.ids[path], sum))
	return sum
}

func (d *depot) prefixes(list ...store.Prefix) {
	d.t.Helper()
	_, err := d.store.ReplacePrefixes(context.Background(), "test", func(yield func(store.Prefix) error) error {
		for _, p := range list {
			if err := yield(p); err != nil {
				return err
			}
		}
		return nil
	})
	d.must(err)
	d.announced = len(list)
}

// geo is the world as the tests' mmdb files have it.
func geo(t testing.TB) (city, asn string) {
	t.Helper()
	return geotest.City(t, "", []geotest.Network{
			{CIDR: "192.0.2.0/24", Country: "DE", Continent: "EU", Lat: 52.5, Lng: 13.4},
			{CIDR: "198.51.100.0/24", Country: "US", Continent: "NA", Lat: 40.7, Lng: -74},
			{CIDR: "203.0.113.0/24", Country: "JP", Continent: "AS", Lat: 35.7, Lng: 139.7},
			{CIDR: "2001:db8::/32", Country: "FR", Continent: "EU", Lat: 48.8, Lng: 2.3},
		}), geotest.ASN(t, "", []geotest.Network{
			{CIDR: "198.51.100.0/24", ASN: 64501},
			{CIDR: "192.0.2.0/24", ASN: 64599},
		})
}

var (
	germany = mirror.Place{Country: "de", Continent: "eu", Lat: 50.1, Lng: 8.7, HasCoords: true}
	france  = mirror.Place{Country: "fr", Continent: "eu", Lat: 45.8, Lng: 4.8, HasCoords: true}
	usa     = mirror.Place{Country: "us", Continent: "na", Lat: 41.9, Lng: -87.6, HasCoords: true}
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func prefixList(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, prefix(s))
	}
	return out
}

// hash computes and stores all digests of a file on the disk, the sums for
// zsync too.
func (d *depot) hash(paths ...string) {
	d.t.Helper()
	ctx := context.Background()
	for _, p := range paths {
		f, err := os.Open(filepath.Join(d.root, p))
		d.must(err)
		info, err := f.Stat()
		d.must(err)
		var sums bytes.Buffer
		digests, err := checksum.Sum(ctx, f, info.Size(), checksum.SumOptions{ZSync: &sums})
		d.must(err)
		f.Close()
		digests.Torrent = torrent.InfoHashes(filepath.Base(p), info.Size(), &digests)
		d.lease("hash", func(l store.Lease) error {
			return d.store.PutHashes(ctx, l, []store.Hashes{{ID: d.ids[p], Digests: &digests, Sums: sums.Bytes()}})
		})
	}
}

// change replaces files of the index by others of a size; remove takes them out.
func (d *depot) change(size int64, paths ...string) {
	d.t.Helper()
	d.remove(paths...)
	d.index(size, paths...)
}

func (d *depot) remove(paths ...string) {
	d.t.Helper()
	var b store.IndexBatch
	for _, p := range paths {
		b.Remove = append(b.Remove, d.ids[p])
	}
	d.lease("index", func(l store.Lease) error {
		_, err := d.store.ApplyIndex(context.Background(), l, b)
		return err
	})
}

// finish ends an index run, so that what is below folders is known.
func (d *depot) finish() { d.t.Helper(); d.origin("") }

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// pathFormat gives file i's path from its folder's and its own number.
const pathFormat = "d%05d/file-%07d.tar.gz"

// filesPerFolder as the load script computes it.
const filesPerFolder = 1000

func pathOf(i int) string { return fmt.Sprintf(pathFormat, i/filesPerFolder, i) }

const fileSize = 64 << 10

// released is the time of all files.
var released = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// country of the made-up world: it owns the network 11.n.0.0/16.
type country struct {
	code, continent string
	lat, lng        float64
}

var countries = []country{
	{"de", "eu", 52.5, 13.4},
	{"fr", "eu", 48.9, 2.3},
	{"gb", "eu", 51.5, -0.1},
	{"nl", "eu", 52.4, 4.9},
	{"pl", "eu", 52.2, 21.0},
	{"se", "eu", 59.3, 18.1},
	{"it", "eu", 41.9, 12.5},
	{"es", "eu", 40.4, -3.7},
	{"us", "na", 40.7, -74.0},
	{"ca", "na", 43.7, -79.4},
	{"mx", "na", 19.4, -99.1},
	{"br", "sa", -23.5, -46.6},
	{"ar", "sa", -34.6, -58.4},
	{"jp", "as", 35.7, 139.7},
	{"cn", "as", 31.2, 121.5},
	{"in", "as", 19.1, 72.9},
	{"kr", "as", 37.6, 127.0},
	{"au", "oc", -33.9, 151.2},
	{"nz", "oc", -36.8, 174.8},
	{"za", "af", -33.9, 18.4},
}

// clients gives n addresses spread over the countries.
func clients(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("11.%d.%d.%d", r.IntN(len(countries)), r.IntN(256), 1+r.IntN(254))
	}
	return out
}

// writeGeoIP makes a City database of the world: each country in 256 places.
func writeGeoIP(path string) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 28, IncludeReservedNetworks: true})
	if err != nil {
		return err
	}
	for i, c := range countries {
		for sub := range 256 {
			record := mmdbtype.Map{
				"continent": mmdbtype.Map{"code": mmdbtype.String(c.continent)},
				"country":   mmdbtype.Map{"iso_code": mmdbtype.String(c.code)},
				"location": mmdbtype.Map{
					"latitude":  mmdbtype.Float64(c.lat + float64(sub%16)/10),
					"longitude": mmdbtype.Float64(c.lng + float64(sub/16)/10),
				},
			}
			network := &net.IPNet{IP: net.IPv4(11, byte(i), byte(sub), 0).To4(), Mask: net.CIDRMask(24, 32)}
			if err := tree.Insert(network, record); err != nil {
				return err
			}
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = tree.WriteTo(f)
	return errors.Join(err, f.Close())
}

// fillPrefixes imports an AS table of a hundred thousand announced prefixes,
// those of the clients among them.
func fillPrefixes(ctx context.Context, db *store.Store) error {
	_, err := db.ReplacePrefixes(ctx, "bench", func(yield func(store.Prefix) error) error {
		for i := range len(countries) * 256 {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 0}), 24)
			if err := yield(store.Prefix{Prefix: p, ASN: uint32(1000 + i%500)}); err != nil {
				return err
			}
		}
		for i := range 95_000 {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(20 + i>>16), byte(i >> 8), byte(i), 0}), 24)
			if err := yield(store.Prefix{Prefix: p, ASN: uint32(2000 + i%30_000)}); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// fill makes a database of n files and mirrors that each hold about 80 per cent
// of them. hashed says that the files have digests.
func fill(ctx context.Context, path string, n, mirrors int, hashed bool) error {
	return fillPaths(ctx, path, n, pathOf, mirrors, hashed)
}

// fillPaths does it with other paths.
func fillPaths(ctx context.Context, path string, n int, pathOf func(int) string, mirrors int, hashed bool) error {
	db, err := store.Open("sqlite://"+path, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Prepare(ctx); err != nil {
		return err
	}
	lease, err := db.Acquire(ctx, "index", "bench", time.Hour)
	if err != nil {
		return err
	}
	for i := 0; i < n; {
		var b store.IndexBatch
		for ; i < n && len(b.Add) < store.MaxBatch; i++ {
			b.Add = append(b.Add, store.NewFile{Path: pathOf(i), Size: fileSize, MTime: released.UnixNano(), Precision: 1})
		}
		if _, err := db.ApplyIndex(ctx, lease, b); err != nil {
			return err
		}
	}
	if err := fillPrefixes(ctx, db); err != nil {
		return err
	}
	if hashed {
		sums := map[mirror.FileID][32]byte{}
		for i := range n {
			id := mirror.FileID(i + 1)
			sums[id] = [32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}
		}
		if err := db.PutDigests(ctx, sums); err != nil {
			return err
		}
	}
	if err := db.Release(ctx, lease); err != nil {
		return err
	}
	for i := range mirrors {
		if err := addMirror(ctx, db, i, n); err != nil {
			return err
		}
	}
	return nil
}

func addMirror(ctx context.Context, db *store.Store, i, files int) error {
	c := countries[i%len(countries)]
	m := mirror.Mirror{
		Name: fmt.Sprintf("mirror%03d", i), HTTP: []string{fmt.Sprintf("http://mirror%03d.example.org/pub/", i)},
		Place: mirror.Place{
			Continent: c.continent, Country: c.code, HasCoords: true,
			Lat: c.lat + float64(i%7)/5, Lng: c.lng + float64(i%11)/5,
		},
		ASNs: []uint32{uint32(1000 + i*7%500)}, Score: 50 + 10*(i%11), Enabled: true,
	}
	if err := db.CreateMirror(ctx, &m, "bench"); err != nil {
		return err
	}
	lease, err := db.Acquire(ctx, fmt.Sprintf("scan/%d", m.ID), "bench", time.Hour)
	if err != nil {
		return err
	}
	all, held := roaring.New(), roaring.New()
	all.AddRange(1, uint64(files)+1)
	r := rand.New(rand.NewPCG(uint64(i), 3))
	for at := 1; at <= files; at += filesPerFolder {
		if r.IntN(100) < 80 { // folders come and go as a whole, with a few holes
			held.AddRange(uint64(at), uint64(min(at+filesPerFolder, files+1)))
			for range 5 {
				held.Remove(uint32(at + r.IntN(filesPerFolder)))
			}
		}
	}
	held.And(all)
	_, err = db.CommitScan(ctx, lease, store.ScanResult{
		Mirror: m.ID, Started: time.Now(), Protocol: "rsync", Knew: all, Found: held, Who: "bench",
	})
	return errors.Join(err, db.Release(ctx, lease))
}

// makeTree makes n sparse files of fileSize, as the index knows them.
func makeTree(root string, n int) error {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = pathOf(i)
	}
	return makeFiles(root, paths)
}

// makeFiles makes them, folder by folder.
func makeFiles(root string, paths []string) error {
	made := ""
	for _, path := range paths {
		path = filepath.Join(root, path)
		if dir := filepath.Dir(path); dir != made {
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
				return err
			}
			made = dir
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // as above
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(fileSize), f.Close(), os.Chtimes(path, released, released)); err != nil {
			return err
		}
	}
	return nil
}

// fillHashes stores all digests of n files of 64 pieces.
func fillHashes(ctx context.Context, path string, n int) error {
	db, err := store.Open("sqlite://"+path, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	lease, err := db.Acquire(ctx, "hash", "bench", time.Hour)
	if err != nil {
		return err
	}
	const pieces = 64
	var list []store.Hashes
	for i := range n {
		d := &mirror.Digests{Pieces: mirror.Pieces{
			Length: 256 << 10, SHA1: make([]byte, 20*pieces), SHA256: make([]byte, 32*pieces),
		}}
		d.MD5[0], d.SHA1[0], d.SHA256[0], d.SHA512[0], d.Torrent.V1[0] = byte(i), byte(i), byte(i), byte(i), 1
		d.MD5[1], d.SHA1[1], d.SHA256[1], d.SHA512[1] = 1, 1, 1, 1
		list = append(list, store.Hashes{ID: mirror.FileID(i + 1), Digests: d})
	}
	return errors.Join(db.PutHashes(ctx, lease, list), db.Release(ctx, lease))
}

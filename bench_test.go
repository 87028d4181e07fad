package mirrorbrain

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// writer takes an answer without keeping it.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
func (w *writer) WriteHeader(status int)      { w.status = status }

// BenchmarkServeHTTP is what a redirect costs without the server around it:
// 60 mirrors, GeoIP and AS data, five duplicates, digests.
func BenchmarkServeHTTP(b *testing.B) {
	const files, mirrors = 2000, 60
	d := newDepot(b)
	var paths []string
	for i := range files {
		paths = append(paths, fmt.Sprintf("distribution/%d/iso/some-release-%d.iso", i%10, i))
	}
	d.file(paths...)
	for _, p := range paths {
		d.digest(p)
	}
	var networks []geotest.Network
	var announced []store.Prefix
	for i := range 200 {
		cidr := fmt.Sprintf("%d.%d.0.0/16", 20+i/16, i%16)
		c := []string{"de", "fr", "us", "jp", "br", "au"}[i%6]
		networks = append(networks, geotest.Network{CIDR: cidr, Country: c, Continent: "eu", Lat: float64(i%60) - 30, Lng: float64(i%120) - 60})
		announced = append(announced, store.Prefix{Prefix: netip.MustParsePrefix(cidr), ASN: uint32(1000 + i)})
	}
	d.prefixes(announced...)
	for i := range mirrors {
		c := []string{"de", "fr", "us", "jp", "br", "au"}[i%6]
		d.mirror(mirror.Mirror{
			Name:  fmt.Sprintf("mirror%d", i),
			HTTP:  []string{fmt.Sprintf("http://mirror%d.example.org/pub/", i), fmt.Sprintf("https://mirror%d.example.org/pub/", i)},
			Place: mirror.Place{Country: c, Continent: "eu", Lat: float64(i) - 30, Lng: float64(2*i) - 60, HasCoords: true},
			ASNs:  []uint32{uint32(1000 + i)}, Score: 50 + i,
		}, paths...)
	}
	city := geotest.City(b, filepath.Join(b.TempDir(), "c.mmdb"), networks)
	for name, check := range map[string]caddy.Duration{"check_file off": -1, "check_file cached": caddy.Duration(1 << 50), "check_file always": 1} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, Instance{Database: d.url, GeoIP: city}, &Handler{Root: d.root, CheckFile: check})
			d.follow(s)
			benchmark(b, s, paths)
		})
	}
	b.Run("retry", func(b *testing.B) {
		s := newSite(b, Instance{Database: d.url, GeoIP: city}, &Handler{Root: d.root, CheckFile: -1, Settings: escaping})
		d.follow(s)
		benchmark(b, s, paths)
	})
}

// benchmark measures the handler, with the part of the request's preparation
// that cannot be done twice left out.
func benchmark(b *testing.B, s *site, paths []string) {
	b.Helper()
	w := &writer{header: http.Header{}}
	var reqs []*http.Request
	for i := range 500 {
		r, _, _ := s.request("/" + paths[i*7%len(paths)])
		r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)[caddyhttp.ClientIPVarKey] = fmt.Sprintf("%d.%d.3.4", 20+i%12, i%16)
		r.Header.Set("User-Agent", "benchmark/1.0")
		reqs = append(reqs, r)
	}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { b.Error("passed on"); return nil })
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := reqs[i%len(reqs)]
		i++
		delete(r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any), outcomeVar)
		clear(w.header)
		// What Map adds to the replacer is the request's.
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer()))
		if err := s.h.ServeHTTP(w, r, next); err != nil || w.status != http.StatusFound {
			b.Fatal(w.status, err)
		}
	}
}

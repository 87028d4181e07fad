package geofetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

var nets = []geotest.Network{{CIDR: "192.0.2.0/24", Country: "de", Continent: "eu", Lat: 1, Lng: 2, ASN: 64500}}

func packed(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

func archive(t *testing.T, members map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"x/LICENSE.txt", "x/City.mmdb", "x/after.txt"} {
		content, ok := members[name]
		if !ok {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// publisher answers from a table, and notes what it was asked.
type publisher struct {
	*httptest.Server
	files  map[string][]byte
	etag   string
	asked  []string
	status int
}

func newPublisher(t *testing.T, files map[string][]byte) *publisher {
	t.Helper()
	p := &publisher{files: files, etag: `"1"`}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked = append(p.asked, r.URL.RequestURI())
		content, ok := p.files[r.URL.RequestURI()]
		if p.status != 0 {
			w.WriteHeader(p.status)
			return
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", p.etag)
		http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader(content))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) source(t *testing.T, path string) Source {
	t.Helper()
	s, err := ParseSource(p.URL+path, "city", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUpdateForms(t *testing.T) {
	t.Parallel()
	city := geotest.CityBytes(t, nets)
	all := map[string][]byte{"x/LICENSE.txt": []byte("CC"), "x/City.mmdb": city, "x/after.txt": []byte("more")}
	for name, content := range map[string][]byte{
		"plain": city, "gz": packed(city), "tar": archive(t, all), "tar.gz": packed(archive(t, all)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t, map[string][]byte{"/x": content})
			path := filepath.Join(t.TempDir(), "City.mmdb")
			o := Options{Source: p.source(t, "/x"), Path: path, Kinds: geoip.KindPlaces}
			res, err := Update(t.Context(), o)
			if err != nil || !res.Changed || res.Info.Type != "GeoLite2-City" {
				t.Fatalf("%+v, %v", res, err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, city) {
				t.Error("another content")
			}
			if res, err = Update(t.Context(), o); err != nil || res.Changed || res.Note != "not changed" {
				t.Errorf("second time: %+v, %v", res, err)
			}
			o.Force = true
			if res, err = Update(t.Context(), o); err != nil || !res.Changed {
				t.Errorf("forced: %+v, %v", res, err)
			}
			p.etag, o.Force = `"2"`, false
			if res, err = Update(t.Context(), o); err != nil || !res.Changed {
				t.Errorf("another ETag: %+v, %v", res, err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".geoip-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Whatever is wrong with what comes, the old one stays.
func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	city := geotest.CityBytes(t, nets)
	cut := packed(city)
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"a page":          {[]byte("<html>log in</html>"), "of no use"},
		"nothing":         {nil, "of no use"},
		"half":            {city[:len(city)/2], "of no use"},
		"half a gzip":     {cut[:len(cut)/2], "unexpected EOF"},
		"another kind":    {geotest.ASNBytes(t, nets), "a City or Country database is needed"},
		"empty archive":   {archive(t, map[string][]byte{"x/LICENSE.txt": []byte("CC")}), "no .mmdb"},
		"half an archive": {archive(t, map[string][]byte{"x/City.mmdb": city})[:600], "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t, map[string][]byte{"/x": test.content})
			path := filepath.Join(t.TempDir(), "City.mmdb")
			if err := os.WriteFile(path, city, 0o640); err != nil {
				t.Fatal(err)
			}
			_, err := Update(t.Context(), Options{Source: p.source(t, "/x"), Path: path, Kinds: geoip.KindPlaces})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, city) {
				t.Error("the old one is gone")
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestUpdateKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, map[string][]byte{"/x": geotest.CityBytes(t, nets)})
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.mmdb"), filepath.Join(dir, "City.mmdb")
	if err := os.WriteFile(real, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.mmdb", link); err != nil {
		t.Fatal(err)
	}
	if _, err := Update(t.Context(), Options{Source: p.source(t, "/x"), Path: link, Kinds: geoip.KindPlaces}); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if st, err := os.Stat(real); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", st.Mode(), err)
	}
}

func TestUpdateOlder(t *testing.T) {
	t.Parallel()
	older := bytes.Replace(geotest.CityBytes(t, nets), []byte("build_epoch\x04\x02\x65"), []byte("build_epoch\x04\x02\x64"), 1)
	p := newPublisher(t, map[string][]byte{"/x": older})
	path := geotest.City(t, "", nets)
	o := Options{Source: p.source(t, "/x"), Path: path, Kinds: geoip.KindPlaces}
	res, err := Update(t.Context(), o)
	if err != nil || res.Changed || !strings.Contains(res.Note, "older") {
		t.Fatalf("%+v, %v", res, err)
	}
	o.Force = true
	if res, err = Update(t.Context(), o); err != nil || !res.Changed {
		t.Errorf("forced: %+v, %v", res, err)
	}
}

func TestDBIP(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 1, 0, 0, 0, time.UTC)
	p := newPublisher(t, map[string][]byte{"/dbip-asn-lite-2025-12.mmdb.gz": packed(geotest.ASNBytes(t, nets))})
	s, err := parseSource("dbip", "asn", now, p.URL+"/", "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "asn.mmdb")
	res, err := Update(t.Context(), Options{Source: s, Path: path, Kinds: geoip.KindASN})
	if err != nil || !res.Changed || res.URL != p.URL+"/dbip-asn-lite-2025-12.mmdb.gz" {
		t.Fatalf("%+v, %v", res, err)
	}
	if diff := cmp.Diff([]string{"/dbip-asn-lite-2026-01.mmdb.gz", "/dbip-asn-lite-2025-12.mmdb.gz"}, p.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if res, err = Update(t.Context(), Options{Source: s, Path: path, Kinds: geoip.KindASN}); err != nil || res.Changed {
		t.Errorf("second time: %+v, %v", res, err)
	}
	p.files = nil
	if _, err = Update(t.Context(), Options{Source: s, Path: path, Kinds: geoip.KindASN}); err == nil || !strings.Contains(err.Error(), "no such database (404)") {
		t.Errorf("of no month: %v", err)
	}
}

func TestMaxMind(t *testing.T) {
	t.Parallel()
	const key = "verysecretkey"
	content := packed(archive(t, map[string][]byte{"x/City.mmdb": geotest.CityBytes(t, nets)}))
	sum := sha256.Sum256(content)
	announced := hex.EncodeToString(sum[:])
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			t.Error("the key went to another host")
		}
		_, _ = w.Write(content)
	}))
	defer elsewhere.Close()
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "1234" || password != key:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.RequestURI() == "/GeoIP2-City/download?suffix=tar.gz.sha256":
			fmt.Fprintf(w, "%s  GeoIP2-City_20261124.tar.gz\n", announced)
		case r.URL.RequestURI() == "/GeoIP2-City/download?suffix=tar.gz":
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+"/signed?secret=1", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer p.Close()
	s, err := parseSource("maxmind:GeoIP2-City", "city", time.Now(), "", p.URL+"/")
	if err != nil || !s.NeedsLicense() {
		t.Fatal(err)
	}
	o := Options{Source: s, Path: filepath.Join(t.TempDir(), "City.mmdb"), Kinds: geoip.KindPlaces}
	o.Source.Account, o.Source.License = "1234", "wrong"
	if _, err := Update(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key was not accepted") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong key: %v", err)
	}
	o.Source.License = key
	if res, err := Update(t.Context(), o); err != nil || !res.Changed {
		t.Errorf("%+v, %v", res, err)
	}
	announced, o.Force = strings.Repeat("0", 64), true
	if _, err := Update(t.Context(), o); err == nil || !strings.Contains(err.Error(), "as announced") {
		t.Errorf("with another digest: %v", err)
	}
}

func TestParseSource(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"dbip":                               "https://download.db-ip.com/free/dbip-city-lite-2026-11.mmdb.gz",
		"maxmind":                            "https://download.maxmind.com/geoip/databases/GeoLite2-City/download?suffix=tar.gz",
		"maxmind:GeoIP2-Country":             "https://download.maxmind.com/geoip/databases/GeoIP2-Country/download?suffix=tar.gz",
		"https://example.org/x.mmdb?token=s": "https://example.org/x.mmdb?token=s",
		"http://[::1]:80/x":                  "http://[::1]:80/x",
	} {
		s, err := ParseSource(text, "city", now)
		if err != nil || s.urls[0] != want {
			t.Errorf("%s: %v, %v", text, s.urls, err)
		}
		if strings.Contains(s.String(), "token") {
			t.Errorf("%s: shown as %s", text, s)
		}
	}
	for _, text := range []string{"", "ipinfo", "maxmind:", "maxmind:../x", "http://example.org/x", "ftp://example.org/x", "https://", "https://a:secret@%zz/"} {
		if _, err := ParseSource(text, "city", now); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseSource("dbip", "isp", now); err == nil {
		t.Error("an edition that is none was taken")
	}
}

func TestErrorsHideKeys(t *testing.T) {
	t.Parallel()
	s, err := ParseSource("http://user:secret@127.0.0.1:1/x.mmdb?token=secret", "city", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Update(t.Context(), Options{Source: s, Path: filepath.Join(t.TempDir(), "x"), Kinds: geoip.KindPlaces}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	p := newPublisher(t, nil)
	p.status = http.StatusServiceUnavailable
	if _, err := Update(t.Context(), Options{Source: p.source(t, "/x?token=secret"), Path: filepath.Join(t.TempDir(), "x"), Kinds: geoip.KindPlaces}); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "503") {
		t.Errorf("%v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add(packed([]byte("x")))
	f.Add(append(make([]byte, 257), []byte("ustar\x0000")...))
	f.Fuzz(func(t *testing.T, content []byte) {
		out, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		_ = unpack(bytes.NewReader(content), out)
	})
}

package mirrorbits

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/redistest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// put stores a mirror as Mirrorbits does: its number and name in MIRRORS, all
// fields as text in a hash.
func put(t *testing.T, c *redis.Client, id int, name string, fields map[string]any) {
	t.Helper()
	if err := c.HSet(t.Context(), "MIRRORS", fmt.Sprint(id), name).Err(); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{
		"ID": id, "name": name, "http": "", "rsync": "", "ftp": "", "sponsorName": "", "sponsorURL": "", "sponsorLogo": "",
		"adminName": "", "adminEmail": "", "customData": "", "continentOnly": 0, "countryOnly": 0, "asOnly": 0, "score": 0,
		"latitude": "0", "longitude": "0", "continentCode": "", "countryCodes": "", "excludedCountryCodes": "", "asnum": 0,
		"comment": "", "enabled": 1, "httpUp": 1, "httpsUp": 0, "stateSince": 1700000000, "allowredirects": 0,
		"lastSync": 1700000000, "lastSuccessfulSync": 1700000000, "lastModTime": -62135596800,
	}
	maps.Copy(all, fields)
	if err := c.HSet(t.Context(), fmt.Sprintf("MIRROR_%d", id), all).Err(); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, c *redis.Client, key string, value any) {
	t.Helper()
	if err := c.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, url string) *Database {
	t.Helper()
	d, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestInventory(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "s3cret")
	c := s.Client("s3cret")
	defer c.Close()
	set(t, c, "MIRRORBITS_DB_VERSION", 2)
	put(t, c, 2, "paris.example.org", map[string]any{
		"http": "paris.example.org/pub/", "rsync": "rsync://mb:pw@paris.example.org/pub", "ftp": "ftp://paris.example.org/",
		"sponsorName": "Sponsor & Co", "sponsorURL": "https://sponsor.example.org", "sponsorLogo": "https://sponsor.example.org/l.png",
		"adminName": "Ann", "adminEmail": "ann@example.org", "customData": "rack 4", "comment": "line 1\nline 2",
		"score": 50, "latitude": "48.8566", "longitude": "2.3522001", "continentCode": "EU", "countryCodes": "FR BE CH",
		"excludedCountryCodes": "GB", "asnum": 64500, "allowredirects": 1, "continentOnly": 1,
	})
	put(t, c, 10, "only", map[string]any{
		"http": "https://only.example.org/", "rsync": "rsyncs://only.example.org/x", "countryOnly": "true", "asOnly": 1,
		"countryCodes": "DE XYZ", "enabled": 0, "allowredirects": 2, "score": "much", "asnum": "none", "latitude": "x", "longitude": "y",
		"continentCode": "MARS",
	})
	put(t, c, 1, "odd", map[string]any{"http": "http://u:topsecret@odd.example.org/"})
	inv, err := open(t, "unix://:s3cret@"+s.Socket).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]mirror.Mirror{}
	var names []string
	for _, r := range inv.Records {
		got[r.Name] = r.Mirror
		names = append(names, r.Name)
	}
	if d := cmp.Diff([]string{"odd", "paris.example.org", "only"}, names); d != "" {
		t.Error(d)
	}
	want := mirror.Mirror{
		Name: "paris.example.org", HTTP: []string{"https://paris.example.org/pub/", "http://paris.example.org/pub/"},
		Rsync: "rsync://mb:pw@paris.example.org/pub/", FTP: "ftp://paris.example.org/",
		Place: mirror.Place{Continent: "eu", Country: "fr", Lat: 48.8566, Lng: 2.3522, HasCoords: true},
		ASNs:  []uint32{64500}, Redirects: mirror.RedirectsPublic, RegionOnly: true,
		OtherCountries: []string{"be", "ch"}, ExcludeCountries: []string{"gb"}, Score: 200,
		OperatorName: "Sponsor & Co", OperatorURL: "https://sponsor.example.org", Admin: "Ann", AdminEmail: "ann@example.org",
		Comment: "line 1\nline 2\nsponsor's logo: https://sponsor.example.org/l.png\ncustom data: rack 4",
	}
	if d := cmp.Diff(want, got["paris.example.org"]); d != "" {
		t.Error(d)
	}
	only := inv.Records[2]
	if m := only.Mirror; only.Enabled || !m.CountryOnly || !m.ASOnly || m.Redirects != "" || m.Score != 100 || m.Rsync != "" || m.HasCoords {
		t.Errorf("%+v", only)
	}
	left := strings.Join(only.Left, "\n")
	for _, want := range []string{"rsync over TLS", `"XYZ"`, `Score "much"`, `ASNum "none"`, `coordinates "x", "y"`, `ContinentCode "MARS"`} {
		if !strings.Contains(left, want) {
			t.Errorf("left %q, without %q", left, want)
		}
	}
	if u := inv.Records[0].Unusable; !strings.Contains(u, "user or password") || strings.Contains(u, "topsecret") {
		t.Errorf("unusable %q", u)
	}
	if !slices.Contains(inv.Left, scoreNote) {
		t.Errorf("left %q", inv.Left)
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	c := s.Client("")
	defer c.Close()
	p := c.Pipeline()
	put := func(path string, fields map[string]any) {
		p.SAdd(t.Context(), "FILES", path)
		p.HSet(t.Context(), "FILE_"+path, fields)
	}
	when := time.Date(2023, 11, 14, 22, 13, 20, 123456789, time.FixedZone("CET", 3600))
	put("/iso/one \xe9.iso", map[string]any{"size": 8, "modTime": when.String(), "sha256": strings.Repeat("ab", 32), "sha1": "", "md5": strings.Repeat("cd", 16)})
	put("/iso/bad", map[string]any{"size": 8, "modTime": "yesterday", "sha256": strings.Repeat("ab", 32)})
	put("/iso/empty", map[string]any{"size": "x"})
	for i := range 2500 {
		put(fmt.Sprintf("/many/%d", i), map[string]any{"size": i, "modTime": "2023-11-14 22:13:20 +0000 UTC", "sha256": "short"})
	}
	if _, err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := open(t, s.URL())
	n := map[string]*movein.Digest{}
	if err := d.Digests(t.Context(), func(g *movein.Digest) error { n[g.Path] = g; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(n) != 2501 || n["many/7"].SHA256 != nil || n["many/7"].MTime != 1700000000e9 {
		t.Errorf("%d digests", len(n))
	}
	one := n["iso/one \xe9.iso"]
	if one == nil || one.Size != 8 || one.MTime != when.UnixNano() || one.Precision != 1 || len(one.SHA256) != 32 || one.SHA1 != nil || len(one.MD5) != 16 {
		t.Errorf("%+v", one)
	}
	enough := errors.New("enough")
	if err := d.Digests(t.Context(), func(*movein.Digest) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error that ends it: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://:s3cret@127.0.0.1:1/0":   "database of Mirrorbits redis://:xxxxx@127.0.0.1:1/0: cannot be reached",
		"redis://:s3cret@127.0.0.1:1/abc": "the URL cannot be read",
		"http://:s3cret@127.0.0.1:1/":     "the URL cannot be read",
	} {
		_, err := Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := redistest.Start(t, "s3cret")
	if _, err := Open(t.Context(), s.URL()); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	c := s.Client("s3cret")
	defer c.Close()
	d := open(t, "unix://:s3cret@"+s.Socket)
	if _, err := d.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "no key MIRRORS") {
		t.Errorf("an empty database: %v", err)
	}
	put(t, c, 1, "a", map[string]any{"http": "a.example.org"})
	if _, err := d.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "of a version before 1") {
		t.Errorf("no version: %v", err)
	}
	set(t, c, "MIRRORBITS_DB_VERSION", 3)
	inv, err := d.Inventory(t.Context())
	if err != nil || !strings.Contains(inv.Left[0], "version 3") {
		t.Errorf("%v, %v", inv, err)
	}
	s.Stop()
	if _, err := d.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "database of Mirrorbits unix://") {
		t.Errorf("gone: %v", err)
	}
}

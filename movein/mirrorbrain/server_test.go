package mirrorbrain

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// TestPooled reads through pgbouncer, which hands sessions on after each
// transaction.
func TestPooled(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("testdata/2.17.sql")
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.New(t)
	exec(t, dsn, string(sql))
	d := open(t, pgtest.PgBouncer(t, dsn))
	if inv := inventory(t, d); len(inv.Records) != 6 {
		t.Errorf("%d mirrors", len(inv.Records))
	}
	n := 0
	if err := d.Digests(t.Context(), func(*movein.Digest) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("%d digests, %v", n, err)
	}
}

// FuzzRecord: whatever a column holds, what comes out can be a mirror here, and
// no password is in what is told.
func FuzzRecord(f *testing.F) {
	f.Add("mirror.example.org", "http://mirror.example.org/pub", "rsync://mb:s3cret@mirror.example.org/pub#x", "de", "192.0.2.0/24", "100", "52.5")
	f.Add("\xff", "http://a:s3cret@b/", "h::s3cret", "**", "10.0.0.1-10.0.0.9", "-1", "NaN")
	f.Add("", "ftp://x:s3cret@[", "rsync://u:s3cret@[::1", "--", "::/0", "99999999999999999999", "Inf")
	f.Fuzz(func(t *testing.T, name, url, scan, country, prefix, number, degrees string) {
		s := row{
			"identifier": &name, "baseurl": &url, "baseurl_ftp": &scan, "baseurl_rsync": &scan, "region": &country, "country": &country,
			"other_countries": &country, "prefix": &prefix, "asn": &number, "score": &number, "file_maxsize": &number, "lat": &degrees, "lng": &degrees,
			"comment": &scan, "operator_url": &url,
		}
		var names movein.Names
		r := record(s, []network{{prefix, number}}, &names)
		m := r.Mirror
		if err := mirror.ValidName(m.Name); err != nil {
			t.Fatal(err)
		}
		if (r.Unusable == "") != (len(m.HTTP) == 1) {
			t.Fatalf("unusable %q with %q", r.Unusable, m.HTTP)
		}
		if m.Rsync != "" {
			if _, err := mirror.BaseURL(m.Rsync, "rsync"); err != nil {
				t.Fatal(err)
			}
		}
		if m.HasCoords && !(math.Abs(m.Lat) <= 90 && math.Abs(m.Lng) <= 180) || m.Score < 0 || m.MaxSize < 0 {
			t.Fatalf("%+v", m)
		}
		for _, p := range m.Prefixes {
			if p != p.Masked() {
				t.Fatalf("prefix %v", p)
			}
		}
		for _, c := range m.OtherCountries {
			if _, ok := movein.Country(c); !ok {
				t.Fatalf("country %q", c)
			}
		}
		for _, told := range append(append([]string{r.Unusable}, r.Left...), r.Notes...) {
			if strings.ContainsAny(told, "\n\x00\x1b") {
				t.Fatalf("told %q", told)
			}
		}
	})
}

// TestPasswords: none is told, wherever somebody put it.
func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://u:s3cret@h.example.org/", "ftp://u:s3cret@h.example.org/", "rsync://u:s3cret@h.example.org/x#y", "http://u:s3cret@[",
		"http://u:s3cret@h.example.org/?q", "u:s3cret@h.example.org::x", "rsync://u:s3cret@h:port/", "rsync://u:s3%cret@h/",
	} {
		for _, country := range []string{"de", "**"} {
			var names movein.Names
			r := record(row{
				"identifier": &url, "baseurl": &url, "baseurl_ftp": &url, "baseurl_rsync": &url, "operator_url": &url, "country": &country,
			}, nil, &names)
			told := strings.Join(append(append([]string{r.Unusable, r.Mirror.OperatorURL}, r.Left...), r.Mirror.HTTP...), "\n")
			if strings.Contains(told, "s3cret") || strings.Contains(told, "s3%cret") {
				t.Errorf("%s: told %s", url, told)
			}
		}
	}
}

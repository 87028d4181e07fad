package mirrorbrain

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

func exec(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func fixture(t *testing.T, name string) *Database {
	t.Helper()
	sql, err := os.ReadFile(filepath.Join("testdata", name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.New(t)
	exec(t, dsn, string(sql))
	return open(t, dsn)
}

func open(t *testing.T, dsn string) *Database {
	t.Helper()
	d, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func inventory(t *testing.T, d *Database) *movein.Inventory {
	t.Helper()
	inv, err := d.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestInventory217(t *testing.T) {
	t.Parallel()
	inv := inventory(t, fixture(t, "2.17"))
	if inv.Title != "MirrorBrain 2.17.0" {
		t.Errorf("title %q", inv.Title)
	}
	want := []mirror.Mirror{
		{
			Name: "mirror.example.org", HTTP: []string{"http://mirror.example.org/pub/"}, Rsync: "rsync://mirror.example.org/pub/",
			FTP:   "ftp://ftp.example.org/pub/",
			Place: mirror.Place{Continent: "eu", Country: "de", Lat: 52.52, Lng: 13.41, HasCoords: true},
			ASNs:  []uint32{64500}, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
			Score: 100, OtherCountries: []string{"at", "ch", "li"},
			OperatorName: "Example e.V.", OperatorURL: "http://www.example.org", Admin: `Ann "A" O'Hara`, AdminEmail: "ann@example.org",
			PublicNotes: "Run by volunteers", Comment: "*** Mon Mar 2 2009: added\n*** Tue: it's \"fast\" (10G)",
		},
		{
			Name: "half.example.net", HTTP: []string{"http://half.example.net/"}, Rsync: "rsync://mb:s3cret@half.example.net/all/",
			Place: mirror.Place{Continent: "eu", Country: "de"}, Score: 50, MaxSize: 2147483647,
		},
		{Name: "cdn", HTTP: []string{"http://cdn.example.com/"}, Score: 10},
		{
			Name: "campus-uni", HTTP: []string{"http://ftp.example.edu/dist/"}, Rsync: "rsync://ftp.example.edu/dist/",
			Place: mirror.Place{Continent: "na", Country: "us"}, ASNs: []uint32{64501}, PrefixOnly: true, Score: 100,
		},
		{
			Name: "noscore", HTTP: []string{"http://noscore.example.org/"}, RegionOnly: true,
			Place: mirror.Place{Continent: "as", Country: "jp", Lat: 35.68, Lng: 139.69, HasCoords: true},
		},
		{
			Name: "old.ftp", FTP: "ftp://old.example.org/pub/", CountryOnly: true, Score: 100,
			Place: mirror.Place{Continent: "eu", Country: "fr", Lat: 48.86, Lng: 2.35, HasCoords: true},
		},
	}
	var got []mirror.Mirror
	for _, r := range inv.Records {
		got = append(got, r.Mirror)
	}
	if d := cmp.Diff(want, got, prefixes); d != "" {
		t.Error(d)
	}
	for name, left := range map[string][]string{
		"mirror.example.org": nil,
		"half.example.net":   {"rsync URL: its filter \"#^/debug/\"", "larger files than 2147483647 bytes", "operator URL"},
		"cdn":                {`its country "**"`},
		"campus uni":         {`the name "campus uni"`, `prefix "198.51.100.7"`, `other_countries: "mexico"`},
		"noscore":            {"it has no score"},
	} {
		i := slices.IndexFunc(inv.Records, func(r movein.Record) bool { return r.Name == name })
		all := strings.Join(append(inv.Records[i].Left, inv.Records[i].Notes...), "\n")
		if (len(left) == 0) != (all == "") || strings.Contains(all, "s3cret") {
			t.Errorf("%s: left %q", name, all)
		}
		for _, l := range left {
			if !strings.Contains(all, l) {
				t.Errorf("%s: left %q, without %q", name, all, l)
			}
		}
	}
	if r := inv.Records[5]; !strings.Contains(r.Unusable, "must begin with http://") {
		t.Errorf("%s: unusable %q", r.Name, r.Unusable)
	}
	if !inv.Records[2].Wildcard || inv.Records[4].Enabled || !inv.Records[0].Enabled {
		t.Error("wildcard or enabled is wrong")
	}
	markers := []movein.Marker{{Name: "Source", Paths: []string{"repo/src/", "!repo/src/EMPTY"}}, {Name: "ISOs", Paths: []string{"iso/*.iso"}}}
	if d := cmp.Diff(markers, inv.Markers); d != "" {
		t.Error(d)
	}
	if all := strings.Join(inv.Left, "\n"); !strings.Contains(all, "who has which file") || !strings.Contains(all, "announced prefixes") {
		t.Errorf("left %q", all)
	}
}

func TestInventory219(t *testing.T) {
	t.Parallel()
	inv := inventory(t, fixture(t, "2.19"))
	m := inv.Records[0].Mirror
	if m.Families != mirror.IPv6 || !m.ASOnly || !m.HasCoords || m.Lng != 0 || m.HTTP[0] != "https://six.example.org/pub/" {
		t.Errorf("%+v", m)
	}
	if m := inv.Records[1].Mirror; m.Families != 0 || m.Score != 200 {
		t.Errorf("%+v", m)
	}
}

func TestInventoryOpenSUSE(t *testing.T) {
	t.Parallel()
	inv := inventory(t, fixture(t, "opensuse-2020"))
	m := inv.Records[0].Mirror
	if d := cmp.Diff([]uint32{64520, 64521}, m.ASNs); d != "" {
		t.Error(d)
	}
	want := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/25"), netip.MustParsePrefix("198.51.100.128/26"),
		netip.MustParsePrefix("2001:db8:1::/48"),
	}
	if d := cmp.Diff(want, m.Prefixes, prefixes); d != "" {
		t.Error(d)
	}
	if left := strings.Join(inv.Records[0].Left, "\n"); !strings.Contains(left, `prefix "junk"`) {
		t.Errorf("left %q", left)
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"2.17":          {"iso/one.iso", "iso/two.iso", "iso/gone.iso"},
		"2.19":          {"iso/one.iso", "iso/two.iso"},
		"opensuse-2020": {"iso/one.iso", "iso/unhashed.iso"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := fixture(t, name)
			var got []string
			err := d.Digests(t.Context(), func(g *movein.Digest) error {
				got = append(got, g.Path)
				if g.Path == "iso/one.iso" && (g.MTime != 1300000000e9 || g.Precision != time.Second || g.Size != 8 ||
					len(g.MD5) != 16 || len(g.SHA1) != 20 || len(g.SHA256) != 32) {
					t.Errorf("%+v", g)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			enough := errors.New("enough")
			if err := d.Digests(t.Context(), func(*movein.Digest) error { return enough }); !errors.Is(err, enough) {
				t.Errorf("an error that ends it: %v", err)
			}
		})
	}
}

// TestPages reads more digests than one page has.
func TestPages(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("testdata/2.19.sql")
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.New(t)
	exec(t, dsn, string(sql)+`;
		INSERT INTO filearr (path) SELECT 'many/' || n FROM generate_series(1, 10001) n;
		INSERT INTO hash SELECT id, 1, 1, '\x00', '\x00', '\x00', 0, '', '', '', 0, '', '' FROM filearr WHERE path LIKE 'many/%'`)
	n := 0
	if err := open(t, dsn).Digests(t.Context(), func(*movein.Digest) error { n++; return nil }); err != nil || n != 10003 {
		t.Errorf("%d digests, %v", n, err)
	}
}

// TestBytes reads a database without an encoding, as old ones have it.
func TestBytes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	exec(t, dsn, "CREATE DATABASE mb_bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP DATABASE mb_bytes WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	sql, err := os.ReadFile("testdata/2.19.sql")
	if err != nil {
		t.Fatal(err)
	}
	other := dsn[:strings.LastIndexByte(dsn, '/')+1] + "mb_bytes?sslmode=disable"
	exec(t, other, string(sql)+"; UPDATE server SET operator_name = E'K\\xf6ln', identifier = E'k\\xf6ln' WHERE score = 200; UPDATE filearr SET path = E'iso/\\xe9' WHERE id = 1")
	d := open(t, other)
	inv := inventory(t, d)
	for _, r := range inv.Records {
		if r.Score == 200 && (r.Mirror.Name != "k-ln" || r.Mirror.OperatorName != "K\uFFFDln") {
			t.Errorf("%q %+v", r.Name, r.Mirror)
		}
	}
	var paths []string
	if err := d.Digests(t.Context(), func(g *movein.Digest) error { paths = append(paths, g.Path); return nil }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"iso/\xe9", "iso/two.iso"}, paths); d != "" {
		t.Error(d)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	if _, err := Open(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), `no table "server"`) {
		t.Errorf("an empty database: %v", err)
	}
	_, err := Open(t.Context(), "postgres://mb:s3cret@127.0.0.1:1/mirrorbrain?connect_timeout=2")
	if err == nil || !strings.Contains(err.Error(), "database of MirrorBrain postgres://mb:xxxxx@127.0.0.1:1/mirrorbrain") ||
		strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody there: %v", err)
	}
	if _, err = Open(t.Context(), "postgres://mb:s3cret@h:port/x"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a URL that is none: %v", err)
	}
}

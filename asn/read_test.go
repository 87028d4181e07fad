package asn

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// filler is enough good lines of public networks for one bad or private line
// to be the exception.
func filler(format string) string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

const (
	fillPfx2as = "100.64.%d.0\t24\t3320\n"
	fillRange  = "100.64.%[1]d.0\t100.64.%[1]d.255\t3320\tDE\tDTAG Internet service provider operations\n"
)

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, content string
		want                []string // beside the filler's
		stats               Stats    // without Prefixes, IPv4, IPv6
	}{
		{"pfx2as", "routeviews-rv2.pfx2as", "8.8.8.0\t24\t15169\n2001:4860::\t32\t15169\n", []string{"8.8.8.0/24 15169", "2001:4860::/32 15169"}, Stats{Format: "CAIDA pfx2as", Lines: 2}},
		{"origins and sets", "x", "1.0.0.0\t24\t13335_38803\n1.0.4.0\t22\t56203,38803\n1.0.16.0\t24\t2519_2518,2520\n1.0.64.0\t18\t{18144,18145}\n", []string{"1.0.0.0/24 13335", "1.0.4.0/22 56203", "1.0.16.0/24 2519", "1.0.64.0/18 18144"}, Stats{Format: "CAIDA pfx2as", Lines: 4, MultiOrigin: 4}},
		{"the first usable origin", "x", "1.0.0.0\t24\t0_23456_64512_13335_3320\n", []string{"1.0.0.0/24 13335"}, Stats{Format: "CAIDA pfx2as", Lines: 1, MultiOrigin: 1}},
		{"spaces, comments, CRLF, no last newline", "x", "# made today\r\n; and\r\n\r\n 1.0.0.0   24  13335 \r\n1.0.1.0 24 AS13335", []string{"1.0.0.0/24 13335", "1.0.1.0/24 13335"}, Stats{Format: "CAIDA pfx2as", Lines: 2}},
		{
			"what is left out", "x", filler(fillPfx2as) + "0.0.0.0\t0\t3320\n::\t0\t3320\n1.0.0.0\t24\t0\n1.0.1.0\t24\t23456\n1.0.2.0\t24\t64512\n1.0.3.0\t24\t65536\n1.0.4.0\t24\t4200000000\n1.0.5.0\t24\t4294967295\n100.64.0.0\t24\t1\n1.0.6.0\t24\tx\n",
			nil,
			Stats{Format: "CAIDA pfx2as", Lines: 210, Default: 2, Unrouted: 1, Reserved: 5, Duplicates: 1, Bad: 1},
		},
		{"one's own private numbers", "x", "10.0.0.0\t8\t64512\n10.1.0.0\t16\t4200000001\n192.0.2.0\t24\t64500\n192.0.3.0\t24\t65535\n", []string{"10.0.0.0/8 64512", "10.1.0.0/16 4200000001", "192.0.2.0/24 64500"}, Stats{Format: "CAIDA pfx2as", Lines: 4, Private: 3, Reserved: 1}},
		{"mapped IPv4", "x", "::ffff:1.0.0.0\t120\t13335\n", []string{"1.0.0.0/24 13335"}, Stats{Format: "CAIDA pfx2as", Lines: 1}},

		{"iptoasn v4", "ip2asn-v4.tsv", "1.0.0.0\t1.0.0.255\t13335\tUS\tCLOUDFLARENET\n1.0.1.0\t1.0.3.255\t0\tNone\tNot routed\n1.0.4.0\t1.0.7.255\t38803\tAU\tGTELECOM\n", []string{"1.0.0.0/24 13335", "1.0.4.0/22 38803"}, Stats{Format: "iptoasn.com", Lines: 3, Unrouted: 1}},
		{"iptoasn ranges", "x", "1.0.0.1\t1.0.0.6\t13335\tUS\tX\n", []string{"1.0.0.1/32 13335", "1.0.0.2/31 13335", "1.0.0.4/31 13335", "1.0.0.6/32 13335"}, Stats{Format: "iptoasn.com", Lines: 1}},
		{"iptoasn combined", "x", "1.0.0.0\t1.0.0.255\t13335\tUS\tX\n2001:200::\t2001:200:ffff:ffff:ffff:ffff:ffff:ffff\t2500\tJP\tWIDE\n", []string{"1.0.0.0/24 13335", "2001:200::/32 2500"}, Stats{Format: "iptoasn.com", Lines: 2}},
		{"iptoasn u32", "x", "16777216\t16777471\t13335\tUS\tX\n", []string{"1.0.0.0/24 13335"}, Stats{Format: "iptoasn.com", Lines: 1}},
		{"iptoasn everything", "x", filler(fillRange) + "0.0.0.0\t255.255.255.255\t13335\tUS\tX\n::\tffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\t13335\tUS\tX\n", nil, Stats{Format: "iptoasn.com", Lines: 202, Default: 2}},
		{"iptoasn without description", "x", "1.0.0.0\t1.0.0.255\t13335\n", []string{"1.0.0.0/24 13335"}, Stats{Format: "iptoasn.com", Lines: 1}},

		{"prefix list", "x", "1.0.0.0/24 13335\n2001:200::/32\tAS2500\n", []string{"1.0.0.0/24 13335", "2001:200::/32 2500"}, Stats{Format: "prefix list", Lines: 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), test.file)
			writeFile(t, path, []byte(test.content))
			got, stats := readAll(t, path)
			wantStats := stats
			stats.Prefixes, stats.IPv4, stats.IPv6, stats.Names = 0, 0, 0, 0
			if diff := cmp.Diff(test.stats, stats); diff != "" {
				t.Errorf("stats (-want +got):\n%s", diff)
			}
			if wantStats.Prefixes != len(got) || wantStats.IPv4+wantStats.IPv6 != len(got) {
				t.Errorf("%d prefixes, stats say %+v", len(got), wantStats)
			}
			var rest []string
			for _, p := range got {
				if !strings.HasPrefix(p, "100.64.") {
					rest = append(rest, p)
				}
			}
			if diff := cmp.Diff(test.want, rest); diff != "" {
				t.Errorf("prefixes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCompressed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := []byte("1.0.0.0\t24\t13335\n")
	writeFile(t, filepath.Join(dir, "x.gz"), zip(t, plain))
	// The same line through bzip2; the standard library cannot write it.
	packed, err := base64.StdEncoding.DecodeString(bzip2Line)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "x.bz2"), packed)
	writeFile(t, filepath.Join(dir, "dbip-asn-lite.mmdb.gz"), zip(t, geotest.ASNBytes(t, []geotest.Network{{CIDR: "1.0.0.0/24", ASN: 13335}})))
	for _, name := range []string{"x.gz", "x.bz2", "dbip-asn-lite.mmdb.gz"} {
		got, _ := readAll(t, filepath.Join(dir, name))
		if diff := cmp.Diff([]string{"1.0.0.0/24 13335"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadMMDB(t *testing.T) {
	t.Parallel()
	networks := []geotest.Network{
		{CIDR: "1.0.0.0/24", ASN: 13335},
		{CIDR: "2.0.0.0/15", ASN: 3215},
		{CIDR: "3.0.0.0/24", ASN: 0},
		{CIDR: "2001:200::/32", ASN: 2500},
	}
	dir := t.TempDir()
	want := []string{"1.0.0.0/24 13335", "2.0.0.0/15 3215", "2001:200::/32 2500"}
	for _, path := range []string{
		geotest.ASN(t, filepath.Join(dir, "asn.mmdb"), networks),
		geotest.FlatASN(t, filepath.Join(dir, "flat.mmdb"), networks),
		geotest.ASN(t, filepath.Join(dir, "without-suffix"), networks),
	} {
		got, stats := readAll(t, path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if stats.Format != "mmdb" || stats.Unrouted != 1 {
			t.Errorf("%s: stats %+v", path, stats)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	mmdb := geotest.ASNBytes(t, []geotest.Network{{CIDR: "1.0.0.0/24", ASN: 13335}})
	packed := zip(t, []byte(filler(fillPfx2as)))
	tests := []struct {
		name, file, content, want string
	}{
		{"empty", "x", "", "is empty"},
		{"white space", "x", "\n\n  \n", "is empty"},
		{"only comments", "x", "# nothing\n", "in no known format"},
		{"empty gzip", "x.gz", string(zip(t, nil)), "is empty"},
		{"truncated gzip", "x.gz", string(packed[:len(packed)-20]), "unexpected EOF"},
		{"damaged gzip", "x.gz", "\x1f\x8b\x00\x00", "unpacking"},
		{"damaged bzip2", "x.bz2", "BZh9xxxxxxxxxx", "unpacking"},
		{"xz", "x.xz", "\xfd7zXZ\x00", "unpack it first"},
		{"HTML", "x", "<html>not found</html>", `begins with "<html>not found</html>", where a line like "192.0.2.0\t24\t64500" (CAIDA pfx2as)`},
		{"too many bad lines", "x", filler(fillPfx2as) + "a\nb\nc\n", `3 of 203 lines cannot be read, the first: line 201, "a": 1 columns instead of 3; expected is a line like "192.0.2.0\t24\t64500"`},
		{"bad length", "x", "1.0.0.0\t24\t13335\n1.0.0.0\t33\t13335\n", "33 is no prefix length for 1.0.0.0"},
		{"bits beyond the length", "x", "1.0.0.0\t24\t13335\n1.0.0.1\t24\t13335\n", "1.0.0.1/24 is not the start of a network"},
		{"range backwards", "x", "1.0.0.0\t1.0.0.255\t1\tUS\tX\n1.0.0.255\t1.0.0.0\t1\tUS\tX\n", "1.0.0.255 to 1.0.0.0 is no range"},
		{"range of two families", "x", "1.0.0.0\t1.0.0.255\t1\tUS\tX\n1.0.0.0\t2001::\t1\tUS\tX\n", "is no range"},
		{"AS number too large", "x", "1.0.0.0\t24\t13335\n1.0.1.0\t24\t4294967296\n", `"4294967296" is no AS number`},
		{"no AS number", "x", "1.0.0.0\t24\t13335\n1.0.1.0\t24\t_\n", `"_" is no AS number`},
		{"zone", "x", "1.0.0.0\t24\t13335\nfe80::%eth0\t64\t1\n", "has a zone"},
		{"long line", "x", "1.0.0.0\t24\t13335\n" + strings.Repeat("1", maxLine+1), "line 2 is longer than"},
		{"nothing usable", "x", "1.0.0.0\t24\t0\n0.0.0.0\t0\t3320\n", "no prefix that could be used"},
		{"nothing announced", "x", "1.0.0.0\t1.0.0.255\t0\tNone\tNot routed\n", "no prefix that could be used"},
		{"truncated mmdb", "x.mmdb", string(mmdb[:len(mmdb)/2]), "not a complete mmdb file"},
		{"City mmdb", "x.mmdb", string(geotest.CityBytes(t, []geotest.Network{{CIDR: "1.0.0.0/24", Country: "de"}})), "an AS database is needed"},
		{"text called mmdb", "x.mmdb", "1.0.0.0\t24\t13335\n", "not a complete mmdb file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), test.file)
			writeFile(t, path, []byte(test.content))
			_, err := Read(path, func(p Prefix) error {
				t.Errorf("yielded %v", p)
				return nil
			})
			if err == nil {
				t.Fatal("was taken")
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want the path and %q", err, test.want)
			}
		})
	}
}

func TestReadFileErrors(t *testing.T) {
	t.Parallel()
	if _, err := Read(filepath.Join(t.TempDir(), "missing"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Read(t.TempDir(), nil); err == nil {
		t.Error("a folder was read")
	}
}

func TestReadStopsWithTheError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	writeFile(t, path, []byte("1.0.0.0\t24\t13335\n1.0.1.0\t24\t13335\n"))
	stop, n := errors.New("disk full"), 0
	if _, err := Read(path, func(Prefix) error { n++; return stop }); err != stop || n != 1 { //nolint:errorlint // as it is
		t.Errorf("error %v after %d prefixes", err, n)
	}
}

func TestStatsString(t *testing.T) {
	t.Parallel()
	got := Stats{Format: "iptoasn.com", Lines: 9, Prefixes: 5, IPv4: 3, IPv6: 2, Unrouted: 2, Bad: 1, MultiOrigin: 1}.String()
	const want = "iptoasn.com: 5 prefixes (3 IPv4, 2 IPv6) from 9 lines; left out: 2 not announced, 1 unreadable; 1 announced by several"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func readAll(t *testing.T, path string) ([]string, Stats) {
	t.Helper()
	var got []string
	stats, err := Read(path, func(p Prefix) error {
		got = append(got, fmt.Sprintf("%v %d", p.Prefix, p.ASN))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, stats
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func zip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bzip2Line is: printf '1.0.0.0\t24\t13335\n' | bzip2 | base64 -w0
const bzip2Line = "QlpoOTFBWSZTWV25UTsAAATYAAAwAAF+ACAAIaA9TQgyYjscoIBW058XckU4UJBduVE7"

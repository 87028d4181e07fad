package asn

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// FuzzParse reads anything as a file: it must not crash, and what it accepts
// must keep what Prefix and Read promise.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"1.0.0.0\t24\t13335_38803\n2001:200::\t32\t2500,{1}\n",
		"1.0.0.0\t1.0.3.255\t13335\tUS\tX\n::\t::ff\t1\tA\tB\n",
		"16777216\t16777471\t13335\tUS\tX\n",
		"1.0.0.0/24 AS13335\n# x\n",
		"0.0.0.0\t0\t0\n", "\x1f\x8b", "BZh9",
	} {
		f.Add("x", []byte(seed))
	}
	f.Add("x.mmdb", geotest.ASNBytes(f, []geotest.Network{{CIDR: "1.0.0.0/24", ASN: 13335}}))
	for _, content := range inAllRouteFormats(f, 0, "1 {2,3}", "1 (2) 100000") {
		f.Add("x", content)
	}
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		data, err := parse(name, bytes.NewReader(content))
		if err != nil {
			return
		}
		table, stats, n := data.Table, data.Stats, 0
		for p := range table.All() {
			n++
			if p.ASN == 0 || p.Prefix.Bits() < 1 || p.Prefix != p.Prefix.Masked() || p.Prefix.Addr().Is4In6() {
				t.Errorf("yields %v", p)
			}
			if prefix, asn, ok := table.Lookup(p.Prefix.Addr()); !ok || asn == 0 || prefix.Bits() < p.Prefix.Bits() {
				t.Errorf("%v is not found: %v, %d, %v", p, prefix, asn, ok)
			}
		}
		for number, name := range data.Names {
			if number == 0 || name.Text == "" || len(name.Text) > maxName || !utf8.ValidString(name.Text) || strings.ContainsFunc(name.Text, unicode.IsControl) {
				t.Errorf("AS%d is called %q", number, name.Text)
			}
		}
		if n == 0 && len(data.Names) == 0 || n != stats.Prefixes || n != stats.IPv4+stats.IPv6 {
			t.Errorf("%d prefixes, stats %+v", n, stats)
		}
	})
}

// The parsers of single lines by themselves, so that the fuzzer need not find
// its way through the detection first.

func FuzzPfx2as(f *testing.F) {
	fuzzLine(f, pfx2as, "1.0.0.0\t24\t13335_38803", "::\t0\t{1,2}", "1.0.0.1 300 AS1")
}

func FuzzIPtoASN(f *testing.F) {
	fuzzLine(f, iptoasn, "1.0.0.0\t1.0.0.255\t13335\tUS\tX", "0\t4294967295\t1", "::1\tffff::\t1\t\t")
}

func FuzzPrefixList(f *testing.F) {
	fuzzLine(f, prefixList, "1.0.0.0/24 13335", "::/0\tAS1", "1.0.0.0/024 1")
}

func fuzzLine(f *testing.F, format lineFormat, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		c := new(collector)
		err := format.parse(line, c)
		if !bytes.Equal(line, before) {
			t.Error("the line was written to")
		}
		if added := c.table.Len() + len(c.private); err != nil && added > 0 {
			t.Errorf("%v, but %d prefixes were added", err, added)
		}
	})
}

package asn

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

func TestReadNames(t *testing.T) {
	t.Parallel()
	mmdb := []geotest.Network{
		{CIDR: "1.0.0.0/24", ASN: 13335, Org: "Cloudflare, Inc."},
		{CIDR: "1.0.1.0/24", ASN: 13335, Org: "Another"},
		{CIDR: "2.0.0.0/24", ASN: 3215},
		{CIDR: "2001:200::/32", ASN: 2500, Org: "WIDE\x00Project\n"},
	}
	tests := []struct {
		name, content string
		want          Names
	}{
		{
			"iptoasn",
			"1.0.0.0\t1.0.0.255\t13335\tUS\tCLOUDFLARENET\n1.0.1.0\t1.0.1.255\t13335\tDE\tLater\n1.0.2.0\t1.0.2.255\t0\tNone\tNot routed\n" +
				"1.0.3.0\t1.0.3.255\t3215\tNone\tOrange\n1.0.4.0\t1.0.4.255\t3216\tFR\t\n1.0.5.0\t1.0.5.255\t3217\n",
			Names{13335: {"CLOUDFLARENET", "us"}, 3215: {"Orange", ""}},
		},
		{"RIPE NCC", "0 -Reserved AS-, ZZ\n1 LVLT-1, US\n13335 CLOUDFLARENET, US\n28573 Claro NXT Telecomunicacoes Ltda, BR\n23456 AS_TRANS, ZZ\n", Names{1: {"LVLT-1", "us"}, 13335: {"CLOUDFLARENET", "us"}, 28573: {"Claro NXT Telecomunicacoes Ltda", "br"}, 23456: {"AS_TRANS", ""}}},
		{"with AS", "AS1     LVLT-1 - Level 3 Parent, LLC, US\nas2\tUDEL-DCN\n", Names{1: {"LVLT-1 - Level 3 Parent, LLC", "us"}, 2: {"UDEL-DCN", ""}}},
		{
			"CAIDA", "# program start\n# format:org_id|changed|org_name|country|source\nLVLT-1|2012|Level 3 Parent, LLC|US|ARIN\n" +
				"# format:aut|changed|aut_name|org_id|opaque_id|source\n1|2012|LVLT|LVLT-1|x|ARIN\n2|2012|UDEL|UNKNOWN|x|ARIN\n",
			Names{1: {"LVLT Level 3 Parent, LLC", "us"}, 2: {"UDEL", ""}},
		},
		{"MaxMind", string(geotest.ASNBytes(t, mmdb)), Names{13335: {"Cloudflare, Inc.", ""}, 2500: {"WIDE Project", ""}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x")
			writeFile(t, path, []byte(test.content))
			d, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, d.Names); diff != "" || d.Stats.Names != len(test.want) {
				t.Errorf("%v\n%s", d.Stats, diff)
			}
		})
	}
	flat := geotest.FlatASN(t, "", mmdb)
	if d, err := Load(flat); err != nil || d.Names[13335].Text != "Cloudflare, Inc." {
		t.Errorf("IPinfo: %v, %v", d.Names, err)
	}
}

// Text that begins with a number is no list of names.
func TestNamesRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"an answer":       "404 page not found\n",
		"names of others": "AS1 LVLT-1, US\nx\n",
		"no names":        "AS1\nAS2\n",
		"organizations":   "# format:org_id|changed|org_name|country|source\nx\n",
	} {
		path := filepath.Join(t.TempDir(), "x")
		writeFile(t, path, []byte(content))
		if d, err := Load(path); err == nil {
			t.Errorf("%s: %v", name, d)
		}
	}
}

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" A \t B\r\n":                  "A B",
		"A\x1b[31mB":                   "A [31mB",
		"A\u202eB":                     "A B",
		"A\xffB":                       "A B",
		"\x00":                         "",
		strings.Repeat("é", 65):        strings.Repeat("é", 64),
		"a" + strings.Repeat("é", 999): "a" + strings.Repeat("é", 63),
		strings.Repeat("  a", 60):      strings.TrimSpace(strings.Repeat("a ", 60)),
		strings.Repeat("a ", 1000):     strings.TrimSpace(strings.Repeat("a ", 64)),
		"München Телеком 日本":           "München Телеком 日本",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"US": "us", "de\t": "de", "None": "", "ZZ": "", "D1": "", "": ""} {
		if got := cleanCountry(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

package asn

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// prose is what routers print before the table.
const prose = `route-views>show ip bgp
BGP table version is 1, local router ID is 198.32.162.100
Status codes: s suppressed, d damped, h history, * valid, > best, i - internal,
              r RIB-failure, S Stale
Origin codes: i - IGP, e - EGP, ? - incomplete

   Network          Next Hop            Metric LocPrf Weight Path
`

func TestReadRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		want          []string
		stats         Stats // without Prefixes, IPv4, IPv6
	}{
		{
			"oix-full-snapshot", prose + `*  1.0.0.0/24       217.192.89.50            0      0      0 3303 13335 i
*> 1.0.0.0/24       203.62.252.83            0      0      0 1221 4637 13335 i
*  1.0.4.0/22       217.192.89.50            0      0      0 3303 6939 4826 38803 38803 38803 i
`,
			[]string{"1.0.0.0/24 13335", "1.0.4.0/22 38803"},
			Stats{Format: "show ip bgp", Lines: 3},
		},
		{
			"networks left out, classes, empty columns", prose + `*  3.0.0.0          203.62.252.83                          0 1221 4637 80 i
*>                  64.71.255.61                           0 812 3356 80 i
* i                 64.71.255.62             0    100      0 812 3356 81 e
*> 128.9.0.0        203.62.252.83            5             0 1221 4 ?
*>i192.0.3.0        203.62.252.83                          0 1221 5 i
* i4.0.0.0          203.62.252.83            0    100      0 1221 82 i
*> 10.0.0.0         0.0.0.0                  0         32768 i
*> 0.0.0.0          203.62.252.83                          0 1221 i
h  11.0.0.0         203.62.252.83                          0 1221 6 i
s> 12.0.0.0         203.62.252.83                          0 1221 {7,8} i

Total number of prefixes 7
route-views>`,
			[]string{"3.0.0.0/8 80", "4.0.0.0/8 82", "12.0.0.0/8 7", "128.9.0.0/16 4", "192.0.3.0/24 5"},
			Stats{Format: "show ip bgp", Lines: 10, MultiOrigin: 1, Unrouted: 1, Default: 1},
		},
		{
			"wrapped", prose + `*> 100.100.100.128/25
                    203.62.252.83                          0 1221 4637 80 i
*> 2001:4860::/32   2001:DB8::1              0             0 3257 15169 i
*  2001:200:1234:5678::/64
                    2001:7F8:1::A500:3257:1
                                                           0 3257 2914
                                                             2500 2501 i
*                   2001:7F8:1::A500:3257:2
                                             0             0 3257 2501 i
`,
			[]string{"100.100.100.128/25 80", "2001:200:1234:5678::/64 2501", "2001:4860::/32 15169"},
			Stats{Format: "show ip bgp", Lines: 4},
		},
		{
			"another header", `     Network          Next Hop            Metric LocPrf Weight Path
 *>  1.0.0.0/24       203.62.252.83                          0 13335 i
 *   1.0.1.0/24       0.0.0.0                  0         32768 i
V*>i 1.0.2.0/24       203.62.252.83                          0 3356 13336 i
`,
			[]string{"1.0.0.0/24 13335", "1.0.2.0/24 13336"},
			Stats{Format: "show ip bgp", Lines: 3, Unrouted: 1},
		},
		{
			"without header, spaces squeezed", "*> 1.0.0.0/24 203.62.252.83 0 1221 13335 i\n*> 1.0.1.0/24 203.62.252.83 32768 i\n*> fd00::/8\t2001:db8::1\t0\t13335 i\n",
			[]string{"1.0.0.0/24 13335", "fd00::/8 13335"},
			Stats{Format: "show ip bgp", Lines: 3, Unrouted: 1},
		},
		{
			"a code close to an IPv6 network", "*>ifd00::/8         2001:db8::1              0    100      0 13335 i\n*>iabcd::/16        2001:db8::1              0    100      0 13335 i\n",
			[]string{"abcd::/16 13335", "fd00::/8 13335"},
			Stats{Format: "show ip bgp", Lines: 2},
		},

		{
			"bgpdump -m", `TABLE_DUMP2|1700000000|B|192.0.2.1|3356|1.0.0.0/24|3356 13335|IGP|192.0.2.1|0|0||NAG||
TABLE_DUMP2|1700000000|B|192.0.2.2|1299|1.0.0.0/24|1299 13336|IGP|192.0.2.2|0|0|1:2|AG|13335 1.2.3.4|
TABLE_DUMP2|1700000000|B|192.0.2.3|174|1.0.0.0/24|174 {13336,13337}|INCOMPLETE|192.0.2.2|0|0||NAG||
TABLE_DUMP2|1700000000|B|2001:db8::1|3356|2001:200::/32|3356 (65001) 2500|IGP|2001:db8::1|0|0||NAG||
TABLE_DUMP2|1700000000|B|192.0.2.1|3356|1.0.1.0/24||IGP|192.0.2.1|0|0||NAG||
`,
			[]string{"1.0.0.0/24 13336", "1.0.1.0/24 3356", "2001:200::/32 2500"},
			Stats{Format: "bgpdump", Lines: 5, MultiOrigin: 1},
		},
		{
			"bgpdump -M", "TABLE_DUMP|09/01/26 00:00:00|B|192.0.2.1|3356|1.0.0.0/24|3356 13335|IGP\nTABLE_DUMP2|09/01/26 00:00:00|B|192.0.2.1|3356|0.0.0.0/0|3356|IGP\n",
			[]string{"1.0.0.0/24 13335"},
			Stats{Format: "bgpdump", Lines: 2, Default: 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x")
			writeFile(t, path, []byte(test.content))
			got, stats := readAll(t, path)
			stats.Prefixes, stats.IPv4, stats.IPv6 = 0, 0, 0
			if diff := cmp.Diff(test.stats, stats); diff != "" {
				t.Errorf("stats (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("prefixes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRulesOfRoutes has a row for each rule about who announces a prefix, for
// all formats with routes.
func TestRulesOfRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		paths []string // one from each peer
		want  string
	}{
		{"most peers", []string{"1 13335", "2 13336", "3 13336"}, "13336"},
		{"equally many: the lowest", []string{"1 13337", "2 13336", "3 13337", "4 13336"}, "13336"},
		{"AS 0 never", []string{"1 0", "2 0", "3 13335"}, "13335"},
		{"AS 0 alone", []string{"1 0"}, ""},
		{"reserved never", []string{"1 23456", "2 23456", "3 13335"}, "13335"},
		{"reserved alone", []string{"1 23456", "2 65535", "3 4294967295"}, ""},
		{"private beside a public one", []string{"1 64512", "2 64512", "3 13335"}, "13335"},
		{"private alone, a leak", []string{"1 64512", "2 4200000000"}, ""},
		{"documentation alone", []string{"1 64496", "2 65536"}, ""},
		{"a set counts for its first", []string{"1 {13336,13335}", "2 13336", "3 13335", "4 13336"}, "13336"},
		{"a confederation does not count", []string{"1 13335 (2 3)", "2 13335"}, "13335"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := []string{"0.0.0.0/1 3320"}
			if test.want != "" {
				want = append(want, "1.0.0.0/24 "+test.want)
			}
			for name, content := range inAllRouteFormats(t, 50, test.paths...) {
				path := filepath.Join(t.TempDir(), "x")
				writeFile(t, path, content)
				got, stats := readAll(t, path)
				var rest []string
				for _, p := range got {
					if !strings.HasPrefix(p, "100.64.") {
						rest = append(rest, p)
					}
				}
				if diff := cmp.Diff(want, rest); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				if stats.Bad > 0 || stats.Default != 1 || test.want == "" && stats.Reserved+stats.Unrouted != 1 {
					t.Errorf("%s: stats %+v", name, stats)
				}
			}
		})
	}
}

func TestRoutesRefused(t *testing.T) {
	t.Parallel()
	good := "*> 1.0.0.0/24       203.62.252.83            0             0 1221 13335 i\n"
	for name, test := range map[string]struct{ content, want string }{
		"cut off in a route":     {good + "*> 1.0.1.0/24\n", "middle of a route"},
		"a route without a path": {good + "*> 1.0.1.0/24\n" + good, "the one before has no path"},
		"no next hop":            {good + "*> 1.0.1.0/24       x   0 1 i\n", `"x" is no next hop`},
		"bits beyond":            {good + "*> 1.0.1.1/24       203.62.252.83   0 1 2 i\n", "not the start of a network"},
		"no class":               {good + "*> 240.0.0.0        203.62.252.83   0 1 2 i\n", "has no length"},
		"text between":           {good + "% Connection lost\n", "is no route"},
		"a path of words":        {good + "*> 1.0.1.0/24       203.62.252.83            0             0 1221 x i\n", `"x" is no AS number`},
		"updates":                {"BGP4MP|1|A|192.0.2.1|1|1.0.0.0/24|1 2|IGP\n", "no known format"},
		"updates within":         {"TABLE_DUMP2|1|B|192.0.2.1|1|1.0.0.0/24|1 2|IGP\nBGP4MP|1|A|192.0.2.1|1|1.0.0.0/24|1 2|IGP\n", "is an update"},
		"few columns":            {"TABLE_DUMP2|1|B|192.0.2.1|1|1.0.0.0/24|1 2|IGP\nTABLE_DUMP2|1|B\n", "3 columns instead of 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x")
			writeFile(t, path, []byte(test.content))
			if d, err := Load(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v; want %q", d.Stats, err, test.want)
			}
		})
	}
}

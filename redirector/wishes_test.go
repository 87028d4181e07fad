package redirector

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWishes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		raw  string
		want Wishes
	}{
		{"", Wishes{}},
		{"x=y&meta4", Wishes{}},
		{"country=De", Wishes{Country: "de"}},
		{"country=..&country=de", Wishes{}},
		{"country=%0d%0a", Wishes{}},
		{"country=deu&as=-1&ip=1.2.3", Wishes{}},
		{"as=4294967296", Wishes{}},
		{"as=AS64500&ip=::ffff:192.0.2.1", Wishes{ASN: 64500, IP: netip.MustParseAddr("192.0.2.1")}},
		{"ip=fe80::1%25eth0", Wishes{IP: netip.MustParseAddr("fe80::1")}},
		{"avoid=a,b&avoid=,c,&avoid_country=DE", Wishes{Avoid: []string{"a", "b", "c"}, AvoidCountries: []string{"de"}}},
		{"https=1", Wishes{HTTPS: "1"}},
		{"https=0&https=1", Wishes{HTTPS: "0"}},
		{"https=yes", Wishes{}},
		{"country=de;as=1&%zz=1&as=2", Wishes{ASN: 2}},
	} {
		if diff := cmp.Diff(tc.want, parse(t, tc.raw).Wishes, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%q: -want +got:\n%s", tc.raw, diff)
		}
	}
}

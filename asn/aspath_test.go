package asn

import "testing"

func TestPathOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path string
		want       uint32
		none, bad  bool
	}{
		{name: "a path", path: "3356 1299 15169", want: 15169},
		{name: "one", path: "15169", want: 15169},
		{name: "prepended", path: "3356 15169 15169 15169", want: 15169},
		{name: "32 bits", path: "3356 396982", want: 396982},
		{name: "dotted", path: "3356 6.3766", want: 396982},
		{name: "a set: its first", path: "3356 {15169,36040}", want: 15169},
		{name: "a set with spaces", path: "3356 {15169 36040}", want: 15169},
		{name: "a set: its first public one", path: "3356 {64512,0,36040}", want: 36040},
		{name: "a set of private ones: who made it", path: "3356 {64512,64513}", want: 3356},
		{name: "a set of private ones in a private network", path: "65001 {65002,65003}", want: 65002},
		{name: "an empty set", path: "3356 {}", want: 3356},
		{name: "a set alone", path: "{15169}", want: 15169},
		{name: "a set within", path: "3356 {1,2} 15169", want: 15169},
		{name: "a confederation at the end", path: "3356 15169 (65001 65002)", want: 15169},
		{name: "a confederation's set at the end", path: "15169 [65001,65002]", want: 15169},
		{name: "a confederation at the begin", path: "(65001 65002) 3356 15169", want: 15169},
		{name: "close together", path: "(65001)15169", want: 15169},
		{name: "only a confederation", path: "(65001 65002)", none: true},
		{name: "empty", path: "", none: true},
		{name: "spaces", path: "  ", none: true},
		{name: "AS 0", path: "3356 0", want: 0},
		{name: "no number", path: "3356 x", bad: true},
		{name: "too large", path: "4294967296", bad: true},
		{name: "a set that is not opened", path: "1 2}", bad: true},
		{name: "a set that is not closed", path: "1 {2", bad: true},
		{name: "no number in a set", path: "1 {2,x}", bad: true},
		{name: "dotted too large", path: "1.65536", bad: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok, err := pathOrigin([]byte(test.path))
			if (err != nil) != test.bad || err == nil && (got != test.want || ok == test.none) {
				t.Errorf("%q: %d, %v, %v", test.path, got, ok, err)
			}
		})
	}
}

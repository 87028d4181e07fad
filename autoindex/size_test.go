package autoindex

import (
	"math"
	"testing"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]string{
		-1: "  - ", 0: "  0 ", 7: "  7 ", 972: "972 ", 973: "1.0K", 1229: "1.2K", 10188: "9.9K", 10189: " 10K", 10200: " 10K",
		995839: "972K", 995840: "973K", 996352: "1.0M", 5 << 20: "5.0M", 12345678901: " 11G", math.MaxInt64: "8.0E", 1 << 50: "1.0P",
	} {
		if got := string(appendSize(nil, size)); got != want {
			t.Errorf("%d: %q, want %q", size, got, want)
		}
	}
}

// FuzzSize: a size always takes four characters.
func FuzzSize(f *testing.F) {
	f.Add(int64(996147))
	f.Fuzz(func(t *testing.T, size int64) {
		if got := string(appendSize(nil, size)); len(got) != 4 {
			t.Errorf("%d: %q", size, got)
		}
		if size >= 0 {
			if got := string(appendIEC(nil, size)); got != caddySize(size) {
				t.Errorf("%d: %q, want %q", size, got, caddySize(size))
			}
		}
	})
}

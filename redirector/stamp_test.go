package redirector

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	stampKey1 = "0123456789abcdef0123456789abcdef"
	stampKey2 = "another-key-of-more-than-16-bytes"
	stampTime = 1_700_000_000
)

func newStamp(t testing.TB, algorithm string, keys ...string) *Stamp {
	t.Helper()
	s, err := NewStamp(algorithm, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The stamps are from openssl:
//
//	printf '1700000000 KEY' | openssl md5
//	printf '1700000000 /pub/a b.iso' | openssl sha256 -hmac KEY
func TestStampKnown(t *testing.T) {
	t.Parallel()
	const (
		byMD5  = "f704944c5065364443cdce5d2638166d"
		byHMAC = "13b406c5913e1343a28a83c9fd14c099884b6e94c030338f90e6473adc4b5783"
		atRoot = "fd0c34980d5a63b2f2a3b985abc338a02a39e3fac510d507949256ae404230be"
	)
	for _, tc := range []struct{ algorithm, location, want string }{
		{StampMD5, "http://m.example/pub/a%20b.iso", "?time=1700000000&stamp=" + byMD5},
		{StampHMAC, "http://m.example/pub/a%20b.iso", "?time=1700000000&stamp=" + byHMAC},
		{StampHMAC, "https://other.example:8443/pub/a%20%62%2e%69so", "?time=1700000000&stamp=" + byHMAC},
		{StampHMAC, "http://m.example/pub/a%20b.iso?x=/y", "&time=1700000000&stamp=" + byHMAC},
		{StampHMAC, "http://m.example", "?time=1700000000&stamp=" + atRoot},
		{StampHMAC, "http://m.example?", "&time=1700000000&stamp=" + atRoot},
	} {
		s := newStamp(t, tc.algorithm, stampKey1, stampKey2)
		if got := s.Sign(tc.location, stampTime); got != tc.location+tc.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", tc.algorithm, tc.location, got, tc.location+tc.want)
		}
	}
}

func TestStampVerify(t *testing.T) {
	t.Parallel()
	const path = "/pub/a b+%41\xff#?.iso"
	location := "http://m.example" + mirror.EscapePath(path)
	for _, algorithm := range []string{StampMD5, StampHMAC} {
		old := newStamp(t, algorithm, stampKey1)
		both := newStamp(t, algorithm, stampKey2, stampKey1)
		_, query, _ := strings.Cut(old.Sign(location, stampTime), "?")
		_, fresh, _ := strings.Cut(both.Sign(location, stampTime), "?")
		other := newStamp(t, algorithm, stampKey2)
		elsewhere := error(nil) // MirrorBrain's stamps are good for every path
		if algorithm == StampHMAC {
			elsewhere = ErrStampWrong
		}
		for name, tc := range map[string]struct {
			s           *Stamp
			path, query string
			age         int64
			want        error
		}{
			"at once":          {old, path, query, 0, nil},
			"at the limit":     {old, path, query, 300, nil},
			"too old":          {old, path, query, 301, ErrStampExpired},
			"clock behind":     {old, path, query, -60, nil},
			"future":           {old, path, query, -61, ErrStampFuture},
			"old key":          {both, path, query, 0, nil},
			"first key signs":  {other, path, fresh, 0, nil},
			"key not known":    {old, path, fresh, 0, ErrStampWrong},
			"wrong and old":    {old, path, fresh, 9999, ErrStampWrong},
			"other path":       {old, path + "x", query, 0, elsewhere},
			"encoded path":     {old, mirror.EscapePath(path), query, 0, elsewhere},
			"more arguments":   {old, path, "time=1&x&" + query + "&y=1", 0, nil},
			"no query":         {old, path, "", 0, ErrNoStamp},
			"no stamp":         {old, path, "time=1700000000", 0, ErrNoStamp},
			"short":            {old, path, query[:len(query)-1], 0, ErrNoStamp},
			"upper case":       {old, path, strings.ToUpper(query), 0, ErrNoStamp},
			"part of a name":   {old, path, "x" + query, 0, ErrNoStamp},
			"other time":       {old, path, strings.Replace(query, "1700000000", "1700000001", 1), 0, ErrStampWrong},
			"same time longer": {old, path, strings.Replace(query, "1700000000", "01700000000", 1), 0, ErrStampWrong},
			"huge time":        {old, path, strings.Replace(query, "1700000000", "9223372036854775808", 1), 0, ErrNoStamp},
			"negative time":    {old, path, strings.Replace(query, "1700000000", "-1", 1), 0, ErrNoStamp},
		} {
			err := tc.s.Verify(tc.path, tc.query, stampTime+tc.age, 5*time.Minute)
			if !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: got %v, want %v", algorithm, name, err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), query[len(query)-20:]) {
				t.Errorf("%s, %s: the error tells the stamp: %v", algorithm, name, err)
			}
		}
	}
}

func TestNewStampErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		algorithm string
		keys      []string
		want      string
	}{
		{"", []string{stampKey1}, "neither"},
		{"sha1", []string{stampKey1}, "neither"},
		{StampHMAC, nil, "no key"},
		{StampHMAC, []string{stampKey1, ""}, "key 2 is empty"},
		{StampMD5, []string{"se\ncret"}, "key 1 has a space"},
		{StampMD5, []string{" secret"}, "key 1 has a space"},
		{StampMD5, []string{"secr\u00e9t"}, "not ASCII"},
		{StampHMAC, []string{"secret"}, "has 6 bytes"},
	} {
		_, err := NewStamp(tc.algorithm, tc.keys...)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s %q: got %v, want %q and no key", tc.algorithm, tc.keys, err, tc.want)
		}
	}
	if _, err := NewStamp(StampMD5, "secret"); err != nil {
		t.Errorf("MirrorBrain's keys may be short: %v", err)
	}
}

// However a Stamp gets into a log, its keys do not.
func TestStampIsSecret(t *testing.T) {
	t.Parallel()
	s := newStamp(t, StampHMAC, stampKey1)
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb, s)
		fmt.Fprintf(&b, verb, struct{ S *Stamp }{s})
		fmt.Fprintf(&b, verb, struct{ s *Stamp }{s})
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "stamp", s)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "stamp", s)
	if out := b.String(); strings.Contains(out, stampKey1) || strings.Contains(out, fmt.Sprintf("%x", stampKey1)) {
		t.Errorf("the key is in %s", out)
	}
	if got := fmt.Sprint(s); got != "hmac-sha256 stamp, keys: 1" {
		t.Errorf("got %q", got)
	}
}

func TestStampConcurrently(t *testing.T) {
	t.Parallel()
	s := newStamp(t, StampHMAC, stampKey1)
	for i := range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for n := range 200 {
				path := fmt.Sprintf("/%d/%d", i, n)
				_, query, _ := strings.Cut(s.Sign("http://m.example"+path, stampTime), "?")
				if err := s.Verify(path, query, stampTime, time.Minute); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
		})
	}
}

// Whatever a file is called, the server that parses the signed URL finds the
// path and the stamp in it.
func FuzzStampSign(f *testing.F) {
	f.Add("pub/a b+%41\xff#?&.iso", int64(stampTime))
	f.Add("", int64(0))
	stamps := []*Stamp{newStamp(f, StampMD5, stampKey1), newStamp(f, StampHMAC, stampKey1)}
	f.Fuzz(func(t *testing.T, path string, now int64) {
		now &= 1<<39 - 1 // a time within twelve digits
		for _, s := range stamps {
			signed := s.Sign("https://m.example/"+mirror.EscapePath(path), now)
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatalf("%q: %v", signed, err)
			}
			if u.Path != "/"+path {
				t.Fatalf("%q: path %q, want %q", signed, u.Path, "/"+path)
			}
			if err := s.Verify(u.Path, u.RawQuery, now, 0); err != nil {
				t.Fatalf("%q: %v", signed, err)
			}
		}
	})
}

// findStamp finds what its regular expression finds.
func FuzzFindStamp(f *testing.F) {
	const digits = 4 // so that the fuzzer finds some
	want := regexp.MustCompile(`(?:^|&)time=([0-9]{1,12})&stamp=([0-9a-f]{4})(?:&|$)`)
	f.Add("time=1&stamp=00ff")
	f.Add("a=b&time=time=1&time=1700000000&stamp=12ab&stamp=0000")
	f.Add("time=1&time=2&stamp=00ff&")
	f.Add("time=1&stamp=00ff0&time=3&stamp=00fe")
	f.Fuzz(func(t *testing.T, query string) {
		epoch, stamp, ok := findStamp(query, digits)
		m := want.FindStringSubmatch(query)
		if ok != (m != nil) || ok && (epoch != m[1] || stamp != m[2]) {
			t.Errorf("%q: got %q %q %v, want %q", query, epoch, stamp, ok, m)
		}
	})
}

func TestStampAllocations(t *testing.T) {
	const location = "https://mirror.example.org/pub/a%20b.iso"
	dst := make([]byte, 0, 512)
	for algorithm, limit := range map[string]float64{
		StampMD5:  0,
		StampHMAC: 4, // without the race detector, which throws away a part of what pools hold: 0
	} {
		s := newStamp(t, algorithm, stampKey1)
		if n := testing.AllocsPerRun(1000, func() { dst = s.AppendQuery(dst[:0], location, stampTime) }); n > limit {
			t.Errorf("%s: %v allocations", algorithm, n)
		}
	}
}

func BenchmarkStamp(b *testing.B) {
	const location = "https://mirror.example.org/pub/distribution/leap/16.0/iso/Some-Distribution-DVD-x86_64-Build101.2-Media.iso"
	for _, algorithm := range []string{StampMD5, StampHMAC} {
		s := newStamp(b, algorithm, stampKey1)
		b.Run("append/"+algorithm, func(b *testing.B) {
			dst := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				dst = s.AppendQuery(dst[:0], location, stampTime)
			}
		})
		b.Run("sign/"+algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Sign(location, stampTime)
			}
		})
		_, query, _ := strings.Cut(s.Sign(location, stampTime), "?")
		path := urlPath(location)
		b.Run("verify/"+algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Verify(path, query, stampTime, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

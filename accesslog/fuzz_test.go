package accesslog

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// seeds are lines of each format.
var seeds = map[Format][]string{
	Caddy: {
		`{"ts":1795292626.691601,"logger":"http.log.access","request":{"client_ip":"192.0.2.7","method":"GET","host":"dl","uri":"/a%20b?x","headers":{"Range":["bytes=0-9"]},"tls":{}},"size":0,"status":302,"mirrorbrain":{"mirror":"one","realm":"as","asn":1,"prefix":"192.0.2.0/24"}}`,
		`{"a":[{"b":"\u00e4\ud83d\ude00\"\\"}],"ts":"2026-11-21T20:23:46.691-07:30"}`, `{`, `{"request":[`,
	},
	Combined: {
		`dl.example.org:443 192.0.2.7 - joe [21/Nov/2026:20:23:46 +0100] "GET /a%20b\x22 HTTP/1.1" 200 5 "-" "c \"x\" \\"`,
		`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "-" 408 -`, `" [" [`,
	},
	MirrorBrain: {
		`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.0" 302 1 "-" "curl"     want:file give:redirect r:region one     EU:AT ASN:1853 P:193.170.0.0/15     size:7 bytes=1-`,
		`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.0" 200 1 "-" "curl" give:file (x) r:- - : :: P: ASN:`,
	},
	Mirrorbits: {
		`2026/11/21 20:23:46.691601 REDIRECT 302 GET "/a" ip:192.0.2.7 mirror:one sameasn:1 distance:1.5km countries:DE,AT`,
		`2026/11/21 20:23:46 JSON 200 "/a"`, `# x`, `2026/11/21 20:23:46.99999999999999999999 X 200 ""`,
	},
}

func fuzzFormat(f *testing.F, format Format) {
	for _, s := range seeds[format] {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := NewReader(strings.NewReader(""), "log", Options{Format: format, Zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		var e, again Entry
		verdict := r.parse(line, format, &e)
		if r.parse(line, format, &again) != verdict || e != again {
			t.Errorf("read twice: %+v, %+v", e, again)
		}
		if verdict != good {
			return
		}
		if e.Status < 0 || e.Status > 999 || e.Bytes < -1 || e.Size < 0 || e.DistanceKm < 0 || len(e.Mirror) > 253 {
			t.Errorf("%+v", e)
		}
		for _, c := range []string{e.Country, e.Continent, e.MirrorCountry} {
			if c != "" && code([]byte(c)) != c {
				t.Errorf("code %q", c)
			}
		}
		if strings.ContainsAny(e.Mirror, " \n\x00") {
			t.Errorf("mirror %q", e.Mirror)
		}
	})
}

func FuzzCaddy(f *testing.F)       { fuzzFormat(f, Caddy) }
func FuzzCombined(f *testing.F)    { fuzzFormat(f, Combined) }
func FuzzMirrorBrain(f *testing.F) { fuzzFormat(f, MirrorBrain) }
func FuzzMirrorbits(f *testing.F)  { fuzzFormat(f, Mirrorbits) }

// FuzzReader reads whole logs, compressed ones too.
func FuzzReader(f *testing.F) {
	for _, list := range seeds {
		f.Add([]byte(strings.Join(list, "\n")))
	}
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte("BZh9"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04"))
	f.Fuzz(func(t *testing.T, log []byte) {
		r, err := NewReader(strings.NewReader(string(log)), "log", Options{})
		if err != nil {
			return
		}
		var e Entry
		n := int64(0)
		for err = r.Next(&e); err == nil; err = r.Next(&e) {
			n++
		}
		if c := r.Counts(); n+c.Other+c.Bad != c.Lines || errors.Is(err, io.EOF) && c.Bad > 0 && r.FirstBad().Number == 0 {
			t.Errorf("%d entries, %+v, %v", n, c, err)
		}
	})
}

package accesslog

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(time.Time.Equal),
}

// at is a time in UTC.
func at(hour, minute, second, nanos int) time.Time {
	return time.Date(2026, time.November, 21, hour, minute, second, nanos, time.UTC)
}

func TestLines(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	tests := []struct {
		name   string
		format Format
		line   string
		want   *Entry // nil: the line is passed over
	}{
		{
			"common", Combined,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0100] "GET /a/b%20c.iso HTTP/1.1" 200 1234`,
			&Entry{Time: at(19, 23, 46, 0), Addr: v4, Method: "GET", Path: "/a/b c.iso", Status: 200, Bytes: 1234},
		},
		{
			"combined", Combined,
			`192.0.2.7 - joe bloggs [21/Nov/2026:20:23:46 -0730] "HEAD /a?x=1&y#z HTTP/2.0" 302 - "https://example.org/\"q\"" "curl/8 \"x\" \\ \x41"`,
			&Entry{Time: at(27, 53, 46, 0), Addr: v4, Method: "HEAD", Path: "/a", Query: "x=1&y", Status: 302, Agent: `curl/8 "x" \ A`},
		},
		{
			"with the host", Combined,
			`DL.Example.org:443 2001:db8::7 - - [21/Nov/2026:20:23:46 +0000] "GET / HTTP/1.1" 404 0 "-" "-"`,
			&Entry{Time: at(20, 23, 46, 0), Addr: v6, Method: "GET", Path: "/", Status: 404, Host: "dl.example.org"},
		},
		{
			"a client by name", Combined,
			`client.example.net - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5 "-" "-"`,
			&Entry{Time: at(20, 23, 46, 0), Method: "GET", Path: "/x", Status: 200, Bytes: 5},
		},
		{
			"a host, and a client by name", Combined,
			`dl.example.org:80 client.example.net - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5`,
			&Entry{Time: at(20, 23, 46, 0), Method: "GET", Path: "/x", Status: 200, Bytes: 5, Host: "dl.example.org"},
		},
		{
			"an address in quotes", Combined,
			`"192.0.2.7" - - [21/Nov/2026:20:23:46 +0000] "GET http://dl.example.org/x HTTP/1.1" 206 5`,
			&Entry{Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 206, Bytes: 5, Host: "dl.example.org"},
		},
		{
			"brackets in the user's name", Combined,
			`192.0.2.7 - a [b] [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5`,
			&Entry{Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 200, Bytes: 5},
		},
		{
			"no request", Combined,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "-" 408 - "-" "-"`,
			&Entry{Time: at(20, 23, 46, 0), Addr: v4, Status: 408},
		},
		{
			"bytes that are not UTF-8, and half an escape", Combined,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /\xe4%e4%4 HTTP/1.1" 200 5`,
			&Entry{Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/\xe4\xe4%4", Status: 200, Bytes: 5},
		},
		{
			"MirrorBrain", MirrorBrain,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x.iso HTTP/1.0" 302 297 "-" "curl"     want:file give:redirect r:region mirror.example.net     EU:AT ASN:1853 P:193.170.0.0/15     size:225198139 bytes=29927145-`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x.iso", Status: 302, Bytes: 297, Agent: "curl",
				Logged: true, Mirror: "mirror.example.net", Realm: "region", Continent: "eu", Country: "at", ASN: 1853,
				Prefix: netip.MustParsePrefix("193.170.0.0/15"), Size: 225198139, Range: "bytes=29927145-",
			},
		},
		{
			"MirrorBrain, no mirror", MirrorBrain,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.0" 200 297 "-" "curl" want:file give:file (database_not_reached) r:- - --:-- ASN:- P:- size:- -`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 200, Bytes: 297, Agent: "curl",
				Logged: true,
			},
		},
		{
			"MirrorBrain, a document", MirrorBrain,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x.torrent HTTP/1.0" 200 297 "-" "curl" want:torrent give:torrent r:- - EU:DE ASN:- P:- size:7 -`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x.torrent", Status: 200, Bytes: 297, Agent: "curl",
				Logged: true, Document: true, Continent: "eu", Country: "de", Size: 7,
			},
		},
		{
			"MirrorBrain, another order, fields missing, and a client that adds some", MirrorBrain,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.0" 302 1 "-" "curl" EU:DE give:redirect one size:9 bytes=0-1 give:torrent two`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 302, Bytes: 1, Agent: "curl",
				Logged: true, Mirror: "one", Continent: "eu", Country: "de", Size: 9, Range: "bytes=0-1 give:torrent two",
			},
		},
		{
			"Mirrorbits", Mirrorbits,
			`2026/11/21 20:23:46.691601 REDIRECT 302 GET "/a "b"%20.iso" ip:2001:db8::7 mirror:one sameasn:3320 distance:12.50km countries:DE,AT`,
			&Entry{
				Time: at(20, 23, 46, 691601000), Addr: v6, Method: "GET", Path: `/a "b"%20.iso`, Status: 302, Bytes: -1,
				Logged: true, Mirror: "one", ASN: 3320, DistanceKm: 12.5, HasKm: true, MirrorCountry: "de",
			},
		},
		{
			"Mirrorbits, a fallback, without the method", Mirrorbits,
			`2026/11/21 20:23:46 REDIRECT 302 "/x" ip:192.0.2.7 mirror:Last_Resort fallback:true asn:3320 distance:0.00km countries:US`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 302, Bytes: -1,
				Logged: true, Mirror: "Last_Resort", Fallback: true, MirrorCountry: "us",
			},
		},
		{
			"Mirrorbits, JSON", Mirrorbits,
			`2026/11/21 20:23:46.000001 JSON 200 GET "/x" ip:192.0.2.7 mirror:one asn:1 distance:1.00km countries:US`,
			&Entry{
				Time: at(20, 23, 46, 1000), Addr: v4, Method: "GET", Path: "/x", Status: 200, Bytes: -1, Document: true,
				Logged: true, Mirror: "one", DistanceKm: 1, HasKm: true, MirrorCountry: "us",
			},
		},
		{"Mirrorbits, a comment", Mirrorbits, `# 2026/11/21 20:23:46 REDIRECT`, nil},
		{"empty", Combined, ``, nil},
		{
			"Caddy with our fields", Caddy,
			`{"level":"info","ts":1795292626.691601,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"41342","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"DL.example.org","uri":"/a%20b.iso?x=\u0026y","headers":{"User-Agent":["curl/7 \"x\""],"Accept":["*/*"],"Range":["bytes=0-9"]},"tls":{"resumed":false,"version":772,"server_name":"dl.example.org"}},"bytes_read":0,"user_id":"","duration":0.0009,"size":0,"status":302,"resp_headers":{"Location":["https://m/"],"X-Mirrorbrain-Mirror":["one"]},"mirrorbrain":{"result":"redirect","reason":"mirror","mirror":"one","realm":"country","country":"de","continent":"eu","representation":"redirect","asn":3320,"prefix":"192.0.2.0/24"}}`,
			&Entry{
				Time: at(20, 23, 46, 691601000), Addr: v4, Method: "GET", Path: "/a b.iso", Query: "x=&y", Status: 302,
				Host: "dl.example.org", Scheme: "https", Agent: `curl/7 "x"`, Range: "bytes=0-9",
				Logged: true, Mirror: "one", Realm: "country", Country: "de", Continent: "eu", ASN: 3320, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
			},
		},
		{
			"Caddy behind a proxy, another order and time, our fields filtered out", Caddy,
			` { "status" : 302 , "size":7, "resp_headers":{"X-Mirrorbrain-Mirror":["one"],"X-Mirrorbrain-Realm":["as"]}, "request":{"uri":"/x","host":"dl.example.org:8080","method":"GET","headers":{"X-Forwarded-Proto":["https"]},"remote_ip":"10.0.0.1","client_ip":"2001:db8::7"},"@timestamp":"2026-11-21T20:23:46.691+0100"}`,
			&Entry{
				Time: at(19, 23, 46, 691000000), Addr: v6, Method: "GET", Path: "/x", Status: 302, Bytes: 7,
				Host: "dl.example.org", Scheme: "https", Logged: true, Mirror: "one", Realm: "as",
			},
		},
		{
			"Caddy, served from here, an old version", Caddy,
			`{"ts":"21/Nov/2026:20:23:46 +0000","request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/x"},"status":200,"size":77,"mirrorbrain":{"result":"local","reason":"no_mirror","simulated":true}}`,
			&Entry{
				Time: at(20, 23, 46, 0), Addr: v4, Method: "GET", Path: "/x", Status: 200, Bytes: 77, Scheme: "http", Logged: true, Simulated: true,
			},
		},
		{
			"Caddy, a document", Caddy,
			`{"ts":"2026/11/21 20:23:46.500","request":{"client_ip":"192.0.2.7","method":"GET","uri":"/x.meta4"},"status":200,"size":77,"mirrorbrain":{"result":"document","representation":"meta4"}}`,
			&Entry{
				Time: at(20, 23, 46, 5e8), Addr: v4, Method: "GET", Path: "/x.meta4", Status: 200, Bytes: 77, Scheme: "http", Logged: true, Document: true,
			},
		},
		{"Caddy, a server's message", Caddy, `{"level":"info","ts":1795292626.6,"logger":"tls","msg":"cleaning"}`, nil},
		{"Caddy, an error", Caddy, `{"ts":1795292626.6,"logger":"http.log.error","request":{"uri":"/x"},"status":500}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := NewReader(strings.NewReader(test.line+"\n"), "log", Options{Format: test.format, Zone: time.UTC})
			if err != nil {
				t.Fatal(err)
			}
			var got Entry
			err = r.Next(&got)
			if test.want == nil {
				if c := r.Counts(); err == nil || c.Other != 1 {
					t.Errorf("got %+v, %v, counts %+v", got, err, c)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*test.want, got, compare); diff != "" {
				t.Error(diff)
			}
			// Found out from the line alone.
			r, err = NewReader(strings.NewReader(test.line), "log", Options{Zone: time.UTC})
			if err != nil || r.Format() != test.format {
				t.Errorf("taken for %v, %v", r.Format(), err)
			}
		})
	}
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	for format, lines := range map[Format][]string{
		Combined: {
			"nothing", `192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1`, `192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" ok 5`,
			`192.0.2.7 - - [21/Xyz/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5`, `192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 x`,
			`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5 "a" "b\`,
		},
		MirrorBrain: {`192.0.2.7 - - [21/Nov/2026:20:23:46 +0000] "GET /x HTTP/1.1" 200 5 "-" "-"`},
		Mirrorbits:  {`2026/11/21 20:23:46`, `2026/11/21 20:23:46.1 REDIRECT x GET "/x"`, `2026/11/21 20:23:46.1 REDIRECT 302 GET "/x`, `2026/11/2x 20:23:46 REDIRECT 302 GET "/x"`},
		Caddy:       {`{`, `[]`, `{"request":{"uri":"/x"}`, `{"request":{"uri":"/x"},}`, `{"a" 1}`, `{"request":{"uri":"/x"}} {}`, `{"a":"b`, `{"a":[1,{"b":2}}`},
	} {
		for _, line := range lines {
			r, err := NewReader(strings.NewReader(line), "log", Options{Format: format})
			if err != nil {
				t.Fatal(err)
			}
			var e Entry
			if err := r.Next(&e); r.Counts().Bad != 1 {
				t.Errorf("%v: %s: %+v, %v", format, line, e, err)
			} else if err == nil || !strings.Contains(err.Error(), format.String()) {
				t.Errorf("%v: %s: the error is %v", format, line, err)
			}
		}
	}
}

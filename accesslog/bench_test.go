package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// benchLine writes a line as clients and servers make them.
var benchLine = map[Format]func(w io.Writer, i int){
	Caddy: func(w io.Writer, i int) {
		fmt.Fprintf(w, `{"level":"info","ts":%d.691601,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"198.%d.%d.%d","remote_port":"41342","client_ip":"198.%[2]d.%[3]d.%[4]d","proto":"HTTP/2.0","method":"GET","host":"dl.example.org","uri":"/repositories/stable/x86_64/package-%[5]d-1.2.3.x86_64.rpm","headers":{"User-Agent":["Mozilla/5.0 (X11; Linux x86_64; rv:%[6]d.0) Gecko/20100101 Firefox/%[6]d.0"],"Accept":["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],"Accept-Encoding":["gzip, deflate, br"],"Accept-Language":["en-US,en;q=0.5"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"dl.example.org"}},"bytes_read":0,"user_id":"","duration":0.000929675,"size":0,"status":302,"resp_headers":{"Server":["Caddy"],"Location":["https://mirror.example.net/pub/repositories/stable/x86_64/package-%[5]d-1.2.3.x86_64.rpm"],"Alt-Svc":["h3=\":443\"; ma=2592000"],"X-Mirrorbrain-Mirror":["mirror%[7]d"]},"mirrorbrain":{"result":"redirect","reason":"mirror","mirror":"mirror%[7]d","realm":"country","country":"de","continent":"eu","representation":"redirect","asn":3320,"prefix":"198.%[2]d.0.0/16"}}`+"\n",
			1795292626+i/100, i%32, i/32%256, i/8192%256, i%5000, 100+i%40, i%50)
	},
	Combined: func(w io.Writer, i int) {
		fmt.Fprintf(w, `198.%d.%d.%d - - [21/Nov/2026:20:23:%02d +0000] "GET /repositories/stable/x86_64/package-%d-1.2.3.x86_64.rpm HTTP/1.1" 302 297 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:%[6]d.0) Gecko/20100101 Firefox/%[6]d.0"`+"\n",
			i%32, i/32%256, i/8192%256, i%60, i%5000, 100+i%40)
	},
	MirrorBrain: func(w io.Writer, i int) {
		fmt.Fprintf(w, `198.%d.%d.%d - - [21/Nov/2026:20:23:%02d +0000] "GET /repositories/stable/x86_64/package-%d-1.2.3.x86_64.rpm HTTP/1.1" 302 297 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:%[6]d.0) Gecko/20100101 Firefox/%[6]d.0"     want:file give:redirect r:country mirror%[7]d     EU:DE ASN:3320 P:198.18.0.0/15     size:225198139 -`+"\n",
			i%32, i/32%256, i/8192%256, i%60, i%5000, 100+i%40, i%50)
	},
	Mirrorbits: func(w io.Writer, i int) {
		fmt.Fprintf(w, `2026/11/21 20:23:%02d.691601 REDIRECT 302 GET "/repositories/stable/x86_64/package-%d-1.2.3.x86_64.rpm" ip:198.%d.%d.%d mirror:mirror%d sameasn:3320 distance:12.34km countries:DE`+"\n",
			i%60, i%5000, i%32, i/32%256, i/8192%256, i%50)
	},
}

// BenchmarkLines reads a million lines of each format: 100,000 different ones, again
// and again.
func BenchmarkLines(b *testing.B) {
	for _, f := range []Format{Caddy, Combined, MirrorBrain, Mirrorbits} {
		b.Run(f.String(), func(b *testing.B) {
			var log bytes.Buffer
			for i := range 100_000 {
				benchLine[f](&log, i)
			}
			b.ReportAllocs()
			lines, start := int64(0), time.Now()
			for b.Loop() {
				for range 10 {
					r, err := NewReader(bytes.NewReader(log.Bytes()), "log", Options{Zone: time.UTC})
					if err != nil {
						b.Fatal(err)
					}
					var e Entry
					for err = r.Next(&e); err == nil; err = r.Next(&e) {
						if e.Mirror == "" && f != Combined || !e.Addr.IsValid() || e.Path == "" {
							b.Fatalf("%+v", e)
						}
					}
					if !errors.Is(err, io.EOF) || r.Format() != f {
						b.Fatal(err)
					}
					lines += r.Counts().Lines
				}
			}
			b.ReportMetric(float64(lines)/time.Since(start).Seconds(), "lines/s")
		})
	}
}

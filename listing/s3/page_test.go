package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unsafe"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/s3test"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// pageText is what a server sends for n keys of some length.
func pageText(n int, more bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+
		`<Name>b</Name><Prefix></Prefix><KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>%v</IsTruncated>`, n, more)
	if more {
		b.WriteString("<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>")
	}
	for i := range n {
		fmt.Fprintf(&b, `<Contents><Key>distribution/pool/package-%d/package-%[1]d_%d.0-1_amd64.deb</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>`+
			`<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, i/100, i, i*1000)
	}
	b.WriteString("</ListBucketResult>")
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	doc, err := parse(strings.NewReader(pageText(3, true)), maxPage)
	p := doc.page
	if err != nil || len(p.objects) != 3 || !p.truncated || !p.encoded || !p.version2 || !strings.HasSuffix(p.token, "4vbOwM=") {
		t.Fatalf("%+v, %v", doc, err)
	}
	want := object{key: "distribution/pool/package-0/package-0_2.0-1_amd64.deb", modified: "2026-01-02T03:04:05.000Z", etag: `"d41d8cd98f00b204e9800998ecf8427e"`, size: 2000}
	if p.objects[2] != want {
		t.Errorf("got %+v, want %+v", p.objects[2], want)
	}
	// Every part of it breaks off.
	text := pageText(3, true)
	for i := range len(text) {
		if _, err := parse(strings.NewReader(text[:i]), maxPage); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
	if _, err := parse(strings.NewReader(text), len(text)); err != nil {
		t.Errorf("as large as may be: %v", err)
	}
	if _, err := parse(strings.NewReader(text), len(text)-1); !errors.Is(err, errPageSize) {
		t.Errorf("larger: %v", err)
	}
	if _, err := parse(strings.NewReader("<ListBucketResult>"+strings.Repeat("<Contents/>", maxKeys+1)), maxPage); !errors.Is(err, errPageKeys) {
		t.Errorf("too many keys: %v", err)
	}
}

// FuzzPage holds that whatever a server says is an error or a list of valid
// paths, of which there are no more than the bytes can hold.
func FuzzPage(f *testing.F) {
	f.Add([]byte(pageText(2, true)), "distribution/")
	f.Add([]byte(pageText(1, false)), "")
	f.Add([]byte(`<Error><Code>AccessDenied</Code><Message>no</Message><Region>eu-west-1</Region></Error>`), "")
	f.Add([]byte(bomb), "")
	f.Add([]byte("<ListBucketResult><Contents><Key>a/../%2e%2E/b&#0;</Key><Size>-1</Size></Contents><Contents/></ListBucketResult>"), "a/")
	f.Fuzz(func(t *testing.T, text []byte, prefix string) {
		doc, err := parse(bytes.NewReader(text), maxPage)
		if doc.fail != nil && doc.fail.region != "" && !regionName.MatchString(doc.fail.region) {
			t.Errorf("region %q", doc.fail.region)
		}
		if err != nil {
			return
		}
		if n := len(doc.page.objects); n*len("<Contents/>") > len(text) {
			t.Errorf("%d objects of %d bytes", n, len(text))
		}
		base := prefix[:strings.LastIndexByte(prefix, '/')+1]
		for i := range doc.page.objects {
			for _, encoded := range []bool{false, true} {
				e, kind := doc.page.objects[i].entry(base, prefix, encoded)
				if kind != isFile {
					continue
				}
				if e.Path == "" || mirror.ValidPath(e.Path) != nil || !strings.HasPrefix(base+e.Path, prefix) {
					t.Errorf("path %q below %q", e.Path, prefix)
				}
				if e.SizeMin < -1 || e.SizeMin != e.SizeMax || e.Precision < 0 {
					t.Errorf("%+v", e)
				}
			}
		}
		_, _ = doc.page.marker() // may not crash
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"s3://bucket/a/?region=eu-west-1", "s3+https://h:9000/b/x%20y/?style=virtual&profile=p", "s3+http://u:p@h/b/", "s3://b/#?@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := ParseURL(raw)
		if err != nil {
			return
		}
		if again, err := ParseURL(s); err != nil || again != s {
			t.Errorf("%q: %q, then %q, %v", raw, s, again, err)
		}
		l, err := New(raw, listing.Options{})
		if err != nil {
			t.Fatal(err)
		}
		u := l.target.endpoint(l.target.firstRegion())
		if u.User != nil || l.target.host == "" && !strings.HasSuffix(strings.TrimSuffix(u.Host, ".cn"), ".amazonaws.com") {
			t.Errorf("%q leads to %s", raw, u)
		}
	})
}

// A page is in memory as a whole.
func TestPageMemory(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(object{}); maxKeys*size > 8<<20 {
		t.Errorf("%d bytes an object, %d MiB a page", size, maxKeys*size>>20)
	}
}

// BenchmarkParse reads pages of a thousand keys.
func BenchmarkParse(b *testing.B) {
	text := pageText(1000, true)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := parse(strings.NewReader(text), maxPage); err != nil || len(doc.page.objects) != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N), "ns/entry")
}

// BenchmarkList lists 100,000 keys of a server in this process, whose own work
// counts too.
func BenchmarkList(b *testing.B) {
	const n = 100_000
	objects := make([]s3test.Object, n)
	for i := range objects {
		objects[i] = s3test.Object{Key: fmt.Sprintf("distribution/pool/package-%d/package-%d_%d.0-1_amd64.deb", i/100, i/100, i), Size: int64(i)}
	}
	srv := s3test.Start(b, objects)
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		sum, err := l.List(b.Context(), "", func(listing.Entry) error { return nil })
		if err != nil || sum.Entries != n {
			b.Fatal(sum, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

package mirrorbrain

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Whatever is asked for, the answer is a redirect, a document, a clear error or
// the next handler's; and never the file in a document's place.
func FuzzRequest(f *testing.F) {
	odd := "odd/a b<&\"'%23#?\n\xff.iso"
	d := newDepot(f)
	d.file("iso/x.iso", odd, "repo/repodata/repomd.xml")
	d.hash("iso/x.iso", odd, "repo/repodata/repomd.xml")
	d.finish()
	d.mirror(mirror.Mirror{Name: "de", Place: mirror.Place{Country: "de", Continent: "eu"}}, "iso/x.iso", odd, "repo/repodata/repomd.xml")
	conf := trackers()
	conf.YumLists = [][]string{{"release=[0-9]+", "/repo", "repodata/repomd.xml"}}
	conf.Repositories = []Repository{{Path: "/repo"}}
	s := d.site(conf)
	for _, path := range []string{"/iso/x.iso", "/iso/x.iso.meta4", "/" + odd + ".json", "/repo/", "/iso.meta4", "/x.yumlist", "/iso/../iso/x.iso.md5"} {
		for _, query := range []string{"", "mirrorlist&format=apt", "meta4", "release=9", "md5&sha1", "country=de&avoid=de&https=1", "json&all&pretty"} {
			f.Add(path, query, "application/metalink4+xml;q=0.5, */*", "dl.example.org")
		}
	}
	f.Fuzz(func(t *testing.T, path, query, accept, host string) {
		r := &http.Request{
			Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Host: host,
			Header: http.Header{"Accept": {accept}}, RemoteAddr: "192.0.2.7:1", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}
		w := httptest.NewRecorder()
		repl := caddy.NewReplacer()
		r = caddyhttp.PrepareRequest(r, repl, w, nil)
		caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, "192.0.2.7")
		passed := false
		err := s.h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			passed = true
			_, err := io.WriteString(w, "the file itself")
			return err
		}))
		status := w.Code
		if h, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
			status = h.StatusCode
		}
		switch status {
		case 200, 302, 304, 400, 404, 416, 503:
		default:
			t.Errorf("status %d: %v", status, err)
		}
		result, _ := repl.GetString("http.mirrorbrain.result")
		if passed && (result == "document" || result == "redirect" || result == "error") {
			t.Errorf("%s, and passed on", result)
		}
		for name, values := range w.Header() {
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n\x00") {
					t.Errorf("%s: %q", name, v)
				}
			}
		}
		if l := w.Header().Get("Location"); status == 302 && !strings.HasPrefix(l, "http://de.example/pub/") {
			t.Errorf("Location %q", l)
		}
	})
}

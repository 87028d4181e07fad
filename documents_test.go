package mirrorbrain

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// fetch is get with the body of the answer.
func (s *site) fetch(target string, opts ...option) (reply, string) {
	s.t.Helper()
	r, repl, w := s.request(target, opts...)
	passed := false
	err := s.h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		passed = true
		_, err := io.WriteString(w, "the file itself")
		return err
	}))
	out := reply{status: w.Code, header: w.Header(), err: err, repl: repl, location: w.Header().Get("Location")}
	if passed {
		out.status = 0
	}
	if h, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		out.status = h.StatusCode
	}
	return out, w.Body.String()
}

// documents is a site with one hashed file on two mirrors, one that is on none,
// and one that is exempt.
func documents(t *testing.T, conf *Handler) (*depot, *site) {
	t.Helper()
	d := newDepot(t)
	d.file("iso/x y.iso", "iso/lonely.iso", "iso/x y.iso.asc", "iso/plain.iso")
	d.hash("iso/x y.iso", "iso/lonely.iso")
	d.mirror(mirror.Mirror{Name: "de", Place: mirror.Place{Country: "de", Continent: "eu"}}, "iso/x y.iso", "iso/plain.iso")
	d.mirror(mirror.Mirror{Name: "us", Place: mirror.Place{Country: "us", Continent: "na"}}, "iso/x y.iso", "iso/plain.iso")
	return d, d.site(conf)
}

func trackers() *Handler {
	return &Handler{DocumentSettings: DocumentSettings{TorrentTrackers: [][]string{{"udp://tracker.example:6969"}}}}
}

func TestDigests(t *testing.T) {
	_, s := documents(t, trackers())
	content := make([]byte, fileSize)
	m, one, two, five := md5.Sum(content), sha1.Sum(content), sha256.Sum256(content), sha512.Sum512(content)
	for as, sum := range map[string][]byte{"md5": m[:], "sha1": one[:], "sha256": two[:], "sha512": five[:]} {
		want := hex.EncodeToString(sum)
		for target, want := range map[string]string{
			"/iso/x%20y.iso." + as:                 want + "  x y.iso\n",
			"/iso/x%20y.iso?" + as:                 want + "  x y.iso\n",
			"/iso/x%20y.iso?only_hash&" + as:       want + "\n",
			"/iso/x%20y.iso." + as + "?only_hash=": want + "\n",
		} {
			r, body := s.fetch(target)
			r.want(t, target, 200, "document requested")
			if body != want || r.get("representation") != as || r.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s: %q, %v", target, body, r.header)
			}
			if head, body := s.fetch(target, method(http.MethodHead)); body != "" || head.header.Get("Content-Length") != fmt.Sprint(len(want)) || head.header.Get("Etag") != r.header.Get("Etag") {
				t.Errorf("HEAD %s: %q %v", target, body, head.header)
			}
		}
	}
	r, body := s.fetch("/iso/x%20y.iso.btih")
	r.want(t, "btih", 200, "document requested")
	if len(body) != 40+len("  x y.iso\n") {
		t.Errorf("btih: %q", body)
	}
	for target, want := range map[string]string{
		"/iso/plain.iso.md5":     "error not_hashed",
		"/iso/plain.iso?sha256":  "error not_hashed",
		"/iso/plain.iso.torrent": "error not_hashed",
		"/iso/plain.iso.zsync":   "error not_hashed",
	} {
		got, text := s.fetch(target)
		got.want(t, target, 404, want)
		if text != "" {
			t.Errorf("%s: %q", target, text)
		}
	}
	// Nothing of the kind for what is no file.
	for _, target := range []string{"/iso.md5", "/none.iso.md5", "/iso/x%20y.iso.yumlist", "/iso/x%20y.iso.md5.sha1", "/iso/.md5"} {
		s.get(target).want(t, target, 0, "local not_indexed")
	}
	r, body = s.fetch("/iso/x%20y.iso?md5&sha1")
	r.want(t, "two at once", 400, "error bad_query")
	if !strings.Contains(body, "md5 and sha1") {
		t.Errorf("%q", body)
	}
}

// Names that md5sum must escape, in the way it does.
func TestSumNames(t *testing.T) {
	for name, want := range map[string]string{"a": "00  a", "a\nb": `\00  a\nb`, `a\b`: `\00  a\\b`, "\xff": "00  \xff"} {
		if got := string(appendSumName([]byte("00"), name)); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// A file that is there, in the index or only on the disk, is not hidden by a
// document.
func TestSuffixOfExisting(t *testing.T) {
	d, s := documents(t, new(Handler))
	d.file("iso/x y.iso.sha1", "iso/x y.iso.meta4")
	d.write("iso/x y.iso.md5", 10)
	d.follow(s)
	s.get("/iso/x%20y.iso.sha1").want(t, "indexed", 0, "exempt checksums")
	s.get("/iso/x%20y.iso.meta4").want(t, "indexed", 0, "local no_mirror")
	s.get("/iso/x%20y.iso.md5").want(t, "on the disk", 0, "local not_indexed")
	s.get("/iso/x%20y.iso.sha256").want(t, "not there", 200, "document requested")
	// A new file gets no document in the place of its bytes, nor the reverse.
	d.write("iso/new.iso", fileSize)
	s.get("/iso/new.iso?md5").want(t, "not indexed yet", 404, "error not_indexed")
	s.get("/elsewhere?json").want(t, "nothing of ours", 0, "local not_indexed")
}

func TestMetalinks(t *testing.T) {
	conf := trackers()
	conf.MetalinkTorrent = []string{"/iso/*.iso"}
	d, s := documents(t, conf)
	for _, tc := range []struct {
		target, accept, kind, outcome string
	}{
		{"/iso/x%20y.iso.meta4", "", "application/metalink4+xml", "document requested"},
		{"/iso/x%20y.iso?meta4", "", "application/metalink4+xml", "document requested"},
		{"/iso/x%20y.iso", "*/*,application/metalink4+xml,application/metalink+xml", "application/metalink4+xml", "document negotiated"},
		{"/iso/x%20y.iso.metalink", "", "application/metalink+xml", "document requested"},
		{"/iso/x%20y.iso", "application/metalink+xml", "application/metalink+xml", "document negotiated"},
	} {
		r, body := s.fetch(tc.target, field("Accept", tc.accept))
		r.want(t, tc.target, 200, tc.outcome)
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		if kind != tc.kind || r.header.Get("Vary") != "Accept" || !strings.Contains(r.header.Get("Content-Disposition"), `filename="x y.iso.meta`) {
			t.Errorf("%s: %v", tc.target, r.header)
		}
		if err := xml.Unmarshal([]byte(body), new(struct{})); err != nil {
			t.Errorf("%s: %v\n%s", tc.target, err, body)
		}
		for _, want := range []string{
			"http://de.example/pub/iso/x%20y.iso", "http://us.example/pub/iso/x%20y.iso",
			"<size>8192</size>", "http://dl.example.org/iso/x%20y.iso.torrent",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s:\n%s", tc.target, want, body)
			}
		}
		if strings.Index(body, "de.example") > strings.Index(body, "us.example") {
			t.Errorf("%s: the order is not that of the redirect", tc.target)
		}
	}
	s.get("/iso/x%20y.iso", field("Accept", "application/metalink4+xml;q=0, */*")).want(t, "q=0", 302, "redirect mirror country de")
	s.get("/iso/x%20y.iso", field("Accept", "*/*")).want(t, "*/*", 302, "redirect mirror country de")

	// Without mirrors: the file for who negotiates, 404 for who asks.
	s.get("/iso/lonely.iso", field("Accept", "application/metalink4+xml")).want(t, "negotiated", 0, "local no_mirror")
	s.get("/iso/lonely.iso.meta4").want(t, "asked for", 404, "error no_mirror")
	// Of what is exempt there is none, either.
	s.get("/iso/x%20y.iso.asc.meta4").want(t, "exempt", 404, "error no_mirror")
	r := s.get("/iso/x%20y.iso.asc", field("Accept", "application/metalink4+xml"))
	r.want(t, "exempt, negotiated", 0, "exempt signature")

	d.write("iso/x y.iso", fileSize+1) // since the last index run
	time.Sleep(1100 * time.Millisecond)
	s.get("/iso/x%20y.iso.meta4").want(t, "changed", 404, "error changed")
	s.get("/iso/x%20y.iso?md5").want(t, "changed", 404, "error changed")
	s.get("/iso/x%20y.iso", field("Accept", "application/metalink4+xml")).want(t, "changed", 0, "local changed")
}

func TestMetalinkSettings(t *testing.T) {
	off := false
	one := 1
	d, s := documents(t, &Handler{
		StampKey: "secret",
		DocumentSettings: DocumentSettings{
			DocumentExemptions: &off, MetalinkMirrors: &one, MetalinkPublisher: &Publisher{"The <Project>", "https://example.org/"},
			BrokenMirrors: []string{"http://broken.example/pub/"}, DHTNodes: []string{"dht.example:6881"}, MetalinkMagnet: true,
			Documents: []string{"meta4", "torrent", "md5"},
		},
	})
	d.mirror(mirror.Mirror{Name: "asc"}, "iso/x y.iso.asc")
	d.follow(s)
	r, body := s.fetch("/iso/x%20y.iso.meta4")
	r.want(t, "meta4", 200, "document requested")
	for _, want := range []string{"The &lt;Project&gt;", "?time=", "stamp=", "magnet:?"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing:\n%s", want, body)
		}
	}
	if strings.Count(body, "<url ") != 1 || strings.Contains(body, "broken") || !slices.Contains(r.header.Values("Vary"), "X-Broken-Mirrors") {
		t.Errorf("%v\n%s", r.header, body)
	}
	r, body = s.fetch("/iso/x%20y.iso.meta4", field("X-Broken-Mirrors", "true"))
	if strings.Index(body, ">http://broken.example/pub/iso/x%20y.iso") > strings.Index(body, ">http://de.example") || strings.Count(body, "<url ") != 2 || r.header.Get("X-Broken-Mirrors") != "true" {
		t.Errorf("%v\n%s", r.header, body)
	}
	if _, body = s.fetch("/iso/x%20y.iso.meta4", field("X-Broken-Mirrors", "only")); strings.Contains(body, ">http://de.example") || !strings.Contains(body, "broken.example") {
		t.Error(body)
	}
	r, body = s.fetch("/iso/x%20y.iso.asc.meta4")
	r.want(t, "about an exempt file", 200, "document requested")
	if !strings.Contains(body, "asc.example") {
		t.Error(body)
	}
	s.get("/iso/x%20y.iso.metalink").want(t, "switched off, suffix", 0, "local not_indexed")
	s.get("/iso/x%20y.iso?metalink").want(t, "switched off, query", 404, "error document_off")
	s.get("/iso/x%20y.iso", field("Accept", "application/metalink+xml")).want(t, "switched off, negotiated", 302, "redirect mirror country de")
	if loc := s.get("/iso/x%20y.iso").location; !strings.HasPrefix(loc, "http://de.example/pub/iso/x%20y.iso?time=") {
		t.Errorf("not signed: %s", loc)
	}
	settings := s.app.settings(s.h.rt)
	if strings.Contains(settings, "secret") || !strings.Contains(settings, "metalink_mirrors") {
		t.Errorf("settings of the node: %s", settings)
	}
}

// A Metalink names the earlier versions of repomd.xml, and mirrors although the
// file is a trust anchor.
func TestRepomd(t *testing.T) {
	d := newDepot(t)
	const path = "repo/repodata/repomd.xml"
	d.file(path)
	d.hash(path)
	s := d.site(new(Handler))
	d.change(fileSize, path)
	d.hash(path)
	d.mirror(mirror.Mirror{Name: "de"}, path)
	d.follow(s)
	r, body := s.fetch("/" + path + ".metalink")
	r.want(t, "metalink", 200, "document requested")
	for _, want := range []string{"de.example", "mm0:timestamp", "mm0:alternate>"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing:\n%s", want, body)
		}
	}
	s.get("/"+path).want(t, "the file", 0, "exempt repository_index")
}

func TestTorrents(t *testing.T) {
	d, s := documents(t, trackers())
	r, body := s.fetch("/iso/x%20y.iso.torrent")
	r.want(t, "torrent", 200, "document requested")
	if r.header.Get("Content-Type") != "application/x-bittorrent" || !strings.Contains(body, "8:announce26:udp://tracker.example:6969") || strings.Count(body, "/pub/iso/x%20y.iso") < 2 {
		t.Errorf("%v %q", r.header, body)
	}
	r, body = s.fetch("/iso/x%20y.iso?magnet")
	r.want(t, "magnet", 200, "document requested")
	u, err := url.Parse(strings.TrimSpace(body))
	if err != nil || u.Query().Get("dn") != "x y.iso" || u.Query().Get("tr") != "udp://tracker.example:6969" || strings.Contains(body, "&amp;") {
		t.Errorf("%q: %v", body, err)
	}
	if _, body = s.fetch("/iso/lonely.iso.torrent"); !strings.Contains(body, "http://dl.example.org/iso/lonely.iso") {
		t.Errorf("without mirrors it does not name this server: %q", body)
	}
	r, body = s.fetch("/iso/x%20y.iso.zsync")
	r.want(t, "zsync", 200, "document requested")
	head, sums, ok := strings.Cut(body, "\n\n")
	if !ok || !strings.Contains(head, "URL: http://de.example/pub/iso/x%20y.iso\n") || len(sums) == 0 || r.header.Get("Content-Length") != fmt.Sprint(len(body)) {
		t.Errorf("%v %q", r.header, body)
	}
	link := s.get("/iso/x%20y.iso").header.Values("Link")
	for _, want := range []string{
		`<http://dl.example.org/iso/x%20y.iso.torrent>; rel=describedby; type="application/x-bittorrent"`,
		`<http://dl.example.org/iso/x%20y.iso.asc>; rel=describedby; type="application/pgp-signature"`,
	} {
		if !slices.Contains(link, want) {
			t.Errorf("%s is not in %q", want, link)
		}
	}
	// Without tracker or node there are none.
	without := d.site(new(Handler))
	without.get("/iso/x%20y.iso.torrent").want(t, "no tracker", 404, "error no_tracker")
	without.get("/iso/x%20y.iso.btih").want(t, "no tracker", 200, "document requested")
}

func TestLists(t *testing.T) {
	d, s := documents(t, &Handler{DebugFrom: []string{"198.51.100.0/24"}})
	d.mirror(mirror.Mirror{Name: "old", Place: mirror.Place{Country: "de", Continent: "eu"}})
	d.mirror(mirror.Mirror{Name: "secret", ASNs: []uint32{64999}, ASOnly: true}, "iso/x y.iso")
	d.mirror(mirror.Mirror{Name: "only-us", Place: mirror.Place{Country: "us", Continent: "na"}, CountryOnly: true}, "iso/x y.iso")
	d.follow(s)
	type list struct {
		Mirrors  []struct{ Name, URL, Realm string }
		Excluded []struct{ Name, Reason string }
	}
	get := func(target string, opts ...option) (l list) {
		t.Helper()
		r, body := s.fetch(target, opts...)
		if r.status != 200 || r.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %v", target, r.status, r.header)
		}
		if err := json.Unmarshal([]byte(body), &l); err != nil {
			t.Fatalf("%s: %v\n%s", target, err, body)
		}
		return l
	}
	names := func(l list) (have, out string) {
		for _, m := range l.Mirrors {
			have += m.Name + " "
		}
		for _, m := range l.Excluded {
			out += m.Name + " "
		}
		return have, out
	}
	for _, target := range []string{"/iso/x%20y.iso.json", "/iso/x%20y.iso?json", "/iso/x%20y.iso?mirrorlist&format=json"} {
		have, out := names(get(target))
		if have != "de us " || !strings.Contains(out, "old") || !strings.Contains(out, "only-us") || strings.Contains(out, "secret") {
			t.Errorf("%s: %s without %s", target, have, out)
		}
	}
	if have, out := names(get("/iso/x%20y.iso", field("Accept", "application/json"))); have != "de us " || out == "" {
		t.Errorf("negotiated: %s without %s", have, out)
	}
	if _, out := names(get("/iso/x%20y.iso?json", from("198.51.100.1"))); !strings.Contains(out, "secret") {
		t.Errorf("from debug_from: %s", out)
	}
	if have, _ := names(get("/iso/x%20y.iso?json&country=us")); !strings.HasPrefix(have, "us ") && !strings.HasPrefix(have, "only-us ") {
		t.Errorf("for the United States: %s", have)
	}
	if have, out := names(get("/iso/x%20y.iso?json&all")); have != "de only-us us " || out != "" {
		t.Errorf("all: %s without %s", have, out)
	}
	if l := get("/iso/lonely.iso?json"); len(l.Mirrors) != 1 || l.Mirrors[0].Realm != "origin" || l.Mirrors[0].URL != "http://dl.example.org/iso/lonely.iso" {
		t.Errorf("without mirrors: %+v", l)
	}
	r, page := s.fetch("/iso/x%20y.iso.mirrorlist")
	r.want(t, "page", 200, "document requested")
	if !strings.Contains(page, "http://de.example/pub/iso/x%20y.iso") || !strings.Contains(page, "x y.iso.asc") && !strings.Contains(page, "x%20y.iso.asc") || !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v\n%s", r.header, page)
	}
	if _, text := s.fetch("/iso/x%20y.iso?mirrorlist&format=text"); text != "http://de.example/pub/iso/x%20y.iso\nhttp://us.example/pub/iso/x%20y.iso\n" {
		t.Errorf("%q", text)
	}
	r, body := s.fetch("/iso/x%20y.iso?mirrorlist&format=nonsense")
	r.want(t, "format", 400, "error bad_query")
	if !strings.Contains(body, "nonsense") {
		t.Errorf("%q", body)
	}
}

func TestFolderLists(t *testing.T) {
	d := newDepot(t)
	d.file("repo/repodata/repomd.xml", "repo/a.rpm", "repo/b.rpm", "9/os/x86_64/repodata/repomd.xml")
	d.finish()
	conf := new(Handler)
	conf.YumLists = [][]string{{"release=9|10", "arch=[a-z0-9_]+", "/$1/os/$2", "repodata/repomd.xml"}}
	s := d.site(conf)
	d.mirror(mirror.Mirror{Name: "de", Place: mirror.Place{Country: "de", Continent: "eu"}}, "repo/repodata/repomd.xml", "repo/a.rpm", "repo/b.rpm", "9/os/x86_64/repodata/repomd.xml")
	d.mirror(mirror.Mirror{Name: "half"}, "repo/a.rpm")
	d.mirror(mirror.Mirror{Name: "sub", Subtree: "repo", HTTP: []string{"http://sub.example/r/"}}, "repo/repodata/repomd.xml", "repo/a.rpm", "repo/b.rpm")
	d.follow(s)
	for target, want := range map[string]string{
		"/repo?mirrorlist&format=text":    "http://de.example/pub/repo/\nhttp://sub.example/r/\n",
		"/repo/?mirrorlist&format=text":   "http://de.example/pub/repo/\nhttp://sub.example/r/\n",
		"/repo/?mirrorlist&format=dnf":    "http://de.example/pub/repo/\nhttp://sub.example/r/\n",
		"/repo/?mirrorlist&format=apt":    "http://de.example/pub/repo/\tpriority:1\nhttp://sub.example/r/\tpriority:2\n",
		"/repo/?mirrorlist&format=pacman": "Server = http://de.example/pub/repo/\nServer = http://sub.example/r/\n",
		"/?mirrorlist&format=text":        "http://de.example/pub/\n",
		"/?release=9&arch=x86_64":         "http://de.example/pub/9/os/x86_64/\n",
		"/any/path?arch=x86_64&release=9": "http://de.example/pub/9/os/x86_64/\n",
	} {
		r, body := s.fetch(target)
		r.want(t, target, 200, "document requested")
		if body != want {
			t.Errorf("%s: %q", target, body)
		}
	}
	r, body := s.fetch("/repo/?mirrorlist")
	var objects []struct{ URL string }
	if err := json.Unmarshal([]byte(body), &objects); err != nil || len(objects) != 2 || objects[0].URL != "http://de.example/pub/repo/" {
		t.Errorf("%q: %v", body, err)
	}
	if r.header.Get("Cache-Control") == "" || !strings.HasPrefix(r.header.Get("Cache-Control"), "private") {
		t.Errorf("%v", r.header)
	}
	s.get("/repo/?mirrorlist&format=x").want(t, "format", 400, "error bad_query")
	s.get("/none/?mirrorlist").want(t, "no such folder", 0, "local not_indexed")
	s.get("/?release=8&arch=x86_64").want(t, "no rule", 0, "local not_indexed")
	s.get("/?release=10&arch=x86_64").want(t, "no marker", 404, "error not_indexed")
	s.get("/repo/").want(t, "a folder", 0, "")
	s.get("/repo/%2e%2e/?mirrorlist").want(t, "outside", 0, "")
}

func TestDocumentCaching(t *testing.T) {
	conf := trackers()
	conf.CacheControl = "public, max-age=60"
	d, s := documents(t, conf)
	for _, target := range []string{"/iso/x%20y.iso.meta4", "/iso/x%20y.iso.mirrorlist", "/iso/x%20y.iso.md5", "/iso/x%20y.iso.torrent", "/iso/x%20y.iso.json"} {
		first, body := s.fetch(target)
		second, again := s.fetch(target)
		tag := first.header.Get("Etag")
		if body != again || tag == "" || tag != second.header.Get("Etag") {
			t.Errorf("%s: differs from one request to the next", target)
		}
		scope := "private, max-age="
		if strings.HasSuffix(target, "md5") {
			scope = "max-age="
		}
		if !strings.HasPrefix(first.header.Get("Cache-Control"), scope) {
			t.Errorf("%s: %s", target, first.header.Get("Cache-Control"))
		}
		r, body := s.fetch(target, field("If-None-Match", tag))
		if r.status != http.StatusNotModified || body != "" {
			t.Errorf("%s: %d %q", target, r.status, body)
		}
		r, body = s.fetch(target, field("If-Modified-Since", first.header.Get("Last-Modified")))
		if r.status != http.StatusNotModified || body != "" {
			t.Errorf("%s since: %d %q", target, r.status, body)
		}
	}
	if got := s.get("/iso/x%20y.iso").header; got.Get("Cache-Control") != "public, max-age=60" || got.Get("Vary") != "Accept" {
		t.Errorf("%v", got)
	}
	// A change within the cell is no 304.
	r, before := s.fetch("/iso/x%20y.iso.md5")
	time.Sleep(1100 * time.Millisecond)
	d.write("iso/x y.iso", fileSize+1)
	d.change(fileSize+1, "iso/x y.iso")
	d.hash("iso/x y.iso")
	d.follow(s)
	time.Sleep(1100 * time.Millisecond)
	r, after := s.fetch("/iso/x%20y.iso.md5", field("If-Modified-Since", r.header.Get("Last-Modified")))
	if r.status != 200 || after == before {
		t.Errorf("%d %q, before %q", r.status, after, before)
	}
}

// Files served from here have the fields that are true of them, too.
func TestLocalHeaders(t *testing.T) {
	d, s := documents(t, &Handler{Head: "local"})
	d.file("notes.txt")
	d.hash("notes.txt")
	d.follow(s)
	r := s.get("/iso/lonely.iso")
	r.want(t, "no mirror", 0, "local no_mirror")
	sum := sha256.Sum256(make([]byte, fileSize))
	if got := r.header.Get("Repr-Digest"); got != "sha-256=:"+base64Of(sum[:])+":" || r.header.Get("Digest") == "" || r.header.Get("Vary") != "Accept" {
		t.Errorf("%v", r.header)
	}
	r = s.get("/iso/x%20y.iso", method(http.MethodHead))
	r.want(t, "HEAD", 0, "exempt head")
	if l := r.header.Values("Link"); len(l) == 0 || !strings.Contains(l[0], "x%20y.iso.meta4>; rel=describedby") || r.header.Get("Repr-Digest") == "" {
		t.Errorf("%v", r.header)
	}
	if r := s.get("/notes.txt"); r.header.Get("Repr-Digest") == "" {
		t.Errorf("%v", r.header)
	}
	if r := s.get("/notes.txt", field("Accept-Encoding", "gzip")); r.header.Get("Repr-Digest") != "" {
		t.Error("a digest of what may be compressed")
	}
	d.write("iso/lonely.iso", fileSize+1)
	time.Sleep(1100 * time.Millisecond)
	if r := s.get("/iso/lonely.iso"); r.header.Get("Repr-Digest") != "" {
		t.Errorf("a digest of a changed file: %v", r.header)
	}
	// An error further on is not about the file.
	req, _, w := s.request("/notes.txt")
	err := s.h.ServeHTTP(w, req, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return caddyhttp.Error(404, nil)
	}))
	if err == nil || w.Header().Get("Repr-Digest") != "" || w.Header().Get("Vary") != "" {
		t.Errorf("%v %v", err, w.Header())
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func osRemove(root, path string) error { return os.Remove(filepath.Join(root, path)) }

// An answer names a Metalink only where there is one.
func TestNamesOnlyWhatExists(t *testing.T) {
	d, s := documents(t, &Handler{Root: rootOff})
	d.origin("http://origin.example/pub/")
	d.follow(s)
	for target, want := range map[string]bool{"/iso/x%20y.iso": true, "/iso/lonely.iso": false, "/iso/x%20y.iso.asc": false} {
		r := s.get(target)
		named := strings.Contains(strings.Join(r.header.Values("Link"), " "), "meta4")
		there := s.get(target+".meta4").status == 200
		if r.status != 302 || named != want || there != want {
			t.Errorf("%s: %d, named %v, there %v: %v", target, r.status, named, there, r.header.Values("Link"))
		}
	}
}

func osChmod(root, path string, mode os.FileMode) error {
	return os.Chmod(filepath.Join(root, path), mode)
}

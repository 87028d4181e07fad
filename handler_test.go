package mirrorbrain

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// site is a handler at work, without a server around it.
type site struct {
	t   testing.TB
	h   *Handler
	app *App
}

// newSite provisions and starts an app and a handler, and waits for the
// catalog unless the database has none.
func newSite(t testing.TB, in Instance, conf *Handler) *site {
	t.Helper()
	s := provision(t, in, conf)
	if err := s.app.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func provision(t testing.TB, in Instance, conf *Handler) *site {
	t.Helper()
	raw, err := json.Marshal(App{Instances: map[string]*Instance{defaultInstance: &in}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin:   &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: new(bool)}},
		AppsRaw: caddy.ModuleMap{"mirrorbrain": raw},
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := ctx.App("mirrorbrain")
	if err != nil {
		t.Fatal(err)
	}
	if conf.Retry == 0 { // tests ask for one file again and again
		conf.Retry = -1
	}
	// What a configuration cannot say must not get in either.
	raw, err = json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := ctx.LoadModuleByID("http.handlers.mirrorbrain", raw)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, h: mod.(*Handler), app: app.(*App)}
	t.Cleanup(func() {
		_ = s.app.Stop()
		_ = s.app.Cleanup()
	})
	return s
}

// site starts a site on the depot's database and root, and waits until its
// catalog is what the database has.
func (d *depot) site(conf *Handler) *site {
	d.t.Helper()
	city, asn := geo(d.t)
	if conf.Root == "" {
		conf.Root = d.root
	}
	s := newSite(d.t, Instance{Database: d.url, GeoIP: city, GeoIPASN: asn}, conf)
	d.follow(s)
	return s
}

// follow waits until s has the depot's newest revision.
func (d *depot) follow(s *site) {
	d.t.Helper()
	want, err := d.store.Head(context.Background())
	d.must(err)
	end := time.Now().Add(10 * time.Second)
	for {
		head, _ := s.h.rt.db.catalog.Position()
		if head.Revision >= want.Revision && s.h.rt.db.prefixes.Load().Len() == d.announced {
			return
		}
		if time.Now().After(end) {
			d.t.Fatal("the catalog does not follow the database")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// reply is what became of a request.
type reply struct {
	status   int // 0: passed on
	header   http.Header
	err      error
	repl     *caddy.Replacer
	location string
}

func (r reply) get(name string) string {
	v, _ := r.repl.GetString("http.mirrorbrain." + name)
	return v
}

type option func(*http.Request, map[string]any)

func from(ip string) option {
	return func(_ *http.Request, vars map[string]any) { vars[caddyhttp.ClientIPVarKey] = ip }
}

func field(name, value string) option {
	return func(r *http.Request, _ map[string]any) { r.Header.Set(name, value) }
}

func method(m string) option { return func(r *http.Request, _ map[string]any) { r.Method = m } }

func viaTLS(r *http.Request, _ map[string]any) { r.TLS = &tls.ConnectionState{} }

func trusted(_ *http.Request, vars map[string]any) { vars[caddyhttp.TrustedProxyVarKey] = true }

func (s *site) request(target string, opts ...option) (*http.Request, *caddy.Replacer, *httptest.ResponseRecorder) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://dl.example.org"+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:1234"
	repl, w := caddy.NewReplacer(), httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, repl, w, nil)
	vars := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	vars[caddyhttp.ClientIPVarKey] = "192.0.2.7" // Germany
	for _, o := range opts {
		o(r, vars)
	}
	return r, repl, w
}

func (s *site) get(target string, opts ...option) reply {
	s.t.Helper()
	r, repl, w := s.request(target, opts...)
	passed := false
	err := s.h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		passed = true
		return nil
	}))
	out := reply{status: w.Code, header: w.Header(), err: err, repl: repl, location: w.Header().Get("Location")}
	if passed {
		out.status = 0
	}
	if h, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		out.status = h.StatusCode
	}
	return out
}

// want checks a reply: the status, and {result} {reason} {realm} {mirror}.
func (r reply) want(t testing.TB, what string, status int, outcome string) {
	t.Helper()
	got := strings.TrimSpace(r.get("result") + " " + r.get("reason") + " " + r.get("realm") + " " + r.get("mirror"))
	if r.status != status || got != outcome {
		t.Errorf("%s: got %d %q, want %d %q", what, r.status, got, status, outcome)
	}
}

func TestRedirectHeaders(t *testing.T) {
	d := newDepot(t)
	d.file("iso/x y.iso")
	sum := d.digest("iso/x y.iso")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "iso/x y.iso")
	d.mirror(mirror.Mirror{Name: "fr", Place: france, HTTP: []string{"http://fr.example/", "https://fr.example/"}}, "iso/x y.iso")
	d.mirror(mirror.Mirror{Name: "us", Place: usa, HTTP: []string{"http://us.example/iso/"}, Subtree: "iso"}, "iso/x y.iso")
	d.prefixes(store.Prefix{Prefix: prefix("192.0.2.0/25"), ASN: 64500})
	s := d.site(&Handler{})
	r := s.get("/iso/x%20y.iso?foo=bar")
	r.want(t, "redirect", 302, "redirect mirror country de")
	want := http.Header{
		"Location": {"http://de.example/pub/iso/x%20y.iso"},
		"Link": {
			`<http://dl.example.org/iso/x%20y.iso.meta4>; rel=describedby; type="application/metalink4+xml"`,
			`<http://de.example/pub/iso/x%20y.iso>; rel=duplicate; pri=1; geo=de`,
			`<http://fr.example/iso/x%20y.iso>; rel=duplicate; pri=2; geo=fr`,
			`<http://us.example/iso/x%20y.iso>; rel=duplicate; pri=3; geo=us`,
		},
		"X-Mirrorbrain-Mirror": {"de"},
		"X-Mirrorbrain-Realm":  {"country"},
		"Cache-Control":        {"private, no-cache"},
		"Vary":                 {"Accept"},
	}
	digest, repr := r.header.Get("Digest"), r.header.Get("Repr-Digest")
	if digest == "" || repr != "sha-256=:"+strings.TrimPrefix(digest, "SHA-256=")+":" {
		t.Errorf("digests of %x: %q and %q", sum, digest, repr)
	}
	want["Digest"], want["Repr-Digest"] = []string{digest}, []string{repr}
	if diff := cmp.Diff(want, r.header); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, want := range map[string]string{
		"country": "de", "continent": "eu", "asn": "64500", "prefix": "192.0.2.0/25", "representation": "redirect",
	} {
		if got := r.get(name); got != want {
			t.Errorf("{http.mirrorbrain.%s} is %q, want %q", name, got, want)
		}
	}
	if _, known := r.repl.Get("http.mirrorbrain.nothing"); known {
		t.Error("an unknown placeholder is answered")
	}
	// What is beside the AS table comes from the mmdb file.
	if got := s.get("/iso/x%20y.iso", from("198.51.100.9")); got.get("asn") != "64501" {
		t.Errorf("AS %q from the mmdb file", got.get("asn"))
	}
}

func TestPassedOn(t *testing.T) {
	d := newDepot(t)
	d.file("a/file.bin", "a/small.bin", "a/file.bin.sha256", "a/page.html", "a/nowhere.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "a/file.bin", "a/small.bin", "a/file.bin.sha256", "a/page.html")
	s := d.site(&Handler{
		ExcludeMIME: []string{"TEXT/*"}, ExcludeAgent: []string{"*bot*"}, ExcludePath: []string{"/a/small*"},
		ExcludeNetwork: []string{"203.0.113.0/24", "2001:db8::1"},
	})
	for _, tc := range []struct {
		target  string
		outcome string
		opts    []option
	}{
		{"/a/file.bin", "", []option{method("POST")}},
		{"/a/file.bin", "", []option{method("PROPFIND")}},
		{"/a/", "", nil},
		{"/", "", nil},
		{"/a/file.bin/", "", nil},
		{"/a/none.bin", "local not_indexed", nil},
		{"/a", "local not_indexed", nil},
		{"/a/small.bin", "exempt exclude_path", nil},
		{"/a/file.bin.sha256", "exempt checksums", nil},
		{"/a/page.html", "exempt exclude_mime", nil},
		{"/a/file.bin", "exempt exclude_agent", []option{field("User-Agent", "some Bot/1")}},
		{"/a/file.bin", "exempt exclude_network", []option{from("203.0.113.77")}},
		{"/a/file.bin", "exempt exclude_network", []option{from("2001:db8::1")}},
		{"/a/nowhere.bin", "local no_mirror", nil},
	} {
		s.get(tc.target, tc.opts...).want(t, tc.target, 0, tc.outcome)
	}
	s.get("/a/file.bin", from("@")).want(t, "unknown client", 302, "redirect mirror world m")
	s.get("/a/file.bin", from("")).want(t, "unknown client", 302, "redirect mirror world m")
	s.get("/a/file.bin", method("HEAD")).want(t, "HEAD", 302, "redirect mirror world m")

	d.site(&Handler{Head: "local"}).get("/a/file.bin", method("HEAD")).want(t, "HEAD local", 0, "exempt head")
	big := int64(fileSize + 1)
	d.site(&Handler{MinSize: &big}).get("/a/file.bin").want(t, "min_size", 0, "exempt min_size")
	no, zero := false, int64(0)
	d.site(&Handler{ExcludeDefaults: &no, MinSize: &zero}).get("/a/file.bin.sha256").want(t, "no defaults", 302, "redirect mirror world m")
}

func TestNames(t *testing.T) {
	d := newDepot(t)
	names := []string{
		"a b", "100%", "q?x", "h#y", "\xff\xfe", "ünï", "semi;colon", "a:b", "new\nline", "quote\"'<>", "plus+", "tab\t", "back\\slash", "%2e%2e", "comma,",
	}
	d.file(names...)
	d.mirror(mirror.Mirror{Name: "m", HTTP: []string{"http://m.example/"}}, names...)
	s := d.site(&Handler{})
	for _, name := range names {
		escaped := mirror.EscapePath(name)
		r := s.get("/" + escaped)
		if r.status != 302 || r.location != "http://m.example/"+escaped {
			t.Errorf("%q: %d %q", name, r.status, r.location)
		}
		for _, l := range r.header["Link"] {
			if strings.ContainsAny(l, "\n\r\t ") && strings.ContainsAny(l[:strings.IndexByte(l, '>')], "\n\r\t \"") {
				t.Errorf("%q: Link %q", name, l)
			}
		}
	}
}

func TestAliases(t *testing.T) {
	d := newDepot(t)
	d.file("v2/file.bin")
	d.alias("latest", "v2", true)
	d.mirror(mirror.Mirror{Name: "m"}, "v2/file.bin")
	s := d.site(&Handler{CheckFile: -1})
	r := s.get("/latest/file.bin")
	r.want(t, "alias", 302, "redirect mirror world m")
	if r.location != "http://m.example/pub/v2/file.bin" {
		t.Errorf("Location %s", r.location)
	}
	if l := r.header["Link"][0]; !strings.HasPrefix(l, "<http://dl.example.org/latest/file.bin.meta4>") {
		t.Errorf("describedby %s", l)
	}
}

// With handle_path the handler sees less of the path than the client asked for.
// A staged release is answered to nobody, although this process can read it.
func TestClosed(t *testing.T) {
	d := newDepot(t)
	d.write("staged/f.bin", fileSize)
	d.write("open/secret.bin", fileSize)
	d.write("open/new.bin", fileSize)
	d.must(os.Chmod(filepath.Join(d.root, "staged"), 0o750))
	d.must(os.Chmod(filepath.Join(d.root, "open/secret.bin"), 0o640))
	s := d.site(&Handler{})
	s.get("/staged/f.bin").want(t, "folder closed", 404, "error closed")
	s.get("/staged/none.bin").want(t, "nothing in a closed folder", 404, "error closed")
	s.get("/open/secret.bin").want(t, "file closed", 404, "error closed")
	s.get("/open/new.bin").want(t, "not indexed yet", 0, "local not_indexed")
	s.get("/open/none.bin").want(t, "not there", 0, "local not_indexed")
	d.site(&Handler{Closed: "pass"}).get("/staged/f.bin").want(t, "passed", 0, "local not_indexed")
}

// A link whose name is a trust anchor's is one, whatever its target is called.
func TestAliasOfAnchor(t *testing.T) {
	d := newDepot(t)
	d.file("sums-1")
	d.alias("SHA256SUMS", "sums-1", false)
	d.mirror(mirror.Mirror{Name: "m"}, "sums-1")
	s := d.site(&Handler{})
	s.get("/sums-1").want(t, "target", 302, "redirect mirror world m")
	s.get("/SHA256SUMS").want(t, "link", 0, "exempt checksums")
}

func TestStrippedPrefix(t *testing.T) {
	d := newDepot(t)
	d.file("file.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "file.bin")
	s := d.site(&Handler{})
	r := s.get("/pub/file.bin", func(r *http.Request, _ map[string]any) { r.URL.Path = "/file.bin" })
	r.want(t, "stripped", 302, "redirect mirror world m")
	if l := r.header["Link"][0]; !strings.HasPrefix(l, "<http://dl.example.org/pub/file.bin.meta4>") {
		t.Errorf("describedby %s", l)
	}
}

func TestSimulation(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	d.mirror(mirror.Mirror{Name: "uni", ASNs: []uint32{64777}, ASOnly: true}, "f.bin")
	d.mirror(mirror.Mirror{Name: "net", Prefixes: prefixList("203.0.113.0/24"), PrefixOnly: true}, "f.bin")
	d.mirror(mirror.Mirror{Name: "open", ASNs: []uint32{64778}}, "f.bin")
	d.prefixes(store.Prefix{Prefix: prefix("203.0.112.0/20"), ASN: 64777})
	s := d.site(&Handler{DebugFrom: []string{"192.0.2.99", "10.0.0.0/8"}})
	debug := from("192.0.2.99")
	for _, tc := range []struct {
		target, outcome string
		opts            []option
	}{
		{"/f.bin", "redirect mirror country de", nil},
		{"/f.bin", "redirect mirror prefix net", []option{from("203.0.113.5")}},
		{"/f.bin", "redirect mirror as uni", []option{from("203.0.115.5")}},
		{"/f.bin?country=us", "redirect mirror country us", nil},
		{"/f.bin?country=CA", "redirect mirror region us", nil}, // its continent follows
		{"/f.bin?country=xyz", "redirect mirror country de", nil},
		{"/f.bin?ip=198.51.100.3", "redirect mirror country us", nil},
		{"/f.bin?ip=nonsense&as=x", "redirect mirror country de", nil},
		{"/f.bin?as=64778", "redirect mirror as open", nil},
		{"/f.bin?as=64777", "redirect mirror country de", nil},
		{"/f.bin?as=AS64777", "redirect mirror as uni", []option{debug}},
		{"/f.bin?ip=203.0.113.5", "redirect mirror prefix net", []option{debug}},
		{"/f.bin?avoid=de", "redirect mirror region", nil},
		{"/f.bin?avoid_country=DE,fr&avoid=open", "redirect mirror world us", nil},
		// Who is in a reserved network and says that he is elsewhere is elsewhere.
		{"/f.bin?country=us", "redirect mirror country us", []option{from("203.0.113.5")}},
	} {
		r := s.get(tc.target, tc.opts...)
		if strings.HasSuffix(tc.outcome, "region") {
			if m := r.get("mirror"); m == "de" {
				t.Errorf("%s: got %s", tc.target, m)
			}
			continue
		}
		r.want(t, tc.target, 302, tc.outcome)
	}
	// A simulated client from outside never gets into a reserved mirror.
	for range 50 {
		r := s.get("/f.bin?ip=203.0.113.5")
		if m := r.get("mirror"); m == "net" || m == "uni" {
			t.Fatalf("a simulated client got into %s", m)
		}
		for _, l := range r.header["Link"] {
			if strings.Contains(l, "net.example") || strings.Contains(l, "uni.example") {
				t.Fatalf("a simulated client sees %s", l)
			}
		}
	}
}

func TestSchemes(t *testing.T) {
	d := newDepot(t)
	d.file("plain.bin", "tls.bin")
	d.mirror(mirror.Mirror{Name: "plain", HTTP: []string{"http://plain.example/"}}, "plain.bin")
	d.mirror(mirror.Mirror{Name: "tls", HTTP: []string{"https://tls.example/"}}, "tls.bin")
	s := d.site(&Handler{})
	proxied := []option{trusted, field("X-Forwarded-Proto", "https")}
	s.get("/plain.bin").want(t, "http to http", 302, "redirect mirror world plain")
	s.get("/plain.bin", viaTLS).want(t, "https to http", 0, "local no_mirror")
	s.get("/plain.bin", proxied...).want(t, "https to http through a proxy", 0, "local no_mirror")
	s.get("/plain.bin", proxied[1]).want(t, "what an untrusted peer says", 302, "redirect mirror world plain")
	s.get("/tls.bin", viaTLS).want(t, "https to https", 302, "redirect mirror world tls")
	s.get("/tls.bin").want(t, "http to https", 302, "redirect mirror world tls")
	if l := s.get("/tls.bin", viaTLS).header["Link"][0]; !strings.HasPrefix(l, "<https://dl.example.org/tls.bin.meta4>") {
		t.Errorf("describedby %s", l)
	}
	s.get("/plain.bin?https=0", viaTLS).want(t, "https to http, asked for", 302, "redirect mirror world plain")
	s.get("/plain.bin?https=1").want(t, "only https, asked for", 0, "local no_mirror")
	if l := s.get("/tls.bin?https=1").header["Link"][0]; !strings.HasPrefix(l, "<http://dl.example.org/tls.bin.meta4>") {
		t.Errorf("describedby %s", l)
	}
	s = d.site(&Handler{HTTPSUpgrade: "never"})
	s.get("/tls.bin").want(t, "no upgrade", 0, "local no_mirror")
}

func TestNotReady(t *testing.T) {
	in := Instance{Database: "sqlite://" + t.TempDir() + "/mb.db"}
	fallbacks := []Fallback{{URL: "http://fb.example/"}}
	for _, tc := range []struct {
		conf    *Handler
		status  int
		outcome string
	}{
		{&Handler{}, 0, "local not_ready"},
		{&Handler{NotReady: "503"}, 503, "error not_ready"},
		{&Handler{NotReady: "fallback", Fallbacks: fallbacks}, 302, "redirect not_ready fallback fb.example"},
		{&Handler{Root: "off", OriginURL: "http://o.example/"}, 302, "redirect not_ready fallback o.example"},
	} {
		tc.conf.Health = "/health"
		s := provision(t, in, tc.conf) // not started
		s.get("/a/b.iso").want(t, tc.conf.NotReady, tc.status, tc.outcome)
		if r := s.get("/health"); r.status != 503 {
			t.Errorf("health: %d", r.status)
		}
	}
}

func TestHealth(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	s := d.site(&Handler{Health: "/up"})
	r, _, w := s.request("/up")
	if err := s.h.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	var got health
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if !got.Ready || got.Revision == 0 || got.Age < 0 || got.Age > 10 || got.Files != 1 || got.Mirrors != 1 {
		t.Errorf("%+v", got)
	}
	if r := s.get("/up", method("POST")); r.status != 405 {
		t.Errorf("POST: %d", r.status)
	}
}

func TestCacheControlKept(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	none := 0
	s := d.site(&Handler{CacheControl: "max-age=5", Settings: redirector.Settings{Duplicates: &none}})
	r := s.get("/f.bin")
	if got := r.header["Cache-Control"]; len(got) != 1 || got[0] != "max-age=5" {
		t.Errorf("Cache-Control %v", got)
	}
	if len(r.header["Link"]) != 1 || r.location != "http://m.example/pub/f.bin" {
		t.Errorf("without duplicates: %v", r.header)
	}
	req, _, w := s.request("/f.bin")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.h.ServeHTTP(w, req, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.Header()["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control %v", got)
	}
}

func TestValidate(t *testing.T) {
	for name, conf := range map[string]string{
		"head":                  `{"head":"maybe"}`,
		"no_mirror":             `{"no_mirror":"500"}`,
		"no_mirror is fallback": `{"no_mirror":"fallback"}`,
		"not_ready is fallback": `{"not_ready":"fallback"}`,
		"https_upgrade":         `{"https_upgrade":"x"}`,
		"must not be negative":  `{"min_size":-1}`,
		"distance_factor":       `{"distance_factor":0.5}`,
		"distance_slack_km":     `{"distance_slack_km":-1}`,
		"duplicates":            `{"duplicates":1000}`,
		"health":                `{"health":"up"}`,
		"origin_url":            `{"origin_url":"ftp://x/"}`,
		"exclude_network":       `{"exclude_network":["nowhere"]}`,
		"debug_from":            `{"debug_from":["10.0.0.0/33"]}`,
		"fallback":              `{"fallbacks":[{"url":"x"}]}`,
		"MIME":                  `{"exclude_mime":["[a"]}`,
		`no instance "other"`:   `{"instance":"other"}`,
		"json: unknown field":   `{"min_sise":1}`,
	} {
		ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: new(bool)}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ctx.LoadModuleByID("http.handlers.mirrorbrain", json.RawMessage(conf))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want something about %s", conf, err, name)
		}
		if app, err := ctx.AppIfConfigured("mirrorbrain"); err == nil {
			_ = app.(*App).Cleanup()
		}
	}
}

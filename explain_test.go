package mirrorbrain

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// report reads an explanation.
func report(t *testing.T, what, body string) *explain.Report {
	t.Helper()
	r := new(explain.Report)
	if err := json.Unmarshal([]byte(body), r); err != nil {
		t.Fatalf("%s: %v in %q", what, err, body)
	}
	return r
}

// What an explanation says is what becomes of the request.
func TestExplainAgrees(t *testing.T) {
	d, s := documents(t, new(Handler))
	d.alias("latest.iso", "iso/x y.iso", false)
	d.must(os.Symlink("iso/x y.iso", filepath.Join(d.root, "latest.iso")))
	d.write("iso/new.iso", fileSize)
	d.file("iso/changed.iso")
	d.write("iso/changed.iso", 1)
	d.follow(s)
	for target, want := range map[string]string{
		"/iso/x%20y.iso":            "redirect mirror country de",
		"/latest.iso":               "redirect mirror country de",
		"/iso/x%20y.iso?country=us": "redirect mirror country us",
		"/iso/x%20y.iso?avoid=de":   "redirect mirror world us",
		"/iso/lonely.iso":           "local no_mirror",
		"/iso/x%20y.iso.asc":        "exempt signature",
		"/iso/changed.iso":          "local changed",
		"/iso/new.iso":              "local not_indexed",
		"/none":                     "local not_indexed",
	} {
		query := "?explain"
		if strings.Contains(target, "?") {
			query = "&explain"
		}
		plain := s.get(target)
		if got := strings.TrimSpace(plain.get("result") + " " + plain.get("reason") + " " + plain.get("realm") + " " + plain.get("mirror")); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
		got, body := s.fetch(target + query)
		r := report(t, target, body)
		name := ""
		if len(r.Outcome.To) > 0 {
			name = " " + r.Outcome.To[0].Name
			if r.Outcome.To[0].URL != plain.location || r.Outcome.To[0].Probability != 1 {
				t.Errorf("%s: %+v, but it is sent to %s", target, r.Outcome.To, plain.location)
			}
		}
		if said := strings.TrimSpace(r.Outcome.Result + " " + r.Outcome.Reason + " " + r.Outcome.Realm + name); said != want {
			t.Errorf("%s: explained as %q, want %q", target, said, want)
		}
		status, outcome := 200, "document requested"
		if r.Outcome.Reason == "not_indexed" {
			status, outcome = 404, "error not_indexed"
		}
		got.want(t, target, status, outcome)
		if h := got.header; h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", target, h)
		}
		if status == 200 && got.get("representation") != "explain" {
			t.Errorf("%s: representation %q", target, got.get("representation"))
		}
	}
	_, body := s.fetch("/latest.iso?explain")
	r := report(t, "a link", body)
	if r.Request.Path != "latest.iso" || r.Request.Target != "iso/x y.iso" || r.File == nil || r.File.Size != fileSize || len(r.File.SHA256) != 64 {
		t.Errorf("%+v %+v", r.Request, r.File)
	}
	if c := r.Client; c.Address != "192.0.2.7" || c.Country != "de" || *c.Lat != 52.5 || c.ASN != 64599 || c.PlaceFrom != "geoip" || c.NetworkFrom != "geoip_asn" || c.Simulated {
		t.Errorf("%+v", c)
	}
	if r.Node != nil || r.Private {
		t.Errorf("a client is told of the node: %+v", r.Node)
	}
}

// What others may not read is not to be told from what does not exist.
func TestExplainClosed(t *testing.T) {
	d, s := documents(t, &Handler{DebugFrom: []string{"198.51.100.0/24"}})
	d.write("secret.iso", fileSize)
	d.must(osChmod(d.root, "secret.iso", 0o640))
	d.file("staged.iso")
	d.write("staged.iso", fileSize+1) // replaced by a release that is not public yet
	d.must(osChmod(d.root, "staged.iso", 0o640))
	d.follow(s)
	_, absent := s.fetch("/no-such.iso?explain")
	for _, name := range []string{"secret.iso", "staged.iso"} {
		s.get("/"+name).want(t, name, 404, "error closed")
		r, body := s.fetch("/" + name + "?explain")
		r.want(t, name, 404, "error not_indexed")
		mask := func(body, name string) string {
			r := report(t, name, body)
			r.At, r.Request.Path, r.Request.Target = time.Time{}, "", ""
			text, err := json.Marshal(r)
			d.must(err)
			return string(text)
		}
		if got, want := mask(body, name), mask(absent, "no-such.iso"); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
		_, body = s.fetch("/"+name+"?explain", from("198.51.100.7"))
		if r := report(t, name, body); r.Outcome.Reason != "closed" {
			t.Errorf("%s for an operator: %+v", name, r.Outcome)
		}
	}
}

// secretMirrors are mirrors that only operators may know of, each named secret.
func secretMirrors(d *depot, file string) {
	far := mirror.Place{Country: "de", Continent: "eu", Lat: 1, Lng: 1, HasCoords: true}
	d.mirror(mirror.Mirror{Name: "secret-as", Place: far, ASOnly: true, ASNs: []uint32{1}, Comment: "secret"}, file)
	d.mirror(mirror.Mirror{Name: "secret-prefix", Place: far, PrefixOnly: true, Prefixes: prefixList("10.1.0.0/16")}, file)
	off := d.mirror(mirror.Mirror{Name: "secret-off", Place: far}, file)
	zero := d.mirror(mirror.Mirror{Name: "secret-zero", Place: far}, file)
	dead := d.mirror(mirror.Mirror{Name: "secret-dead", Place: far}, file)
	spent := d.mirror(mirror.Mirror{Name: "spent", Place: far, Admin: "secret-admin", Rsync: "rsync://secret:secret@spent.example/"}, file)
	for id, change := range map[mirror.ID]func(*mirror.Mirror){
		off:   func(m *mirror.Mirror) { m.Enabled = false },
		zero:  func(m *mirror.Mirror) { m.Score = 0 },
		dead:  func(m *mirror.Mirror) { m.Score, m.Probe.Down = 0, true },
		spent: func(m *mirror.Mirror) { m.Quota = mirror.Quota{Bytes: 1, Period: mirror.QuotaMonth, Spent: true} },
	} {
		_, err := d.store.UpdateMirror(d.t.Context(), id, "test", "edit", func(m *mirror.Mirror) error { change(m); return nil })
		d.must(err)
	}
	// Nodes look whether it is spent indeed.
	_, err := d.store.AddTraffic(d.t.Context(), []mirror.Traffic{{Mirror: spent, Day: mirror.DayOf(time.Now()), Requests: 1, Bytes: 100}})
	d.must(err)
	m := mirror.Mirror{Name: "secret-new", HTTP: []string{"http://secret-new.example/"}, Score: 100, Enabled: true}
	d.must(d.store.CreateMirror(d.t.Context(), &m, "test"))
}

// Nothing that only operators may know is in what others get, in whichever form.
func TestExplainKeepsSecrets(t *testing.T) {
	d := newDepot(t)
	d.file("x.iso", "x.iso.asc")
	d.mirror(mirror.Mirror{Name: "open", Place: germany}, "x.iso")
	secretMirrors(d, "x.iso")
	s := d.site(&Handler{DebugFrom: []string{"198.51.100.0/24"}})
	for _, target := range []string{"/x.iso", "/x.iso.asc", "/none"} {
		for _, wish := range []string{"", "&country=de", "&as=1", "&ip=10.1.2.3", "&avoid=open", "&avoid_country=de"} {
			for _, kind := range []string{"explain", "mirrorlist", "mirrorlist&explain", "json", "json&explain", "mirrorlist&format=text"} {
				ask := target + "?" + kind + wish
				if _, body := s.fetch(ask); strings.Contains(body, "secret") || strings.Contains(body, "quota") {
					t.Errorf("%s tells secrets:\n%s", ask, body)
				}
			}
		}
	}
	_, body := s.fetch("/x.iso?explain")
	r := report(t, "public", body)
	if len(r.Out) != 1 || r.Out[0].Name != "spent" || r.Out[0].Reason != "not available" || r.Out[0].Detail != "" {
		t.Errorf("%+v", r.Out)
	}
	_, body = s.fetch("/x.iso?explain", from("198.51.100.7"))
	for _, want := range []string{"secret-as", "secret-prefix", "secret-off", "secret-zero", "secret-new", "quota spent", `"private": true`, `"node"`} {
		if !strings.Contains(body, want) {
			t.Errorf("an operator is not told of %s", want)
		}
	}
	for _, never := range []string{"secret-admin", "rsync:", `"secret"`} {
		if strings.Contains(body, never) {
			t.Errorf("%s is told", never)
		}
	}
}

// Markup stays text, and the page explains where it is asked to.
func TestExplainPage(t *testing.T) {
	d := newDepot(t)
	name := `<b>&"x'.iso`
	d.file(name, "<script>.iso")
	d.mirror(mirror.Mirror{Name: "open", Place: germany, OperatorName: "<script>alert(1)</script>"}, name)
	d.mirror(mirror.Mirror{Name: "other", Place: germany}, "<script>.iso")
	s := d.site(new(Handler))
	target := "/" + mirror.EscapePath(name)
	_, body := s.fetch(target + "?mirrorlist&explain")
	for _, want := range []string{`id="mirrorbrain-why"`, "Sent to open", "<td>other</td><td>Germany</td><td>does not have this version of the file</td>", "<code>policy</code>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, `id="mirrorbrain-excluded"`) || strings.Contains(body, "<b>") || strings.Contains(body, "<script>") {
		t.Errorf("the page:\n%s", body)
	}
	if _, body := s.fetch(target + ".mirrorlist?explain"); !strings.Contains(body, `id="mirrorbrain-why"`) {
		t.Error("the suffix gives no explanation")
	}
	if _, body := s.fetch(target + "?mirrorlist"); strings.Contains(body, `id="mirrorbrain-why"`) {
		t.Error("the page explains without being asked")
	}
	if _, body := s.fetch(target + "?explain"); strings.ContainsAny(body, "<>&") {
		t.Errorf("markup in JSON:\n%s", body)
	}
}

func TestExplainOff(t *testing.T) {
	_, s := documents(t, &Handler{DocumentSettings: DocumentSettings{Documents: []string{"mirrorlist"}}})
	s.get("/iso/x%20y.iso?explain").want(t, "off", 404, "error document_off")
	if _, body := s.fetch("/iso/x%20y.iso?mirrorlist&explain"); strings.Contains(body, `id="mirrorbrain-why"`) {
		t.Error("the page explains")
	}
	_, s = documents(t, &Handler{DocumentSettings: DocumentSettings{Documents: []string{"explain"}}})
	r, _ := s.fetch("/iso/x%20y.iso?explain", method(http.MethodHead))
	r.want(t, "on", 200, "document requested")
	s.get("/iso/x%20y.iso.explain").want(t, "no suffix", 0, "local not_indexed")
}

// However many mirrors there are, the answer has a bound.
func TestExplainIsBounded(t *testing.T) {
	d := newDepot(t)
	d.file("x.iso")
	for i := range 130 {
		d.mirror(mirror.Mirror{Name: fmt.Sprintf("m%d", i), Place: germany}, "x.iso")
	}
	s := d.site(new(Handler))
	_, body := s.fetch("/x.iso?explain")
	if r := report(t, "many", body); len(r.Mirrors) != 100 || !r.Truncated || len(body) > 64<<10 {
		t.Errorf("%d mirrors in %d bytes, truncated %v", len(r.Mirrors), len(body), r.Truncated)
	}
}

// Files that the origin removed, and former versions.
func TestExplainFormer(t *testing.T) {
	d := newDepot(t)
	d.file("gone.iso", "x.iso")
	d.mirror(mirror.Mirror{Name: "late", Place: germany}, "gone.iso", "x.iso")
	s := d.site(&Handler{
		Root: rootOff, AllowOutdated: []Allowance{{Path: "/", For: 3600e9}}, KeepRemoved: []Allowance{{Path: "/", For: 3600e9}},
		DebugFrom: []string{"198.51.100.0/24"},
	})
	d.change(2*fileSize, "x.iso")
	d.remove("gone.iso")
	d.follow(s)
	until(t, "the former versions are known", func() bool { return s.get("/gone.iso").get("reason") == "removed" && s.get("/x.iso").status == 302 })
	for target, want := range map[string]string{"/gone.iso": "removed", "/x.iso": "outdated"} {
		_, body := s.fetch(target+"?explain", from("198.51.100.7"))
		if r := report(t, target, body); r.Outcome.Reason != want || r.Outcome.To[0].Name != "late" {
			t.Errorf("%s: %+v", target, r.Outcome)
		}
	}
}

// TestAdminAPI asks a real admin endpoint.
func TestAdminAPI(t *testing.T) {
	d := newDepot(t)
	d.file("iso/x.iso")
	d.alias("latest.iso", "iso/x.iso", false)
	d.mirror(mirror.Mirror{Name: "m", Place: germany}, "iso/x.iso")
	secretMirrors(d, "iso/x.iso")
	city, asn := geo(t)
	s := newServer(t)
	admin := freeAddr(t)
	cfg := strings.Replace(string(s.config(fmt.Sprintf("database %s\ngeoip %s\ngeoip_asn %s", d.url, city, asn),
		"root * "+d.root+"\nmirrorbrain {\nhealth /health\n}\nfile_server")), `"disabled":true`, `"listen":"`+admin+`"`, 1)
	d.must(caddy.Load([]byte(cfg), true))
	s.ready()
	ask := func(method, target string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+admin+"/mirrorbrain/"+target, nil)
		d.must(err)
		resp, err := client.Do(r)
		d.must(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		d.must(err)
		return resp.StatusCode, string(body)
	}
	status, body := ask(http.MethodGet, "explain?path=/latest.iso&ip=192.0.2.7&https=0")
	r := report(t, "explain", body)
	if status != 200 || r.Outcome.To[0].Name != "m" || r.Outcome.To[0].URL != "" && !strings.HasSuffix(r.Outcome.To[0].URL, "/iso/x.iso") {
		t.Errorf("%d %s", status, body)
	}
	if !r.Private || r.Node == nil || r.Node.Site != 1 || r.Node.Instance != "default" || r.Client.Country != "de" || r.Client.Simulated || !strings.Contains(body, "secret-as") {
		t.Errorf("%s", body)
	}
	if !strings.Contains(body, "shows at the first request") {
		t.Errorf("it is not said that the disk was not looked at: %s", body)
	}
	s.get("/iso/x.iso", "192.0.2.7")
	if _, body = ask(http.MethodGet, "explain?path=http://dl.example/iso/x.iso&ip=192.0.2.7&https=0"); strings.Contains(body, "shows at the first request") {
		t.Errorf("%s", body)
	}
	if _, body = ask(http.MethodGet, "explain?path=/iso/x.iso&as=1&https=0"); report(t, "as", body).Outcome.To[0].Name != "secret-as" {
		t.Errorf("%s", body)
	}
	for target, want := range map[string]int{
		"explain?path=/none&ip=192.0.2.7":          200,
		"explain":                                  400,
		"explain?path=/iso/":                       400,
		"explain?path=/iso/x.iso&ip=banana":        400,
		"explain?path=/iso/x.iso&site=2":           404,
		"explain?path=/iso/x.iso&site=x":           400,
		"explain?path=/iso/x.iso&instance=nothing": 404,
		"explain?path=/iso/x.iso&md5&sha1":         400,
	} {
		if got, text := ask(http.MethodGet, target); got != want || got != 200 && !strings.Contains(text, `"error"`) {
			t.Errorf("%s: %d %s", target, got, text)
		}
	}
	if got, _ := ask(http.MethodPost, "explain?path=/iso/x.iso"); got != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got)
	}
	status, body = ask(http.MethodGet, "instances")
	var list []instanceInfo
	d.must(json.Unmarshal([]byte(body), &list))
	if status != 200 || len(list) != 1 || list[0].Name != "default" || !list[0].Ready || list[0].Files != 1 || len(list[0].Sites) != 1 || list[0].Sites[0].Policy != "tiers" {
		t.Errorf("%d %s", status, body)
	}
}

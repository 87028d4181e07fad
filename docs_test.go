package mirrorbrain

import (
	"bytes"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// Every setting is in the table of docs/caddyfile.md by both its names.
func TestSettingsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("docs/caddyfile.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for l := range strings.Lines(string(doc)) {
		if strings.HasPrefix(l, "| `") || strings.HasPrefix(l, "| **") {
			rows = append(rows, l)
		}
	}
	table := strings.Join(rows, "")
	for name := range appOptions {
		if !strings.Contains(table, "\n| `"+name+" ") {
			t.Errorf("option %s has no row", name)
		}
	}
	for name := range hooksOptions {
		if !strings.Contains(table, "\n| `"+name+" ") {
			t.Errorf("subdirective %s of mirrorbrain_hooks has no row", name)
		}
	}
	for name := range autoindexOptions {
		if !strings.Contains(table, "\n| `"+name+" ") {
			t.Errorf("subdirective %s of mirrorbrain_autoindex has no row", name)
		}
	}
	for name := range statusOptions {
		if !strings.Contains(table, "\n| `"+name+" ") {
			t.Errorf("subdirective %s of mirrorbrain_status has no row", name)
		}
	}
	for name := range handlerOptions {
		if !strings.Contains(table, "\n| `"+name+" ") {
			t.Errorf("subdirective %s has no row", name)
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Instance](), reflect.TypeFor[Hooks](), reflect.TypeFor[Handler](), reflect.TypeFor[Fallback](),
		reflect.TypeFor[DocumentSettings](), reflect.TypeFor[Publisher](), reflect.TypeFor[Allowance](), reflect.TypeFor[Repository](),
		reflect.TypeFor[redirector.Settings](), reflect.TypeFor[redirector.AffinitySettings](), reflect.TypeFor[redirector.OriginMirror](), reflect.TypeFor[page.Theme](),
		reflect.TypeFor[Autoindex](), reflect.TypeFor[AutoindexForm](), reflect.TypeFor[AutoindexDescription](),
		reflect.TypeFor[Status](), reflect.TypeFor[StatusSettings](),
	} {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(table, "`"+name+"`") {
				t.Errorf("JSON field %s has no row", name)
			}
		}
	}
}

// The example is run as it stands, but for the host, the folder and the
// database.
func TestExample(t *testing.T) {
	d := newDepot(t)
	d.file("a/file.bin", "a/file.bin.asc")
	d.mirror(mirror.Mirror{Name: "m"}, "a/file.bin", "a/file.bin.asc")
	s := newServer(t)
	t.Setenv("MIRRORBRAIN_DATABASE", d.url)
	text, err := os.ReadFile("examples/Caddyfile")
	d.must(err)
	if _, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "Caddyfile"}); err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	for old, now := range map[string]string{
		"http://dl.example.org, https://dl.example.org": "http://" + s.addr,
		"/srv/pub":           d.root,
		"{\n\tmirrorbrain {": "{\n\tadmin off\n\tpersist_config off\n\tmirrorbrain {",
	} {
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("the example lacks %q", old)
		}
		text = bytes.Replace(text, []byte(old), []byte(now), 1)
	}
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil)
	d.must(err)
	d.must(caddy.Load(cfg, true))
	s.until("the catalog is there", func() bool {
		resp, _ := s.get("/healthz", "")
		return resp.StatusCode == http.StatusOK
	})
	s.wants("/a/file.bin", "", 302, "http://m.example/pub/a/file.bin")
	s.wants("/a/file.bin.asc", "", 200, "")
	if _, body := s.get("/a/", ""); !strings.Contains(body, "file.bin.asc") {
		t.Error("the folder is not listed")
	}
}

// The files of the example with several trees stand in its page as they are.
func TestInstancesPage(t *testing.T) {
	page, err := os.ReadFile("docs/instances.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{"Caddyfile": "caddyfile", "mbctl.toml": "toml"} {
		text, err := os.ReadFile("examples/instances/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, []byte("```"+kind+"\n"+string(text)+"```\n")) {
			t.Errorf("docs/instances.md has another %s than examples/instances", name)
		}
		if kind == "caddyfile" {
			if _, warnings, err := caddyconfig.GetAdapter(kind).Adapt(text, map[string]any{"filename": name}); err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", err, warnings)
			}
		}
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// TestMain lets the scripts run mbctl as a process of its own.
func TestMain(m *testing.M) {
	// With the race detector each of some hundred processes would sleep for a
	// second before it ends, for races among what still runs then.
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(m, map[string]func(){
		"mbctl": func() { os.Exit(run()) },
		// For daemons that die: others take over after seconds.
		"mbctl-impatient": func() {
			daemonLeaseTTL = impatience
			os.Exit(run())
		},
	})
}

// TestScripts runs the scripts of testdata/script. Each has an empty database
// ($MIRRORBRAIN_DATABASE), a web server that serves $WORK/pub ($WEB), and small
// GeoIP and AS databases.
func TestScripts(t *testing.T) {
	t.Parallel()
	if os.Getenv("CI") != "" { // where no script may be skipped
		for _, program := range []string{"bash", "sqlite3"} {
			need(t, program)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			web := httptest.NewServer(plainIndex(filepath.Join(env.WorkDir, "pub")))
			env.Defer(web.Close)
			city := geotest.City(t, filepath.Join(env.WorkDir, "city.mmdb"), []geotest.Network{
				{CIDR: "127.0.0.0/8", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4},
			})
			as := geotest.ASN(t, filepath.Join(env.WorkDir, "asn.mmdb"), []geotest.Network{{CIDR: "127.0.0.0/8", ASN: 3320}})
			env.Setenv("CITY", city)
			env.Setenv("ASN", as)
			env.Setenv("WEB", web.URL)
			env.Setenv("USER", "tester")
			env.Setenv("EDITOR", "")
			env.Setenv("VISUAL", "")
			env.Setenv("MIRRORBRAIN_DATABASE", "sqlite://"+filepath.Join(env.WorkDir, "mb.db"))
			return nil
		},
	})
}

// plainIndex serves a folder with index pages that name files and nothing
// else, as Apache does without FancyIndexing.
func plainIndex(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			files.ServeHTTP(w, r)
			return
		}
		entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(path.Clean(r.URL.Path))))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "<html><head><title>Index of %[1]s</title></head><body><h1>Index of %[1]s</h1><ul>\n", r.URL.Path)
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += "/"
			}
			fmt.Fprintf(w, "<li><a href=\"%[1]s\"> %[1]s</a></li>\n", name)
		}
		fmt.Fprintln(w, "</ul></body></html>")
	})
}

// TestEveryCommandHelps holds that each command has a description, an example
// and the exit codes.
func TestEveryCommandHelps(t *testing.T) {
	t.Parallel()
	root := newRoot(&app{})
	root.SetContext(context.Background())
	for _, cmd := range root.Commands() {
		leaves := cmd.Commands()
		if cmd.Name() == "completion" { // cobra's text has the examples
			continue
		}
		if len(leaves) == 0 {
			leaves = append(leaves, cmd)
		}
		for _, c := range leaves {
			if c.Hidden || c.Name() == "help" {
				continue
			}
			if c.Short == "" || c.Example == "" {
				t.Errorf("%s: has no description or no example", c.CommandPath())
			}
		}
	}
}

package mirrorbrain

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file has a Caddyfile, a line of ten dashes, and the JSON it becomes or
// a part of the error.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/caddyfile_adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			config, want, ok := strings.Cut(string(data), "\n----------\n")
			if !ok {
				t.Fatal("no line of ten dashes")
			}
			got, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config+"\n"), nil)
			for _, w := range warnings {
				t.Errorf("warning: %s", w)
			}
			want = strings.TrimSpace(want)
			if strings.HasPrefix(filepath.Base(name), "error_") {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "\t"); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(name, []byte(config+"\n----------\n"+pretty.String()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, pretty.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

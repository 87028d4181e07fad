package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seeAllFiles(t, root)
	pkgs := list(t, root)
	if len(pkgs) < 5 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

// TestRules shows each rule a package that breaks it.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, folder  string
		imports, deps []string
		want          string // "": allowed
	}{
		{"mirror, standard library", "mirror", []string{"net/netip"}, nil, ""},
		{"mirror, a library", "mirror", []string{"golang.org/x/text"}, nil, "only the standard library"},
		{"store, driver", "store", []string{"github.com/jackc/pgx/v5"}, nil, ""},
		{"scanner, driver", "scanner", []string{"github.com/jackc/pgx/v5"}, nil, "only store"},
		{"mbctl, database/sql", "cmd/mbctl", []string{"database/sql"}, nil, "only store"},
		{"MirrorBrain's database", "movein/mirrorbrain", []string{"github.com/jackc/pgx/v5"}, nil, ""},
		{"MirrorBrain's database, another driver", "movein/mirrorbrain", []string{"database/sql"}, nil, "only store"},
		{"Mirrorbits' database", "movein/mirrorbits", []string{"github.com/redis/go-redis/v9"}, nil, ""},
		{"what is common to both", "movein", []string{"github.com/jackc/pgx/v5"}, nil, "only store"},
		{"mbctl, Redis", "cmd/mbctl", []string{"github.com/redis/go-redis/v9"}, nil, "only store"},
		{"root, migrations", "", []string{"github.com/golang-migrate/migrate/v4"}, nil, "only store"},
		{"root, Caddy", "", nil, []string{"github.com/caddyserver/caddy/v2"}, ""},
		{"cmd/caddy, Caddy and root", "cmd/caddy", []string{module}, []string{"github.com/caddyserver/caddy/v2/cmd"}, ""},
		{"mbctl, Caddy through another", "cmd/mbctl", nil, []string{"github.com/caddyserver/caddy/v2"}, "only the root package"},
		{"catalog, Caddy", "catalog", nil, []string{"github.com/caddyserver/certmagic"}, "only the root package"},
		{"catalog, SQL through store", "catalog", []string{module + "/store"}, []string{"database/sql"}, ""},
		{"redirector, SQL through another", "redirector", nil, []string{"modernc.org/sqlite"}, "free of SQL"},
		{"torrent, SQL", "torrent", nil, []string{"database/sql"}, "free of SQL"},
		{"scanner, SQL through store", "scanner", []string{module + "/store"}, []string{"database/sql"}, ""},
		{"upwards", "store", []string{module + "/catalog"}, nil, "not below"},
		{"sideways", "scanner", []string{module + "/redirector"}, nil, "not below"},
		{"to the root", "cmd/mbctl", []string{module}, nil, "not below"},
		{"within a folder", "listing/rsync", []string{module + "/listing"}, nil, ""},
		{"down", "origin", []string{module + "/listing/rsync", module + "/store", module + "/mirror"}, nil, ""},
		{"a new folder", "wonder", nil, nil, "has no level"},
		{"harness in a program", "cmd/mbctl", []string{module + "/internal/geotest"}, nil, "outside its tests"},
		{"harness beside its package", "filecheck", []string{module + "/filecheck/fusetest"}, nil, "outside its tests"},
		{"harness in a harness", "internal/pgtest", []string{module + "/internal/geotest", "github.com/jackc/pgx/v5"}, nil, ""},
		{"a name that only begins like one", "scanner", []string{"github.com/caddyserverless/x", "database/sqlite"}, []string{"github.com/caddyserverless/x"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			importPath := strings.TrimSuffix(module+"/"+test.folder, "/")
			got := strings.Join(violations([]pkg{{importPath, test.imports, test.deps}}), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func list(t *testing.T, root string) []pkg {
	t.Helper()
	// -e: a package that does not compile is the compiler's to report.
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

// seeAllFiles looks at every Go file, so that `go test` knows that the result
// depends on them and does not answer from its cache; what go list reads it
// does not see.
func seeAllFiles(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go"):
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	schema "github.com/caddy-mirrorbrain/caddy-mirrorbrain/sql"
)

// TestMain turns the test binary into one of the processes of TestTenProcesses.
func TestMain(m *testing.M) {
	if url := os.Getenv("STORE_TEST_PREPARE"); url != "" {
		if err := prepareOnce(url); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// prepareOnce is what every program does first, and a write after it.
func prepareOnce(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := Open(url, Options{})
	if err != nil {
		return err
	}
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	if err := s.SetSetting(ctx, "process", "was here"); err != nil {
		return err
	}
	return s.Close()
}

func TestTenProcesses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		const n = 10
		results := make(chan error, n)
		for range n {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "STORE_TEST_PREPARE="+url)
			var out strings.Builder
			cmd.Stderr = &out
			ok(t, cmd.Start())
			go func() {
				err := cmd.Wait()
				if err != nil {
					err = errors.New(err.Error() + ": " + out.String())
				}
				results <- err
			}()
		}
		for range n {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		s := open(t, url)
		// Set up once, and one visible write by each.
		if h := must[Head](t)(s.Head(t.Context())); h.Revision != 1+n {
			t.Errorf("revision %d after %d writes", h.Revision, n)
		}
	})
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		s := openRaw(t, url, Options{})
		steps := must[[]string](t)(s.Migrate(t.Context(), true))
		if len(steps) == 0 || steps[0] != "0001_schema" {
			t.Fatalf("steps %v", steps)
		}
		did := must[[]string](t)(s.Migrate(t.Context(), false))
		if diff := cmp.Diff(steps, did); diff != "" {
			t.Error(diff)
		}
		if again := must[[]string](t)(s.Migrate(t.Context(), false)); len(again) != 0 {
			t.Errorf("again: %v", again)
		}
		ok(t, s.Prepare(t.Context()))
		key := must[[16]byte](t)(s.Key(t.Context()))
		if key == [16]byte{} {
			t.Error("no key")
		}
	})
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		reader := openRaw(t, url, Options{ReadOnly: true})
		if err := reader.Prepare(t.Context()); err == nil {
			t.Error("a reader took an empty database")
		}
		s := open(t, url)
		ok(t, reader.Prepare(t.Context()))
		if err := reader.SetSetting(t.Context(), "a", "b"); !errors.Is(err, ErrReadOnly) {
			t.Errorf("a reader wrote: %v", err)
		}
		pretend := func(q string) {
			t.Helper()
			ok(t, s.update(t.Context(), "pretending", func(x *tx) error {
				_, err := x.ExecContext(t.Context(), q)
				return err
			}))
		}
		// A newer program upgraded it, and says that this one may go on.
		pretend("UPDATE schema_version SET version = 1000")
		ok(t, s.Prepare(t.Context()))
		pretend("UPDATE schema_info SET oldest_schema = 1000")
		if err := s.Prepare(t.Context()); !errors.Is(err, ErrSchemaNew) {
			t.Errorf("too new: %v", err)
		}
		pretend("UPDATE schema_version SET version = -1") // older than any
		for _, x := range []*Store{s, reader} {
			if x.file != "" && !x.readOnly {
				continue // would upgrade itself
			}
			if err := x.Prepare(t.Context()); !errors.Is(err, ErrSchemaOld) || !strings.Contains(err.Error(), "mbctl db migrate") {
				t.Errorf("too old: %v", err)
			}
		}
	})
}

// A migration that fails halfway leaves nothing behind.
func TestMigrationFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		s := openRaw(t, url, Options{})
		if s.file != "" {
			unlock, err := s.makeFile(t.Context(), s.file)
			ok(t, err)
			unlock()
		}
		// In the way of a table that comes late in the script.
		_, err := s.db.ExecContext(t.Context(), "CREATE TABLE setting (x bigint)")
		ok(t, err)
		if err := s.Prepare(t.Context()); err == nil {
			t.Fatal("prepared")
		}
		if have, _, err := s.schema(t.Context()); err != nil || have != 0 {
			t.Errorf("schema %d, %v", have, err)
		}
		_, err = s.db.ExecContext(t.Context(), "DROP TABLE setting")
		ok(t, err)
		ok(t, s.Prepare(t.Context()))
	})
}

var tableOrColumn = regexp.MustCompile(`(?m)^(?:CREATE (?:UNIQUE )?(?:TABLE|INDEX) .*|\t\w+)`)

// The two schemas differ in types, never in names.
func TestSchemasAgree(t *testing.T) {
	t.Parallel()
	names := func(folder string) map[string][]string {
		files := must[[]string](t)(fs.Glob(schema.Migrations, folder+"/*.sql"))
		m := make(map[string][]string)
		for _, f := range files {
			raw := must[[]byte](t)(schema.Migrations.ReadFile(f))
			m[filepath.Base(f)] = tableOrColumn.FindAllString(string(raw), -1)
		}
		return m
	}
	if diff := cmp.Diff(names("postgres"), names("sqlite")); diff != "" {
		t.Error(diff)
	}
	s := &Store{d: &sqliteDialect}
	steps := must[[]string](t)(s.steps())
	for i, name := range slices.Sorted(slices.Values(steps)) {
		if number(name) != i+1 {
			t.Errorf("migration %d is called %s", i+1, name)
		}
	}
}

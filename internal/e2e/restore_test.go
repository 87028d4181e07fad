package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// TestDatabaseRestored: the database goes back to what it was an hour ago. The
// running node notices, though revisions repeat, and reads it afresh.
func TestDatabaseRestored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database, handler: "check_file off"})
		files := small(t, s.root, 100)
		s.must("index", s.root)
		s.addMirror("berlin", germany)
		newyork := s.addMirror("newyork", usa)
		s.start()
		s.follows()
		restore := s.backup()

		// The hour that will be lost.
		s.must("disable", "berlin")
		put(t, s.root, "lost.bin", 5000, aTime)
		put(t, newyork, "lost.bin", 5000, aTime)
		s.must("index")
		s.must("scan", "newyork")
		s.decides("disable", files[0], inGermany, "newyork")
		s.decides("a new file", "lost.bin", inGermany, "newyork")
		before, err := s.health()
		check(t, err)

		restore()
		s.decides("restored: the mirror", files[0], inGermany, "berlin")
		s.decides("restored: the file", "lost.bin", inGermany, "")

		// The same number of changes again, but others: the revisions repeat.
		s.must("disable", "newyork")
		s.decides("another change", files[0], inUSA, "berlin")
		for i := range 20 {
			s.must("score", "berlin", fmt.Sprint(101+i))
		}
		s.follows()
		after, err := s.health()
		check(t, err)
		t.Logf("before %+v, after %+v", before, after)
		if a := s.get("lost.bin", inGermany); a.location != "" {
			t.Errorf("what the database does not know is sent to %s", a.location)
		}
		s.must("disable", "berlin")
		s.decides("a change after", files[0], inGermany, "")
	})
}

// backup saves the database and gives what restores it while the node runs.
func (s *site) backup() (restore func()) {
	s.t.Helper()
	if path, ok := strings.CutPrefix(s.database, "sqlite://"); ok {
		saved := filepath.Join(s.t.TempDir(), "saved.db")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(saved+suffix, b, 0o644)
			}
			if err != nil && !os.IsNotExist(err) {
				s.t.Fatal(err)
			}
		}
		return func() {
			// As an operator would: the old files away, the saved ones in place.
			for _, suffix := range []string{"-wal", "-shm", ""} {
				if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
					s.t.Fatal(err)
				}
			}
			for _, suffix := range []string{"-wal", ""} {
				if err := os.Rename(saved+suffix, path+suffix); err != nil && !os.IsNotExist(err) {
					s.t.Fatal(err)
				}
			}
		}
	}
	dump := filepath.Join(s.t.TempDir(), "saved.dump")
	pg := func(program string, args ...string) {
		s.t.Helper()
		p := pgProgram(s.t, program)
		if out, err := exec.Command(p, args...).CombinedOutput(); err != nil {
			s.t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	pg("pg_dump", "-Fc", "-f", dump, "-d", s.database)
	return func() {
		u, err := url.Parse(s.database)
		check(s.t, err)
		name := strings.TrimPrefix(u.Path, "/")
		u.Path = "/postgres"
		pg("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", u.String(), "-c", `DROP DATABASE "`+name+`" WITH (FORCE)`, "-c", `CREATE DATABASE "`+name+`"`)
		pg("pg_restore", "-d", s.database, dump)
	}
}

// pgProgram finds a client program of PostgreSQL's.
func pgProgram(t testing.TB, name string) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	return mirrortest.Program(t, name)
}

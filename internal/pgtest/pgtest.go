// Package pgtest gives tests a real PostgreSQL: a private cluster made from
// the installed binaries, started once per test process and gone with it, even
// when that is killed. MIRRORBRAIN_TEST_DSN names a server to use instead. When
// there is neither, tests are skipped, or fail where CI is set.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvDSN names the environment variable with the URL of a server to use. Its
// user must be allowed to create databases.
const EnvDSN = "MIRRORBRAIN_TEST_DSN"

const startTimeout = 2 * time.Minute // slow machines have slow disks

var shared struct {
	sync.Once
	cluster *Cluster
	err     error
}

// New gives the URL of a fresh, empty database, dropped after the test.
func New(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		return database(t, dsn, true)
	}
	shared.Do(func() {
		if shared.err = missing("initdb", "postgres"); shared.err == nil {
			shared.cluster, shared.err = start()
		}
	})
	need(t, shared.err)
	return database(t, shared.cluster.URL("postgres"), false)
}

// need skips or fails a test for want of a program, and fails it for all else.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case isMissing(err) && os.Getenv("CI") == "":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// database creates a database on the server at admin and gives its URL.
func database(t testing.TB, admin string, drop bool) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s: %v", EnvDSN, err)
	}
	name := "mirrorbrain_test_" + rand.Text()[:12]
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execute(admin, "CREATE DATABASE "+quoted); err != nil {
		t.Fatal(err)
	}
	if drop {
		t.Cleanup(func() {
			if err := execute(admin, "DROP DATABASE IF EXISTS "+quoted+" WITH (FORCE)"); err != nil {
				t.Log(err)
			}
		})
	}
	u.Path = "/" + name
	return u.String()
}

// execute runs one statement on a connection of its own.
func execute(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

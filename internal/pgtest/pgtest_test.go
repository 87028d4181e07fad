package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func query(ctx context.Context, dsn string) (got string, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(ctx, "SELECT current_database() || pg_is_in_recovery()::text").Scan(&got)
	return got, err
}

func TestNew(t *testing.T) {
	t.Parallel()
	a, b := New(t), New(t)
	if a == b {
		t.Fatal("two databases are one")
	}
	for _, dsn := range []string{a, b, PgBouncer(t, a)} {
		if _, err := query(t.Context(), dsn); err != nil {
			t.Error(err)
		}
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := Start(t)
	dsn := c.Database(t)
	s := c.Standby(t)
	if got, err := query(t.Context(), s.URL("postgres")); err != nil || got != "postgrestrue" {
		t.Errorf("standby: %q, %v", got, err)
	}
	c.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := query(ctx, dsn); err == nil {
		t.Error("a frozen server answered")
	}
	c.Thaw(t)
	if _, err := query(t.Context(), dsn); err != nil {
		t.Errorf("thawed: %v", err)
	}
	c.Stop(t)
	if _, err := query(t.Context(), dsn); err == nil {
		t.Error("a stopped server answered")
	}
	c.Start(t)
	if _, err := query(t.Context(), dsn); err != nil {
		t.Errorf("started again: %v", err)
	}
}

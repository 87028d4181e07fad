package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return fmt.Errorf("while: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		err, want error
	}{
		{nil, nil},
		{errors.New("something"), nil},
		{context.Canceled, nil},
		{context.DeadlineExceeded, ErrUnreachable},
		{io.ErrUnexpectedEOF, ErrUnreachable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, ErrUnreachable},
		{sql.ErrNoRows, ErrNotFound},
		{pg("23505"), ErrConflict},
		{pg("25006"), ErrReadOnly},
		{pg("53100"), ErrFull},
		{pg("57P01"), ErrUnreachable},
		{pg("57P03"), ErrUnreachable},
		{pg("08006"), ErrUnreachable},
		{pg("53300"), ErrUnreachable},
		{pg("42601"), nil},
		{&LeasedError{}, ErrLeased},
		{fmt.Errorf("x: %w", ErrSchemaNew), ErrSchemaNew},
	} {
		if got := classify(c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
		if err := fail("doing", c.err); c.want != nil && (!errors.Is(err, c.want) || !errors.Is(err, c.err)) {
			t.Errorf("%v became %v", c.err, err)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://u:pw@h/db":                                 "postgres://u:xxxxx@h/db",
		"postgres://u:pw@h1:1,h2:2/db":                         "postgres://u:xxxxx@h1:1,h2:2/db",
		"postgres://h/db?password=pw":                          "postgres://h/db?password=xxxxx",
		"postgres://u@h1:1,h2:2/db":                            "postgres://u@h1:1,h2:2/db",
		"sqlite:///var/lib/x/y.db":                             "sqlite:///var/lib/x/y.db",
		"postgres://u:p%zz@h1:1,h2:2/db":                       "postgres://u:xxxxx@h1:1,h2:2/db",
		"postgres://u:p@ss:w@h/db":                             "postgres://u:xxxxx@h/db",
		"postgres://u:pw@h/db?sslpassword=k y&sslmode=disable": "postgres://u:xxxxx@h/db?sslpassword=xxxxx&sslmode=disable",
		"postgres://h1:1,h2:2/db?x=y&password=p%zz;q&z=1":      "postgres://h1:1,h2:2/db?x=y&password=xxxxx&z=1",
		"postgres://h/db?pass%77ord=pw":                        "postgres://h/db?pass%77ord=xxxxx",
		"postgres://u@h/db?password=p@w":                       "postgres://u@h/db?password=xxxxx",
		"postgres://h/db?password=pa:b@w":                      "postgres://h/db?password=xxxxx",
		"host=h user=u password=pw dbname=d":                   "host=h user=u password=xxxxx dbname=d",
		`password = 'a \' b' sslpassword=c\ d&e user=u`:        "password = xxxxx sslpassword=xxxxx user=u",
		"user=u password='never closed pw":                     "user=u password=xxxxx",
		"host=h password=a://b":                                "host=h password=xxxxx",
	} {
		if got := redact(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// What is in a database file need not be what we wrote.
func FuzzUnpacked(f *testing.F) {
	good, err := packed(bitmapOf(map[uint32]bool{1: true, 70000: true}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if b, err := unpacked(raw); err == nil {
			b.GetCardinality()
			b.Clone().Or(bitmapOf(map[uint32]bool{5: true}))
		}
	})
}

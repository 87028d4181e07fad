package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/redistest"
)

// TestMoveInScripts runs the scripts of testdata/movein, which take over what
// real databases of other redirectors hold:
//
//	mirrorbrain FIXTURE   makes a MirrorBrain's database; its URL is $OLD
//	sql STATEMENT         changes it
//	mirrorbits            starts a Redis; its URL is $OLD
//	redis COMMAND...      gives it a command
func TestMoveInScripts(t *testing.T) {
	t.Parallel()
	fixtures, err := filepath.Abs("../../movein/mirrorbrain/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/movein",
		Setup: func(env *testscript.Env) error {
			env.Setenv("USER", "tester")
			env.Setenv("MIRRORBRAIN_DATABASE", "sqlite://"+filepath.Join(env.WorkDir, "mb.db"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"mirrorbrain": func(ts *testscript.TestScript, _ bool, args []string) {
				sql, err := os.ReadFile(filepath.Join(fixtures, args[0]+".sql"))
				ts.Check(err)
				ts.Setenv("OLD", pgtest.New(t))
				ts.Check(runSQL(ts.Getenv("OLD"), string(sql)))
			},
			"sql": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(runSQL(ts.Getenv("OLD"), args[0]))
			},
			"mirrorbits": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("OLD", redistest.Start(t, "").URL())
			},
			"redis": func(ts *testscript.TestScript, _ bool, args []string) {
				s := redistest.Server{Socket: ts.Getenv("OLD")[len("unix://"):]}
				c := s.Client("")
				defer c.Close()
				all := make([]any, len(args))
				for i, a := range args {
					all[i] = a
				}
				ts.Check(c.Do(context.Background(), all...).Err())
			},
		},
	})
}

func runSQL(dsn, sql string) error {
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.PgConn().Exec(context.Background(), sql).ReadAll()
	return err
}

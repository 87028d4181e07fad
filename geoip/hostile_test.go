package geoip

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// A small file must not keep a start of Caddy waiting for ever.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"endless": geotest.Endless(), "unfolding": geotest.Unfolding()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name+".mmdb")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			done := make(chan [2]error, 1)
			go func() {
				_, err := Open(path, nil)
				_, err2 := OpenASN(path, nil)
				done <- [2]error{err, err2}
			}()
			select {
			case errs := <-done:
				for _, err := range errs {
					if err == nil {
						t.Error("a database without data was taken")
					}
				}
			case <-time.After(time.Minute):
				t.Error("still looking at the file after a minute")
			}
		})
	}
}

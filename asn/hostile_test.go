package asn

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// Small files must not keep an import busy for ever, or fill memory.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"endless": geotest.Endless(), "unfolding": geotest.Unfolding()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan error, 1)
			go func() {
				_, err := parse(name+".mmdb", bytes.NewReader(content))
				done <- err
			}()
			select {
			case err := <-done:
				if err == nil {
					t.Error("a table without prefixes was taken")
				}
				t.Log(err)
			case <-time.After(time.Minute):
				t.Error("still reading the file after a minute")
			}
		})
	}
}

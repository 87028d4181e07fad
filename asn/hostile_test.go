package asn

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// Identifiers of organizations are kept until the end of the file, so that long
// ones are not. Nobody has such.
func TestLongOrganizations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine/2)
	d, err := parse("as-org2info.txt", strings.NewReader(orgLines+"\n"+long+"|2012|Long|US|ARIN\nA|2012|Short|"+long+"|ARIN\n"+
		"# format:aut|changed|aut_name|org_id|opaque_id|source\n1|2012|ONE|"+long+"|x|ARIN\n2|2012|TWO|A|x|ARIN\n"))
	want := Names{1: {"ONE", ""}, 2: {"TWO Short", ""}}
	if diff := cmp.Diff(want, d.Names); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

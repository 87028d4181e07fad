package s3

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// TestOtherServer lists a server that somebody else has written. It writes keys
// as they are, and looks at no signature.
func TestOtherServer(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("mirror"); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for i := range 2500 {
		key := fmt.Sprintf("pub/%d/a file+%%41 ü &amp; %d", i%7, i)
		body := bytes.Repeat([]byte("x"), i%100)
		if _, err := backend.PutObject("mirror", key, nil, bytes.NewReader(body), int64(len(body)), nil); err != nil {
			t.Fatal(err)
		}
		want[strings.TrimPrefix(key, "pub/")] = int64(len(body))
	}
	srv := httptest.NewServer(gofakes3.New(backend, gofakes3.WithHostBucket(false)).Server())
	t.Cleanup(srv.Close)
	for _, opts := range []listing.Options{{}, {PasswordFile: keyFile(t, secretLine)}} {
		all, sum, err := list(t, "s3+"+srv.URL+"/mirror/pub/", "", opts)
		if err != nil || !sum.Complete() || sum.Refused != 0 {
			t.Fatalf("%+v, %v", sum, err)
		}
		got := map[string]int64{}
		for _, e := range all {
			got[e.Path] = e.SizeMin
			if !e.HasMD5 || !e.SizeExact() || e.Precision == 0 || time.Since(time.Unix(0, e.MTime)) > time.Hour {
				t.Fatalf("%+v", e)
			}
		}
		if d := cmp.Diff(want, got); d != "" || len(all) != len(want) {
			t.Errorf("%d entries, %s", len(all), d)
		}
	}
	if _, _, err := list(t, "s3+"+srv.URL+"/none/", "", listing.Options{}); !errors.Is(err, listing.ErrNoFolder) {
		t.Errorf("no bucket: %v", err)
	}
}

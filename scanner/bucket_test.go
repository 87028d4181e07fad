package scanner

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/s3test"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/s3"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// TestBucket scans a bucket, whose times are those of the uploads, and which
// proves by HEAD like any web server.
func TestBucket(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 120)
		w.index(origin.Options{})
		upload := func() []s3test.Object {
			objects := s3test.Tree(t, w.root)
			for i := range objects {
				objects[i].Key = "pub/" + objects[i].Key
			}
			return objects
		}
		srv := s3test.Start(t, upload(), s3test.Options{PageSize: 50})
		h := &host{Mirror: mirror.Mirror{Name: "m", HTTP: []string{srv.Web + "pub/"}, Score: 100}}
		must(t, w.db.CreateMirror(t.Context(), &h.Mirror, "test"))
		o := Options{Protocols: []string{"http"}, Open: func(_ string, lo listing.Options) (listing.Lister, error) {
			return s3.New(srv.URL+"pub/", lo)
		}}
		if r := w.accepted(h, o); r.Listed != 120 || r.Held != 120 {
			t.Errorf("%s", r)
		}

		// The same size and another version: what was uploaded before is stale.
		put(t, w.root, "d1/f1", 11, time.Now().Add(-time.Minute))
		w.index(origin.Options{})
		if r := w.accepted(h, o); r.Stale != 1 || r.Held != 119 {
			t.Errorf("changed: %s", r)
		}
		objects := upload()
		for i := range objects {
			switch objects[i].Key {
			case "pub/d1/f1":
				objects[i].Modified = time.Now().Add(time.Second)
			case "pub/d2/f2":
				objects[i].Class = "DEEP_ARCHIVE"
			}
		}
		srv.Set(objects)
		if r := w.accepted(h, o); r.Held != 119 || r.NotFiles != 1 || r.Stale != 0 {
			t.Errorf("uploaded: %s", r)
		}

		srv.Set(nil)
		w.accepted(h, o)
		w.holds(h, 0)
	})
}

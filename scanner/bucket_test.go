package scanner

import (
	"crypto/md5"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/s3test"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/s3"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// hash stores what is said to be known of a version's bytes.
func (w *world) hash(id mirror.FileID, d *mirror.Digests) {
	w.t.Helper()
	lease, err := w.db.Acquire(w.t.Context(), "hash", "test", time.Minute)
	must(w.t, err)
	must(w.t, w.db.PutHashes(w.t.Context(), lease, []store.Hashes{{ID: id, Digests: d}}))
	must(w.t, w.db.Release(w.t.Context(), lease))
}

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
		bucket, err := s3.ParseURL(srv.URL + "pub/")
		must(t, err)
		h := &host{Mirror: mirror.Mirror{Name: "m", HTTP: []string{srv.Web + "pub/"}, S3: bucket, Score: 100}}
		must(t, w.db.CreateMirror(t.Context(), &h.Mirror, "test"))
		var o Options
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

		// Of two versions of one size that were both there before the upload, the
		// MD5 tells which it is.
		at := time.Now().Add(-2 * time.Hour)
		put(t, w.root, "d3/f3", 11, at)
		w.index(origin.Options{})
		put(t, w.root, "d3/f3", 11, at.Add(time.Minute))
		w.index(origin.Options{})
		vs, err := w.db.VersionsOf(t.Context(), "d3/f3")
		must(t, err)
		for _, v := range vs {
			if v.Current() {
				w.hash(v.ID, &mirror.Digests{MD5: md5.Sum([]byte(strings.Repeat("x", 11)))})
			}
		}
		objects = upload()
		for i := range objects {
			switch objects[i].Key {
			case "pub/d1/f1":
				objects[i].Modified = time.Now().Add(time.Second)
			case "pub/d3/f3":
				objects[i].Modified = at.Add(time.Hour)
			}
		}
		srv.Set(objects)
		if r := w.accepted(h, o); r.Doubtful != 0 || r.Held != 120 {
			t.Errorf("by MD5: %s", r)
		}

		srv.Set(nil)
		w.accepted(h, o)
		w.holds(h, 0)
	})
}

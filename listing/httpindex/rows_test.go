package httpindex

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// fewRows because the tests need not read as much as the real thing.
var fewRows = pageLimits{usual.bytes, 20_000, 20_000}

// rows repeats a row, with a number in it, a few times more often than is read.
func rows(row string) string {
	var b strings.Builder
	for i := range fewRows.rows + 3 {
		fmt.Fprintf(&b, row, i)
	}
	return b.String()
}

func TestTooManyRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, page, media string
		err               error
	}{
		{"links that are no index", rows("<a href=%x>"), "text/html", listing.ErrNotIndex},
		{"html", "<title>Index of /</title>" + rows("<a href=%x>"), "text/html", nil},
		{"json", "[" + rows(`{"name":"%x","type":"file"},`), "application/json", nil},
		{"xml", `<?xml version="1.0"?><list>` + rows("<file>%x</file>"), "text/xml", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			p, err := readPage(strings.NewReader(tt.page), tt.media, testFolder, fewRows, func(item) error { n++; return nil })
			if !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if !p.over || tt.err == nil && n != fewRows.rows {
				t.Errorf("read %d rows, over is %v", n, p.over)
			}
		})
	}
}

func TestTooManyRowsAreIncomplete(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		send(w, "<title>Index of /</title>"+rows("<a href=%x>"))
	}))
	t.Cleanup(srv.Close)
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.most = fewRows
	sum, err := l.List(t.Context(), "", func(listing.Entry) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if sum.Entries != fewRows.rows || sum.Complete() {
		t.Errorf("%d entries, incomplete for %q", sum.Entries, sum.Incomplete)
	}
}

package httphead

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// served answers with a status, headers and a body.
func served(t *testing.T, status int, body string, headers ...string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/f.iso"
}

func TestPart(t *testing.T) {
	t.Parallel()
	const size = 1<<31 + 100
	from, to := int64(1<<31-1), int64(1<<31+8)
	span := "bytes 2147483647-2147483656/"
	binary := []string{"Content-Type", "application/octet-stream"}
	for name, c := range map[string]struct {
		url    string
		well   bool
		failed bool
	}{
		"as it should be":       {url: served(t, 206, "0123456789", append(binary, "Content-Range", span+fmt.Sprint(size))...), well: true},
		"size not known":        {url: served(t, 206, "0123456789", "Content-Range", span+"*"), well: true},
		"of another size":       {url: served(t, 206, "0123456789", "Content-Range", span+"100")},
		"another part":          {url: served(t, 206, "0123456789", "Content-Range", fmt.Sprintf("bytes 0-9/%d", size))},
		"no word of which":      {url: served(t, 206, "0123456789")},
		"too short":             {url: served(t, 206, "01234", "Content-Range", span+fmt.Sprint(size)), failed: true},
		"too long":              {url: served(t, 206, "0123456789abc", "Content-Range", span+fmt.Sprint(size))},
		"all, of another size":  {url: served(t, 200, "0123456789", binary...)},
		"a page":                {url: served(t, 206, "0123456789", "Content-Type", "text/html", "Content-Range", span+fmt.Sprint(size))},
		"not satisfiable":       {url: served(t, 416, "")},
		"not there":             {url: served(t, 404, "")},
		"in trouble":            {url: served(t, 503, ""), failed: true},
		"too many requests":     {url: served(t, 429, ""), failed: true},
		"nobody is at home":     {url: "http://127.0.0.1:1/f.iso", failed: true},
		"all, of the right one": {url: wholeFile(t, size), well: true},
		"all, size not told":    {url: wholeFile(t, -1), failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := NewClient(Options{Timeout: 10 * time.Second})
			well, a, err := Part(t.Context(), client, c.url, from, to, size)
			if well != c.well || (err != nil) != c.failed {
				t.Errorf("well %v, %+v, %v", well, a, err)
			}
		})
	}
	client := NewClient(Options{})
	for _, bad := range [][2]int64{{-1, 5}, {9, 8}, {0, size}, {0, 5000}} {
		if _, _, err := Part(t.Context(), client, "http://127.0.0.1:1/", bad[0], bad[1], size); err == nil {
			t.Errorf("%v is asked for", bad)
		}
	}
}

// wholeFile ignores ranges and sends for ever what is of the given size; -1: it
// does not say.
func wholeFile(t *testing.T, size int64) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if size >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		block := make([]byte, 1<<16)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/f.iso"
}

func TestFetch(t *testing.T) {
	t.Parallel()
	client := NewClient(Options{Timeout: 10 * time.Second})
	for name, c := range map[string]struct {
		url    string
		size   int64
		want   string
		failed bool
	}{
		"small":     {url: served(t, 200, "0123456789", "Content-Type", "text/plain"), size: 10, want: "0123456789"},
		"too large": {url: served(t, 200, strings.Repeat("x", 200), "Content-Length", "200", "Content-Type", "text/plain"), size: 200},
		"endless":   {url: wholeFile(t, -1), size: 101, want: strings.Repeat("\x00", 101)},
		"not there": {url: served(t, 404, "gone"), size: -1},
		"broken":    {url: served(t, 200, "0123", "Content-Length", "10", "Content-Type", "text/plain"), size: 4, want: "0123", failed: true},
	} {
		var b bytes.Buffer
		a, err := Fetch(t.Context(), client, c.url, 100, &b)
		if b.String() != c.want || a.Size != c.size || (err != nil) != c.failed {
			t.Errorf("%s: %d bytes, %+v, %v", name, b.Len(), a, err)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes */10", "bytes 0-9/*", "", "bytes", "BYTES  0-9 / 10 ", "items 1-2/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		span, total := contentRange(s)
		if !strings.Contains(s, span) || !strings.Contains(s, total) {
			t.Errorf("%q gave %q and %q", s, span, total)
		}
		if n := totalSize(s); n >= 0 && total == "" {
			t.Errorf("%q has a size, %d, but no total", s, n)
		}
	})
}

package httphead

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestFirstByte(t *testing.T) {
	t.Parallel()
	const slow = 30 * time.Millisecond
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(slow)
		w.Header().Set("Content-Length", "5")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(slow)
		http.Redirect(w, r, "/file", http.StatusFound)
	})
	mux.HandleFunc("/nohead", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		time.Sleep(slow)
		w.Header().Set("Content-Range", "bytes 0-0/5")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte("h"))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	client := NewClient(Options{})
	for path, least := range map[string]time.Duration{"file": slow, "moved": 2 * slow, "nohead": slow} {
		for range 2 { // with a new connection, and one that is there
			a, err := Head(t.Context(), client, s.URL+"/"+path)
			if err != nil || a.Size != 5 || a.FirstByte < least || a.FirstByte > time.Minute {
				t.Errorf("%s: %+v, %v", path, a, err)
			}
		}
	}
}

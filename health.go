package mirrorbrain

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// health is the answer of the health path.
type health struct {
	Ready    bool    `json:"ready"`
	Revision int64   `json:"revision"` // of the database, that the catalog is a copy of
	Age      float64 `json:"age"`      // seconds since the catalog was last known to be up to date
	Files    int     `json:"files"`
	Mirrors  int     `json:"mirrors"`
}

// serveHealth answers 503 while there is no catalog, then 200, however old the
// catalog is: an old one still redirects.
func (h *Handler) serveHealth(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, nil)
	}
	c := h.rt.db.catalog
	view := c.View()
	head, since := c.Position()
	a := health{Ready: view.Ready(), Revision: head.Revision, Files: view.Files(), Mirrors: len(view.Holdings().Mirrors)}
	if !since.IsZero() {
		a.Age = time.Since(since).Round(time.Millisecond).Seconds()
	}
	body, err := json.Marshal(a)
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !a.Ready {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

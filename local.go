package mirrorbrain

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// pass leaves the request to the next handler. What is known of the file is
// true whoever serves it, so the header fields that say it are set here.
func (h *Handler) pass(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, o *outcome) error {
	if !o.found {
		return next.ServeHTTP(w, r)
	}
	sent := h.counts.local
	if o.simulated {
		sent = nil
	}
	w = &counting{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, sent: sent}
	if !o.indexed && !*h.NetworkHeaders {
		return next.ServeHTTP(w, r)
	}
	header, before := w.Header(), w.Header().Clone()
	h.describe(header, r, o)
	err := next.ServeHTTP(w, r)
	if err != nil { // what follows is about the error
		for _, field := range [...]string{"Vary", "Link", "Digest", fieldRepr, "Cache-Control", fieldPrefix, fieldAS} {
			if v, ok := before[field]; ok {
				header[field] = v
			} else {
				header.Del(field)
			}
		}
	}
	return err
}

// describe sets the fields that say what is known of the file, and of the client.
func (h *Handler) describe(header http.Header, r *http.Request, o *outcome) {
	if *h.NetworkHeaders {
		if len(header["Cache-Control"]) == 0 {
			header["Cache-Control"] = []string{"private"}
		}
		h.networkHeaders(header, o)
	}
	if !o.indexed {
		return
	}
	if h.documents&negotiable != 0 {
		header.Add("Vary", "Accept")
	}
	for _, l := range o.links {
		header.Add("Link", l)
	}
	if o.hashed && !mayBeEncoded(r) {
		digest, repr := redirector.DigestFields(o.sha256)
		header["Digest"], header[fieldRepr] = []string{digest}, []string{repr}
	}
}

// mayBeEncoded reports whether `encode` might compress the file for this
// client. A digest of the file is not one of its compressed form (RFC 9530
// section 2).
func mayBeEncoded(r *http.Request) bool {
	switch accept := r.Header.Get("Accept-Encoding"); accept {
	case "", "identity":
		return false
	}
	kind := mime.TypeByExtension(path.Ext(r.URL.Path))
	kind, _, _ = strings.Cut(kind, ";")
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "font/") ||
		strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "json") ||
		strings.Contains(kind, "javascript") || kind == "image/svg+xml" || kind == "application/wasm"
}

// counting counts the bytes of an answer.
type counting struct {
	*caddyhttp.ResponseWriterWrapper

	sent prometheus.Counter // nil: they are not counted
}

// WriteHeader takes the digests away where the file comes in a coding after
// all: file_server's `precompressed`.
func (c *counting) WriteHeader(status int) {
	if h := c.Header(); h.Get("Content-Encoding") != "" {
		delete(h, "Digest")
		delete(h, fieldRepr)
	}
	c.ResponseWriterWrapper.WriteHeader(status)
}

func (c *counting) count(n int64) {
	if c.sent != nil {
		c.sent.Add(float64(n))
	}
}

// Write implements http.ResponseWriter.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriterWrapper.Write(p)
	c.count(int64(n))
	return n, err
}

// ReadFrom implements io.ReaderFrom, so that the system may send files by
// itself.
func (c *counting) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.ResponseWriterWrapper.ReadFrom(r)
	c.count(n)
	return n, err
}

package mirrorbrain

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

var errNoMirror = errors.New("no mirror has this file for this client")

// retryAfter is what clients are told to wait before they ask again, in
// seconds: mirrors pick new files up within minutes at best.
const retryAfter = "60"

// Header fields in the form in which net/http keeps them.
const (
	fieldMirror = "X-Mirrorbrain-Mirror"
	fieldRealm  = "X-Mirrorbrain-Realm"
	fieldRepr   = "Repr-Digest"
)

// send writes the redirect to the first of picks; the others are named as
// duplicates.
func (q *question) send(w http.ResponseWriter, picks []redirector.Pick) {
	escaped := mirror.EscapePath(q.target)
	links := picks
	if !q.h.links {
		links = links[:0]
	}
	location, link := redirector.Fields(q.self(escaped), escaped, links, redirector.Meta4)
	if location == "" {
		location = string(picks[0].AppendURL(q.buf[:0], escaped))
	}

	// All values that stand alone share one array.
	h, values := w.Header(), make([]string, 6)
	set := func(field, value string) {
		values[0] = value
		h[field], values = values[:1:1], values[1:]
	}
	set("Location", location)
	set(fieldMirror, q.o.mirror)
	set(fieldRealm, q.o.realm)
	if before := h["Link"]; len(before) > 0 {
		link = append(slices.Clip(before), link...)
	}
	h["Link"] = link
	if len(h["Cache-Control"]) == 0 {
		set("Cache-Control", q.h.CacheControl)
	}
	if sum, ok := q.view.SHA256(q.entry.ID); ok && q.entry.ID != 0 {
		digest, repr := redirector.DigestFields(sum)
		set("Digest", digest)
		set(fieldRepr, repr)
	}
	w.WriteHeader(http.StatusFound)
}

// self is the URL that the client asked for, absolute where it named the host.
func (q *question) self(escaped string) string {
	// A prefix that handle_path took away belongs to it.
	asked := q.r.URL.Path
	if orig, ok := q.r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		asked = orig.URL.Path
	}
	if asked[min(1, len(asked)):] != q.target {
		escaped = mirror.EscapePath(strings.TrimLeft(asked, "/"))
	}
	host := q.r.Host
	if strings.ContainsAny(host, "<>\" ") {
		host = ""
	}
	b := q.buf[:0]
	if host != "" {
		if b = append(b, "http://"...); q.query.TLS {
			b = append(b[:0], "https://"...)
		}
		b = append(b, host...)
	}
	b = append(append(b, '/'), escaped...)
	q.buf = b
	return string(b)
}

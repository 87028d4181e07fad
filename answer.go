package mirrorbrain

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// generator is how documents name the program that made them.
const generator = "caddy-mirrorbrain"

// problems say what the reasons of errors mean, for logs.
var problems = map[string]string{
	"no_mirror":      "no mirror has this file for this client",
	"local_max_size": "no mirror has this file for this client, and it is too large to serve it from here (local_max_size)",
	"not_ready":      "there is no catalog yet",
	"database":       "the database is asked for this document and does not answer",
	"not_hashed":     "the file has no digests: run 'mbctl hash'",
	"not_indexed":    "the index does not know the file",
	"no_tracker":     "there are no torrents without torrent_tracker or dht_node",
	"document_off":   "documents of this kind are switched off",
	"changed":        "the file changed since the last 'mbctl index'",
	"closed":         "others may not read the file",
	"ambiguous":      "two paths of the tree have one hash",
}

// problem is the error for a reason.
func problem(reason string) error {
	if text, ok := problems[reason]; ok {
		return errors.New(text)
	}
	return errors.New("no answer: " + reason)
}

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
// duplicates. same: they have the very version that the index has. Their URLs
// are signed with stamp, if it is not nil.
func (q *question) send(w http.ResponseWriter, picks []redirector.Pick, same bool, stamp *redirector.Stamp) {
	escaped := mirror.EscapePath(q.target)
	links := picks
	if !q.h.links {
		links = links[:1]
	}
	sum, hashed := q.view.SHA256(q.entry.ID)
	hashed = hashed && same && q.entry.ID != 0
	var about []redirector.Related
	if same {
		about = q.about(hashed)
	}
	location, link := redirector.Fields(q.self(escaped), escaped, links, stamp, q.now.Unix(), about...)
	if !q.h.links {
		link = link[:len(about)]
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
	q.h.networkHeaders(h, q.o)
	if q.h.documents&negotiable != 0 {
		q.vary(h)
	}
	if hashed {
		digest, repr := redirector.DigestFields(sum)
		set("Digest", digest)
		set(fieldRepr, repr)
	}
	w.WriteHeader(http.StatusFound)
}

// varyAccept is shared by all answers: nobody may change it in place.
var varyAccept = []string{"Accept"}

// vary says that Accept decides what the answer is.
func (q *question) vary(h http.Header) {
	if before := h["Vary"]; len(before) > 0 {
		h["Vary"] = append(slices.Clip(before), varyAccept...)
		return
	}
	h["Vary"] = varyAccept[:1:1]
}

// about lists the documents that an answer about the file names; hashed: its
// digests are known.
func (q *question) about(hashed bool) []redirector.Related {
	list := q.related[:0]
	if q.h.documents.Has(redirector.AsMeta4) && q.namesMirrors() {
		list = append(list, redirector.Meta4)
	}
	if !hashed {
		return list
	}
	if q.h.torrents && q.entry.Size > 0 {
		list = append(list, redirector.Torrent)
	}
	if q.besideIt(redirector.Signature.Suffix) {
		list = append(list, redirector.Signature)
	}
	return list
}

// besideIt reports whether there is a file whose name, as asked for, has a
// suffix more.
func (q *question) besideIt(suffix string) bool {
	if q.file != q.target {
		target, _ := q.view.Resolve(q.file + suffix)
		_, found := q.view.Lookup(target)
		return found == catalog.Found
	}
	q.buf = append(append(q.buf[:0], q.target...), suffix...)
	_, found := q.view.LookupBytes(q.buf)
	return found == catalog.Found
}

// namesMirrors reports whether the file's Metalink would name any mirror.
func (q *question) namesMirrors() bool {
	switch q.exempted {
	case "", exemptHead:
		return true
	case "no_mirror":
		return false
	}
	return !*q.h.DocumentExemptions
}

// self is the URL of the file that the client asked about, absolute where it
// named the host.
func (q *question) self(escaped string) string {
	// A prefix that handle_path took away belongs to it.
	asked := q.r.URL.Path
	if orig, ok := q.r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		asked = orig.URL.Path
	}
	if q.unclean {
		asked = path.Clean("/" + asked)
	}
	if q.suffix {
		asked = strings.TrimSuffix(asked, "."+q.as.String())
	}
	if asked[min(1, len(asked)):] != q.target {
		escaped = mirror.EscapePath(strings.TrimLeft(asked, "/"))
	}
	return q.absolute(escaped)
}

// prefix is what handle_path and its like took away before the path came here.
func (q *question) prefix() string {
	orig, ok := q.r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || orig.URL == nil {
		return ""
	}
	prefix, _ := strings.CutSuffix(orig.URL.Path, q.r.URL.Path)
	if prefix == orig.URL.Path {
		return ""
	}
	return prefix
}

// plainHost reports whether a Host field is a host, perhaps with a port, and so
// can stand in URLs: HTTP/2 lets other bytes through.
func plainHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		if c >= 0x80 || c <= ' ' || c == 0x7f || strings.IndexByte(`<>"\\/?#@%^{|}`+"`", c) >= 0 {
			return false
		}
	}
	return true
}

// absolute is a URL at this server, absolute where the client named the host.
func (q *question) absolute(escaped string) string {
	host := q.r.Host
	if !plainHost(host) {
		host = ""
	}
	b := q.buf[:0]
	if host != "" {
		if b = append(b, "http://"...); q.tls {
			b = append(b[:0], "https://"...)
		}
		b = append(b, host...)
	}
	b = append(append(b, '/'), escaped...)
	q.buf = b
	return string(b)
}

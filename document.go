package mirrorbrain

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// document is an answer that is made here.
type document struct {
	kind   string // media type
	body   []byte
	attach string // name under which browsers save it; "" they show it
	shared bool   // the same for every client
	policy string // Content-Security-Policy; "" none
	worded bool   // it is in the language that the client prefers
	// rest follows the body, if it is not nil: what is too large for memory.
	// restLen is its length; the document has no ranges then.
	rest    func(io.Writer) error
	restLen int64
	end     func() // is called when rest is not needed any more; nil: nothing
	tag     string // tells versions of rest apart
}

// serve writes a document, or 304 where the client has it. HEAD gets the same
// header fields.
func (q *question) serve(w http.ResponseWriter, d *document) {
	if d.end != nil {
		defer d.end()
	}
	h := w.Header()
	h.Set("Content-Type", d.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	if q.h.documents&negotiable != 0 {
		h.Add("Vary", "Accept")
	}
	if d.worded && q.h.look.Several() {
		h.Add("Vary", "Accept-Language")
	}
	if d.attach != "" {
		h.Set("Content-Disposition", disposition(d.attach))
	}
	if d.policy != "" {
		h.Set("Content-Security-Policy", d.policy)
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", q.documentCache(d.shared))
	}
	q.h.networkHeaders(h, q.o)
	h.Set("Etag", entityTag(d.body, d.tag))
	modified := q.modified()
	if d.rest == nil {
		http.ServeContent(w, q.r, "", modified, bytes.NewReader(d.body))
		return
	}
	q.stream(w, d)
}

// stream writes a document that is too large for memory.
func (q *question) stream(w http.ResponseWriter, d *document) {
	h := w.Header()
	if matches(q.r.Header.Get("If-None-Match"), h.Get("Etag")) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Last-Modified", q.modified().UTC().Format(http.TimeFormat))
	h.Set("Content-Length", fmt.Sprint(int64(len(d.body))+d.restLen))
	w.WriteHeader(http.StatusOK)
	if q.r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(d.body); err != nil {
		return
	}
	// The length says that something is missing where this breaks off.
	if err := d.rest(&patientWriter{w, http.NewResponseController(w)}); err != nil {
		q.h.logger.Debug("a document broke off", "path", q.target, "representation", q.as.String(), "err", err)
	}
}

// streamPause is how long a client may take for a part of what is streamed.
const streamPause = time.Minute

// patientWriter ends on clients that do not read what they asked for.
type patientWriter struct {
	http.ResponseWriter

	control *http.ResponseController
}

// Write implements io.Writer.
func (w *patientWriter) Write(p []byte) (int, error) {
	// Not every connection has deadlines; then there is none.
	_ = w.control.SetWriteDeadline(time.Now().Add(streamPause))
	n, err := w.ResponseWriter.Write(p)
	_ = w.control.SetWriteDeadline(time.Time{})
	return n, err
}

// modified is when the document may have changed last: when the cell began, or
// the catalog changed, in whole seconds. Zero: the document is not what it
// should be, and nobody is to keep it.
func (q *question) modified() time.Time {
	if q.degraded {
		return time.Time{}
	}
	changed := q.view.Since()
	if whole := changed.Truncate(time.Second); whole != changed {
		changed = whole.Add(time.Second)
	}
	if cell := q.cell(); cell.After(changed) {
		return cell
	}
	return changed
}

// documentCache is the Cache-Control field of a document: it is good until the
// end of the cell, so that all copies are renewed at one time. Shared caches may
// keep what is the same for all, unless the client had to authenticate.
func (q *question) documentCache(shared bool) string {
	scope := "private, "
	if shared {
		scope = ""
	}
	age := time.Duration(q.h.DocumentMaxAge)
	if age <= 0 || q.degraded {
		return scope + "no-cache"
	}
	left := q.cell().Add(age).Sub(q.now)
	return fmt.Sprintf("%smax-age=%d", scope, int64((left+time.Second-1)/time.Second))
}

// entityTag is a strong one: equal tags, equal bytes.
func entityTag(body []byte, more string) string {
	sum := sha256.Sum256(append(slices.Clip(body), more...))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matches reports whether an If-None-Match field names the tag (RFC 9110
// section 13.1.2).
func matches(field, tag string) bool {
	for t := range strings.SplitSeq(field, ",") {
		t = strings.TrimPrefix(strings.TrimSpace(t), "W/")
		if t == "*" || t == tag {
			return true
		}
	}
	return false
}

// disposition names a download (RFC 6266): readably for old clients, and
// exactly.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + strings.NewReplacer("@", "%40", ":", "%3A", "=", "%3D", "/", "_").Replace(mirror.EscapePath(strings.ToValidUTF8(name, "\uFFFD")))
}

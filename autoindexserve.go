package mirrorbrain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// ServeHTTP lists a folder, or passes the request on.
func (x *Autoindex) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return next.ServeHTTP(w, r)
	}
	folder, ok := listedPath(r.URL.Path)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	p, ok := x.place(r, folder)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		return x.unslashed(w, r, next, p)
	}
	if r.URL.RawQuery != "" && serveAsset(w, r) {
		return nil
	}
	ask := x.ask(r.URL.RawQuery)
	if !*x.Search {
		ask.Search = ""
	}
	if !*x.Latest {
		ask.Latest = ""
	}
	s, err := x.listing(r.Context(), p, "")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return x.pass(w, r, next)
	case err == nil && s.index:
		return next.ServeHTTP(w, r)
	case err != nil:
		return x.problem(w, r, err)
	}
	return x.answer(w, r, p, s, ask)
}

// listedPath gives the folder that a URL's path means, below the root. Segments
// that are empty or dots count as in file_server.
func listedPath(urlPath string) (string, bool) {
	folder := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	return folder, mirror.ValidPath(folder) == nil
}

// unslashed is for a path without a slash at its end: where a folder has this
// name, links in its listing need the slash.
func (x *Autoindex) unslashed(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, p place) error {
	asked := askedPath(r)
	if strings.HasSuffix(asked, "/") || r.URL.Path != "" && path.Base(asked) != path.Base(r.URL.Path) || !x.isFolder(r.Context(), p) {
		return x.pass(w, r, next) // what was rewritten is what the operator wants
	}
	to := mirror.EscapePath(strings.TrimLeft(asked, "/"))
	if to = "/" + to; to != "/" {
		to += "/"
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// pass leaves what is no folder to the next handler. Without a local tree nobody
// behind this one has it either.
func (x *Autoindex) pass(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if x.Root == rootOff {
		return caddyhttp.Error(http.StatusNotFound, fs.ErrNotExist)
	}
	return next.ServeHTTP(w, r)
}

// askedPath is the path as the client sees it.
func askedPath(r *http.Request) string {
	if o, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && o.URL != nil {
		return o.URL.Path
	}
	return r.URL.Path
}

// place is a folder that is asked for.
type place struct {
	root   string // on disk; "": none
	system string // name of a file system of the configuration; "": the disk
	path   string // below the root, and in the index
	url    string // of the listing, with slashes at both ends
	hide   string // rules with placeholders, replaced, with NUL between them
}

// place finds out where a request's folder is; false: nowhere, because there is
// neither a local tree nor an index.
func (x *Autoindex) place(r *http.Request, folder string) (p place, ok bool) {
	ctx := r.Context()
	repl := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	p.path = folder
	if x.Root != rootOff {
		p.root = repl.ReplaceAll(x.Root, "")
		p.system = repl.ReplaceAll(x.FileSystem, "")
	}
	if p.root == "" && x.rt == nil {
		return p, false
	}
	for _, h := range x.hide {
		if strings.Contains(h, "{") {
			p.hide += absoluteHide(repl.ReplaceAll(h, "")) + "\x00"
		}
	}
	p.url = path.Clean("/" + askedPath(r))
	if own := path.Clean("/" + folder); !strings.HasSuffix(p.url, own) { // rewritten to something else
		p.url = own
	}
	if p.url != "/" {
		p.url += "/"
	}
	return p, true
}

// answer writes the listing in the form that the request asks for. c is what is
// in the folder.
func (x *Autoindex) answer(w http.ResponseWriter, r *http.Request, p place, c *folderContents, ask autoindex.Ask) error {
	if ask.Latest != "" {
		return x.latest(w, r, p, ask)
	}
	accept := strings.Join(r.Header["Accept"], ",")
	format, order := x.options.Resolve(ask, accept)
	v := view{ask: ask, format: format, order: order}
	words := page.English()
	if format == autoindex.HTML {
		words = x.look.Words(r.Header.Get("Accept-Language"))
		v.language = words.Lang
	}
	l, err := x.rendered(r.Context(), p, c, v, words)
	if err != nil {
		return x.problem(w, r, err)
	}
	h := w.Header()
	h.Set("Content-Type", format.Type())
	h.Set("X-Content-Type-Options", "nosniff")
	if ask.Format == autoindex.Auto && x.options.Format == autoindex.Auto {
		h.Add("Vary", "Accept")
	}
	if format == autoindex.HTML {
		h.Set("Content-Security-Policy", x.page.ContentSecurityPolicy())
		if x.look.Several() {
			h.Add("Vary", "Accept-Language")
		}
	}
	x.cacheControl(h)
	h.Set("Etag", l.tag)
	modified := l.modified
	// What changes within a second is not told apart by a time in seconds.
	if time.Since(modified) < 2*time.Second {
		modified = time.Time{}
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(l.body))
	return nil
}

func (x *Autoindex) cacheControl(h http.Header) {
	if h.Get("Cache-Control") != "" {
		return
	}
	if x.MaxAge < 0 {
		h.Set("Cache-Control", "no-cache")
		return
	}
	h.Set("Cache-Control", fmt.Sprintf("max-age=%d", (time.Duration(x.MaxAge)+time.Second-1)/time.Second))
}

// problem answers for what went wrong, as file_server does.
func (x *Autoindex) problem(w http.ResponseWriter, r *http.Request, err error) error {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, disk.ErrClosed):
		status = http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		status = http.StatusForbidden
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return nil //nolint:nilerr // nobody waits for it any more
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		w.Header().Set("Retry-After", retryAfter)
		status = http.StatusServiceUnavailable
	}
	return caddyhttp.Error(status, err)
}

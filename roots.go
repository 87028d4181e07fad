package mirrorbrain

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/filecheck"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// roots are the checkers of a handler's local roots. There is one, unless the
// root has placeholders that differ between requests.
type roots struct {
	last atomic.Pointer[checkedRoot]
	mu   sync.Mutex
	all  map[string]*checkedRoot
}

type checkedRoot struct {
	root  string
	check *filecheck.Checker
	open  *filecheck.Checker // Absent means that there is something others may not read
}

// maxRoots bounds the checkers: a root may depend on what clients send.
const maxRoots = 256

func (r *roots) get(root string, age time.Duration, log *slog.Logger) *checkedRoot {
	if c := r.last.Load(); c != nil && c.root == root {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.all[root]
	if c == nil {
		if len(r.all) >= maxRoots || r.all == nil {
			r.closeAll()
			r.all = map[string]*checkedRoot{}
		}
		c = &checkedRoot{
			root:  root,
			check: filecheck.New(root, filecheck.Options{MaxAge: age, Logger: log}),
			open:  filecheck.New(root, filecheck.Options{Entries: 1 << 10, MaxCalls: 16, Logger: log, Stat: filecheck.OpenStat(root)}),
		}
		r.all[root] = c
	}
	r.last.Store(c)
	return c
}

// close ends what the checkers keep ready. Requests that are still on their way
// may go on checking.
func (r *roots) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeAll()
}

func (r *roots) closeAll() {
	for _, c := range r.all {
		c.check.Close()
		c.open.Close()
	}
}

// rootOff says that there are no local files: what the index does not know does
// not exist.
const rootOff = "off"

// root gives the local root of a request; "" is none.
func (h *Handler) root(repl *caddy.Replacer, vars map[string]any) string {
	switch h.Root {
	case rootOff:
		return ""
	case "{http.vars.root}":
		v, set := vars["root"]
		if s, ok := v.(string); ok || !set {
			return s
		}
	}
	return repl.ReplaceAll(h.Root, "")
}

// closed reports whether there is a file, or a folder above it, that others may
// not read: a release that is staged. The index leaves such files out, but this
// server may well be able to read them.
func (h *Handler) closed(root, path string, now time.Time) bool {
	return h.Closed == "hide" && root != "" && h.roots.get(root, h.checkAge, h.logger).open.Check(path, now).State == filecheck.Absent
}

// stale reports whether the file on disk is another than the one in the index,
// or gone. What cannot be found out now is believed of the index.
func (h *Handler) stale(root, path string, e catalog.Entry, now time.Time) bool {
	if h.checkAge < 0 || root == "" {
		return false
	}
	switch info := h.roots.get(root, h.checkAge, h.logger).check.Check(path, now); info.State {
	case filecheck.Absent:
		return true
	case filecheck.Regular:
		indexed := mirror.Version{MTime: e.MTime, Precision: e.Precision}
		return info.Size != e.Size || e.Precision > 0 && !indexed.SameTime(info.MTime, 1)
	case filecheck.Unknown:
	}
	return false
}

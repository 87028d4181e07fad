package mirrorbrain

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// forwarded notices a reverse proxy in front that Caddy was not told about: all
// clients seem to be the proxy then, and are sent to the mirror next to it.
type forwarded struct {
	logger *slog.Logger
	warned atomic.Bool

	mu   sync.Mutex
	seen int    // requests in this round
	peer string // the candidate for who sends most (Boyer and Moore's vote)
	lead int
	from int // requests in this round that peer sent with the header
}

// forwardedRound is after how many requests it is judged.
const forwardedRound = 100

// look takes a request into account. Under load some are left out.
func (f *forwarded) look(r *http.Request, vars map[string]any) {
	if f.warned.Load() || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	f.seen++
	if len(r.Header["X-Forwarded-For"]) > 0 {
		if trusted, _ := vars[caddyhttp.TrustedProxyVarKey].(bool); !trusted {
			f.vote(r.RemoteAddr)
		}
	}
	if f.seen < forwardedRound {
		return
	}
	if f.from*2 > f.seen && f.warned.CompareAndSwap(false, true) {
		line := "trusted_proxies static " + f.peer
		if f.peer == "@" {
			line = "trusted_proxies_unix"
		}
		f.logger.Warn("most requests come from one peer that is not trusted and carry X-Forwarded-For: "+
			"every client seems to be where that peer is; if it is a proxy of yours, add the line to the servers block of the global options",
			"peer", f.peer, "line", line)
	}
	f.seen, f.peer, f.lead, f.from = 0, "", 0, 0
}

// vote counts a request with the header from an untrusted peer.
func (f *forwarded) vote(remote string) {
	peer, _, err := net.SplitHostPort(remote)
	if err != nil {
		peer = remote
	}
	switch {
	case f.peer == peer:
		f.lead++
		f.from++
	case f.lead == 0:
		f.peer, f.lead, f.from = peer, 1, 1
	default:
		f.lead--
	}
}

package note

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// caller is who a request is from.
type caller struct {
	ok      bool
	mirror  string   // the mirror whose key was used; "": a token was
	foreign bool     // a webhook of a code hosting service
	once    [32]byte // the signature, if it must not come twice; else zero
	stale   bool     // right but for its time
	clear   bool     // a secret came without TLS, and was not looked at
}

// request is what identify looks at.
type request struct {
	Message

	header http.Header
	secure bool   // over TLS, or without a network between
	mirror string // that it claims to be from; "": none
}

// identify finds out who a request is from: one who signed it with a token or
// with a mirror's key, or who shows one. All keys are tried, whichever fits.
func identify(r request, tokens []string, now time.Time) (c caller) {
	switch {
	case len(r.header.Values(Header)) > 0:
		return bySignature(r, tokens, now)
	case r.header.Get("Authorization") != "":
		secret, ok := strings.CutPrefix(r.header.Get("Authorization"), "Bearer ")
		if !ok {
			return c
		}
		return bySecret(r, tokens, strings.TrimSpace(secret))
	case r.header.Get("X-Hub-Signature-256") != "":
		c.ok, c.foreign = byHub(r, tokens), true
		return c
	case r.header.Get("X-Gitlab-Token") != "":
		r.mirror = ""
		c = bySecret(r, tokens, r.header.Get("X-Gitlab-Token"))
		c.foreign = true
		return c
	}
	return c
}

// keys calls fn with each key that may be used, and the mirror that it is of.
func keys(r request, tokens []string, fn func(key, mirror string)) {
	for _, t := range tokens {
		fn(t, "")
		if r.mirror != "" {
			fn(MirrorKey(t, r.mirror), r.mirror)
		}
	}
}

func bySignature(r request, tokens []string, now time.Time) (c caller) {
	values := r.header.Values(Header)
	sig, err := parseSignature(values[0])
	if err != nil || len(values) > 1 {
		return c
	}
	keys(r, tokens, func(key, mirror string) {
		if hmac.Equal(r.sum(key, sig.text), sig.sum) {
			c = caller{ok: true, mirror: mirror, once: sha256.Sum256(sig.sum)}
		}
	})
	if c.ok && !sig.fresh(now) {
		return caller{stale: true}
	}
	return c
}

func bySecret(r request, tokens []string, secret string) (c caller) {
	if !r.secure {
		return caller{clear: true}
	}
	keys(r, tokens, func(key, mirror string) {
		if sameSecret(key, secret) {
			c = caller{ok: true, mirror: mirror}
		}
	})
	return c
}

// byHub checks the signature that GitHub, Gitea and Forgejo make of a webhook's
// body. There is no time in it.
func byHub(r request, tokens []string) (ok bool) {
	digits, found := strings.CutPrefix(r.header.Get("X-Hub-Signature-256"), "sha256=")
	given, err := hex.DecodeString(digits)
	if !found || err != nil || r.Method != http.MethodPost || ours(r.Body) {
		return false
	}
	for _, t := range tokens {
		if hmac.Equal(sum(t, string(r.Body)), given) {
			ok = true
		}
	}
	return ok
}

// ours reports whether a body is what a token makes a mirror's key or the
// signature of a note of. Both would be good signatures of it as a webhook: by
// who has the one, or has seen the other, and for ever.
func ours(body []byte) bool {
	return bytes.HasPrefix(body, []byte(mirrorPrefix)) ||
		bytes.HasPrefix(body, []byte(http.MethodPost+"\n")) || bytes.HasPrefix(body, []byte(http.MethodGet+"\n"))
}

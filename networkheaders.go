package mirrorbrain

import (
	"net/http"
	"strconv"
	"strings"
)

// The header fields in which mod_asn tells clients their network.
const (
	fieldPrefix = "X-Prefix"
	fieldAS     = "X-As"
)

// networkHeaders tells the client the prefix and the AS that it is in, as far as
// they are known, in an answer that only its own cache may keep: another client
// must not get what was said to this one. The fields that decide about that must
// be set before.
func (h *Handler) networkHeaders(header http.Header, o *outcome) {
	if !*h.NetworkHeaders || !forOneClient(header) {
		return
	}
	c := o.locate()
	if c.Prefix.IsValid() {
		header.Set(fieldPrefix, c.Prefix.String())
	}
	if c.ASN != 0 {
		header.Set(fieldAS, strconv.FormatUint(uint64(c.ASN), 10))
	}
}

// forOneClient reports whether no shared cache keeps an answer (RFC 9111
// sections 5.2.2.5 and 5.2.2.7).
func forOneClient(header http.Header) bool {
	for _, field := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(field, ",") {
			switch strings.ToLower(strings.TrimSpace(directive)) {
			case "private", "no-store":
				return true
			}
		}
	}
	return false
}

package accesslog

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// parseMirrorbits reads a line of Mirrorbits' downloads.log:
//
//	2026/11/21 20:23:46.691601 REDIRECT 302 GET "/path" ip:ADDR mirror:NAME [fallback:true] [same]asn:N distance:N.NNkm countries:AA,BB
//
// The time is the server's local time. The path is not encoded, and nothing in it
// escaped. The AS is the mirror's, and the client's where it is called sameasn.
func (r *Reader) parseMirrorbits(line []byte, e *Entry) verdict {
	if line[0] == '#' {
		return other
	}
	t, rest, ok := plainTime(line, r.zone)
	if !ok {
		return bad
	}
	e.Time = t
	kind, rest := word(bytes.TrimLeft(rest, " "))
	field, rest := word(rest)
	if e.Status, ok = status(field); !ok {
		return bad
	}
	open, end := bytes.IndexByte(rest, '"'), bytes.LastIndexByte(rest, '"')
	if open < 0 || open == end {
		return bad
	}
	e.Method = http.MethodGet
	if m := bytes.TrimSpace(rest[:open]); len(m) > 0 && len(m) <= 32 {
		e.Method = r.intern(m) // older versions do not have it
	}
	e.Path = string(rest[open+1 : end])
	if !strings.HasPrefix(e.Path, "/") {
		e.Path = "/" + e.Path
	}
	e.Document = string(kind) != "REDIRECT"
	r.mirrorbitsFields(bytes.TrimLeft(rest[end+1:], " "), e)
	return good
}

func (r *Reader) mirrorbitsFields(rest []byte, e *Entry) {
	var field []byte
	for len(rest) > 0 {
		field, rest = word(rest)
		name, value, ok := bytes.Cut(field, []byte(":"))
		switch {
		case !ok:
		case string(name) == "ip":
			e.Addr = address(value)
		case string(name) == "mirror":
			e.Logged, e.Mirror = true, r.mirrorName(value)
		case string(name) == "fallback":
			e.Fallback = string(value) == "true"
		case string(name) == "sameasn":
			e.ASN = asNumber(value)
		case string(name) == "distance":
			km, err := strconv.ParseFloat(string(bytes.TrimSuffix(value, []byte("km"))), 64)
			if err == nil && km >= 0 && km < 21_000 && !e.Fallback {
				e.DistanceKm, e.HasKm = km, true
			}
		case string(name) == "countries":
			first, _, _ := bytes.Cut(value, []byte(","))
			e.MirrorCountry = code(first)
		}
	}
}

package accesslog

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// number reads a number of at most 18 digits; false for anything else.
func number(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// status reads an HTTP status.
func status(b []byte) (int, bool) {
	n, ok := number(b)
	return int(n), ok && len(b) == 3 && n >= 100
}

// address reads an IP address, also one in brackets or with a zone.
func address(b []byte) netip.Addr {
	if len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']' {
		b = b[1 : len(b)-1]
	}
	// An address in text, with a zone, is far below this.
	if len(b) == 0 || len(b) > 80 || b[0] != ':' && !isHex(b[0]) {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func isHex(c byte) bool { return hexValue(c) < 16 }

// hexValue gives 16 for what is no hexadecimal digit.
func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// target puts the target of a request line into e: "/path?query", or the absolute
// form of RFC 9112 section 3.2.2.
func (e *Entry) target(raw []byte) {
	if len(raw) > 0 && raw[0] != '/' {
		if i := bytes.Index(raw, []byte("://")); i > 0 {
			rest := raw[i+3:]
			slash := bytes.IndexByte(rest, '/')
			if slash < 0 {
				return
			}
			e.host(string(rest[:slash]))
			raw = rest[slash:]
		}
	}
	if i := bytes.IndexByte(raw, '#'); i >= 0 {
		raw = raw[:i]
	}
	path, query, _ := bytes.Cut(raw, []byte("?"))
	e.Path, e.Query = percentDecoded(path), string(query)
}

// percentDecoded gives the text of a URL's path. What is not an escape stands for
// itself.
func percentDecoded(b []byte) string {
	first := bytes.IndexByte(b, '%')
	if first < 0 {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	out.Write(b[:first])
	for i := first; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
			out.WriteByte(hexValue(b[i+1])<<4 | hexValue(b[i+2]))
			i += 2
			continue
		}
		out.WriteByte(b[i])
	}
	return out.String()
}

// host puts the name of the site into e.
func (e *Entry) host(s string) {
	if colon := strings.LastIndexByte(s, ':'); colon >= 0 && strings.IndexByte(s[colon:], ']') < 0 {
		s = s[:colon]
	}
	e.Host = strings.ToLower(s)
}

// code reads a code of two letters; "" for anything else.
func code(b []byte) string {
	if len(b) != 2 {
		return ""
	}
	x, y := b[0]|0x20, b[1]|0x20
	if x < 'a' || x > 'z' || y < 'a' || y > 'z' {
		return ""
	}
	return string([]byte{x, y})
}

// mirrorName reads the name of a mirror; "" for what cannot be one.
func (r *Reader) mirrorName(b []byte) string {
	if len(b) == 0 || len(b) > 253 || len(b) == 1 && b[0] == '-' {
		return ""
	}
	s := r.intern(b)
	if len(s) <= 64 && mirror.ValidName(s) == nil {
		return s
	}
	for i := range len(s) { // other redirectors let names hold more
		if s[i] <= ' ' || s[i] == 0x7f {
			return ""
		}
	}
	return s
}

// asNumber reads "3320" or "AS3320"; 0 for anything else.
func asNumber(b []byte) uint32 {
	b = bytes.TrimPrefix(b, []byte("AS"))
	n, ok := number(b)
	if !ok || n >= 1<<32 {
		return 0
	}
	return uint32(n)
}

// network reads a prefix; invalid for anything else.
func network(b []byte) netip.Prefix {
	if len(b) < 4 || len(b) > 80 || bytes.IndexByte(b, '/') < 0 {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(string(b))
	if err != nil {
		return netip.Prefix{}
	}
	return p.Masked()
}

// digits reads exactly the digits of b[from:to].
func digits(b []byte, from, to int) (n int, ok bool) {
	for _, c := range b[from:to] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// ncsaTime reads "29/Dec/2013:18:54:41 +0100".
func ncsaTime(b []byte) (time.Time, bool) {
	if len(b) != 26 || b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return time.Time{}, false
	}
	month := strings.Index(monthNames, string(b[3:6]))
	if month < 0 || month%3 != 0 {
		return time.Time{}, false
	}
	v, ok := several(b, [][2]int{{0, 2}, {7, 11}, {12, 14}, {15, 17}, {18, 20}, {22, 24}, {24, 26}})
	if !ok || b[21] != '+' && b[21] != '-' {
		return time.Time{}, false
	}
	offset := v[5]*3600 + v[6]*60
	if b[21] == '-' {
		offset = -offset
	}
	t := time.Date(v[1], time.Month(month/3+1), v[0], v[2], v[3], v[4], 0, time.UTC)
	return t.Add(-time.Duration(offset) * time.Second), true
}

// plainTime reads "2026/11/21 20:23:46.691601" or "2026-11-21T20:23:46", with any
// number of digits after the dot, in zone, and gives what follows it.
func plainTime(b []byte, zone *time.Location) (t time.Time, rest []byte, ok bool) {
	if len(b) < 19 || b[4] != b[7] || b[4] != '/' && b[4] != '-' || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, nil, false
	}
	v, ok := several(b, [][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}})
	if !ok {
		return time.Time{}, nil, false
	}
	rest = b[19:]
	nanos := 0
	if len(rest) > 0 && rest[0] == '.' {
		i, unit := 1, int(1e8)
		for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
			nanos += int(rest[i]-'0') * unit
			unit /= 10
		}
		rest = rest[i:]
	}
	return time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], nanos, zone), rest, true
}

// several reads the numbers at several places.
func several(b []byte, at [][2]int) (v [7]int, ok bool) {
	for i, a := range at {
		if v[i], ok = digits(b, a[0], a[1]); !ok {
			return v, false
		}
	}
	return v, true
}

package redirector

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Related is a document about a file that has the file's own URL and a suffix,
// named by a Link field with rel=describedby (RFC 6249 section 5).
type Related struct {
	Suffix string // "." and what follows, safe in a URL
	Type   string // media type
}

// Meta4 is the Metalink document (RFC 5854) that every redirect names.
var Meta4 = Related{Suffix: ".meta4", Type: TypeMeta4}

// The other documents that a redirect may name.
var (
	Torrent   = Related{Suffix: ".torrent", Type: TypeTorrent}
	Signature = Related{Suffix: ".asc", Type: "application/pgp-signature"}
)

// AppendLocation appends the URL of a file below a base URL that ends in a
// slash. escapedPath is the file's percent-encoded path below base
// (mirror.AppendEscaped), without a leading slash.
func AppendLocation(dst []byte, base, escapedPath string) []byte {
	dst = append(dst, base...)
	return append(dst, escapedPath...)
}

// AppendURL appends the URL p has a file at; escapedPath is the file's
// percent-encoded path in the whole tree, without a leading slash.
func (p *Pick) AppendURL(dst []byte, escapedPath string) []byte {
	return AppendLocation(dst, p.BaseURL, p.below(escapedPath))
}

// below gives the part of a path that BaseURL does not stand for already.
func (p *Pick) below(escapedPath string) string {
	return escapedPath[min(p.Trim, len(escapedPath)):]
}

// Parts of Link fields.
const (
	linkAbout     = `>; rel=describedby; type="`
	linkDuplicate = ">; rel=duplicate; pri="
	linkGeo       = "; geo="
)

// Fields builds a redirect's Location (the URL of the first pick; "" without
// picks) and its Link fields: documents about the file first, then the picks
// with pri counting from 1. self is the file's own absolute URL,
// percent-encoded. The picks' URLs are signed with stamp (nil: they are not) at
// now, seconds since the Unix epoch. All of them are parts of one string, so
// that this costs two allocations.
func Fields(self, escapedPath string, picks []Pick, stamp *Stamp, now int64, about ...Related) (location string, link []string) {
	var b strings.Builder
	size := fieldsLen(self, escapedPath, picks, about)
	if stamp != nil {
		size += len(picks) * stamp.Len()
	}
	b.Grow(size)
	link = make([]string, 0, len(about)+len(picks))
	for _, r := range about {
		from := b.Len()
		b.WriteByte('<')
		b.WriteString(self)
		b.WriteString(r.Suffix)
		b.WriteString(linkAbout)
		b.WriteString(r.Type)
		b.WriteByte('"')
		link = append(link, b.String()[from:])
	}
	var digits [20]byte
	for i := range picks {
		p := &picks[i]
		from := b.Len()
		b.WriteByte('<')
		b.WriteString(p.BaseURL)
		b.WriteString(p.below(escapedPath))
		if stamp != nil {
			b.Write(stamp.AppendQuery(nil, b.String()[from+1:], now))
		}
		if i == 0 {
			location = b.String()[from+1:]
		}
		b.WriteString(linkDuplicate)
		b.Write(strconv.AppendInt(digits[:0], int64(i)+1, 10))
		if p.Country != "" {
			b.WriteString(linkGeo)
			b.WriteString(p.Country)
		}
		link = append(link, b.String()[from:])
	}
	return location, link
}

// fieldsLen is how long the fields are together, or a little more.
func fieldsLen(self, escapedPath string, picks []Pick, about []Related) int {
	n := 0
	for _, r := range about {
		n += len("<\"") + len(self) + len(r.Suffix) + len(linkAbout) + len(r.Type)
	}
	for i := range picks {
		p := &picks[i]
		n += len("<") + len(p.BaseURL) + len(p.below(escapedPath)) + len(linkDuplicate) + 20 + len(linkGeo) + len(p.Country)
	}
	return n
}

// DigestFields gives the values of the header fields Digest (RFC 3230) and
// Repr-Digest (RFC 9530) for a file's SHA-256. Both are parts of one string.
func DigestFields(sha256 [32]byte) (digest, repr string) {
	const (
		old    = "SHA-256="
		modern = "sha-256=:"
	)
	var buf [len(old) + 44 + len(modern) + 44 + 1]byte
	b := append(buf[:0], old...)
	b = base64.StdEncoding.AppendEncode(b, sha256[:])
	split := len(b)
	b = append(b, modern...)
	b = append(b, b[len(old):split]...)
	b = append(b, ':')
	s := string(b)
	return s[:split], s[split:]
}

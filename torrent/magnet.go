package torrent

import (
	"encoding/hex"
	"path"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Magnet gives the magnet link of a subject, one line without its end; false if
// the file has no info hash. It names, in this order: the info hashes (xt, BEP 9
// and 52), the MD5 as MirrorBrain did, the name (dn) and size (xl), the trackers
// (tr), the sources as web seeds (ws), where the .torrent file is (xs), and the
// file's own URL (as). Values are percent-encoded, so that the link can stand in
// text; in HTML or XML its "&" needs escaping. In places where a long link would
// be a nuisance, give no sources: clients find them in the torrent.
func Magnet(s *mirror.Subject, sources []mirror.Source, o *Options) (string, bool) {
	if s.Digests == nil || s.Digests.Torrent == (mirror.InfoHashes{}) {
		return "", false
	}
	m := make(magnet, 0, 512+128*len(sources))
	m = append(m, "magnet:?"...)
	m.topics(s.Digests)
	m.value("dn", mirror.SafeName(path.Base(s.Path)))
	if s.Size > 0 {
		m.plain("xl", strconv.FormatInt(s.Size, 10))
	}
	for _, tier := range o.trackers() {
		for _, url := range tier {
			m.value("tr", url)
		}
	}
	for i := range sources {
		if mirror.PlainURL(sources[i].URL) {
			m.value("ws", sources[i].URL)
		}
	}
	if mirror.PlainURL(s.URL) {
		m.value("xs", s.URL+Suffix)
		m.value("as", s.URL)
	}
	return strings.TrimSuffix(string(m), "&"), true
}

// magnet is a link being written; each field ends in "&".
type magnet []byte

// topics appends what the link stands for. The colons are left as they are: not
// all clients decode these.
func (m *magnet) topics(d *mirror.Digests) {
	if v1 := d.Torrent.V1; v1 != [20]byte{} {
		m.plain("xt", "urn:btih:"+hex.EncodeToString(v1[:]))
	}
	if v2 := d.Torrent.V2; v2 != [32]byte{} {
		m.plain("xt", "urn:btmh:1220"+hex.EncodeToString(v2[:])) // multihash: SHA-256, 32 bytes
	}
	if d.MD5 != [16]byte{} {
		m.plain("xt", "urn:md5:"+hex.EncodeToString(d.MD5[:]))
	}
}

// plain appends a field whose value needs no encoding.
func (m *magnet) plain(key, value string) {
	*m = append(*m, key...)
	*m = append(*m, '=')
	*m = append(*m, value...)
	*m = append(*m, '&')
}

// value appends a field, all but unreserved characters (RFC 3986 section 2.3)
// percent-encoded.
func (m *magnet) value(key, value string) {
	const upperHex = "0123456789ABCDEF"
	*m = append(*m, key...)
	*m = append(*m, '=')
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			*m = append(*m, c)
		default:
			*m = append(*m, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	*m = append(*m, '&')
}

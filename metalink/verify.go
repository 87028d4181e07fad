package metalink

import (
	"encoding/hex"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// names are what a version of the format calls the hash functions.
type names struct{ sha256, sha512, sha1, md5 string }

var (
	namesV4 = names{"sha-256", "sha-512", "sha-1", "md5"} // IANA's registry, as RFC 5854 section 4.2.4 demands
	namesV3 = names{"sha256", "sha512", "sha1", "md5"}
)

// hashes appends a hash element for each digest that is known.
func (d *doc) hashes(indent string, n names, g *mirror.Digests) {
	d.hash(indent, n.sha256, g.SHA256[:])
	d.hash(indent, n.sha512, g.SHA512[:])
	d.hash(indent, n.sha1, g.SHA1[:])
	d.hash(indent, n.md5, g.MD5[:])
}

func (d *doc) hash(indent, name string, sum []byte) {
	if isZero(sum) {
		return
	}
	d.raw(indent)
	d.raw(`<hash type="`)
	d.raw(name)
	d.raw(`">`)
	*d = hex.AppendEncode(*d, sum)
	d.raw("</hash>\n")
}

// isZero tells a digest that was not computed.
func isZero(sum []byte) bool {
	for _, b := range sum {
		if b != 0 {
			return false
		}
	}
	return true
}

// pieceList is the sums of a file's pieces by one hash function.
type pieceList struct {
	name string
	len  int // bytes of a sum
	sums []byte
}

// complete reports whether there is a sum for every piece of a file.
func (l pieceList) complete(size, length int64) bool {
	if size <= 0 || length <= 0 || len(l.sums)%l.len != 0 {
		return false
	}
	return int64(len(l.sums)/l.len) == (size-1)/length+1
}

// pieces appends the first list that is complete. Version 3 numbers the sums,
// without which readers drop them.
func (d *doc) pieces(indent string, size, length int64, numbered bool, lists ...pieceList) {
	for _, l := range lists {
		if !l.complete(size, length) {
			continue
		}
		d.raw(indent)
		d.raw("<pieces")
		d.intAttr("length", length)
		d.attr("type", l.name)
		d.raw(">\n")
		for i := 0; i < len(l.sums); i += l.len {
			d.raw(indent)
			d.raw("  <hash")
			if numbered {
				d.intAttr("piece", int64(i/l.len))
			}
			d.raw(">")
			*d = hex.AppendEncode(*d, l.sums[i:i+l.len])
			d.raw("</hash>\n")
		}
		d.raw(indent)
		d.raw("</pieces>\n")
		return
	}
}

// armored gives the text of a signature that can stand in a document, or "".
func armored(g *mirror.Digests) string {
	if g.Signature == nil || !g.Signature.Armored() {
		return ""
	}
	return string(g.Signature.Data)
}

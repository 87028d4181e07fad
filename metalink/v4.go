package metalink

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// AppendV4 appends a Metalink document of version 4 (RFC 5854). Sources are
// listed in the order they come in, with priorities from 1. A document without
// sources has no URL and is of no use to a client. Sources whose URL is not
// absolute and percent-encoded are left out.
func AppendV4(dst []byte, s *mirror.Subject, sources []mirror.Source, o *Options) []byte {
	d := doc(slices.Grow(dst, room(s, sources)))
	d.raw(declaration)
	d.raw("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n")
	if o.Generator != "" {
		d.element("  ", "generator", o.Generator)
	}
	if mirror.PlainURL(s.URL) {
		d.raw(`  <origin dynamic="true">`)
		d.text(s.URL + SuffixV4)
		d.raw("</origin>\n")
	}
	if s.Published != 0 {
		d.element("  ", "published", time.Unix(0, s.Published).UTC().Format(time.RFC3339))
	}
	d.raw("  <file")
	d.attr("name", mirror.SafeName(s.Name))
	d.raw(">\n")
	d.aboutV4(s, o)
	if mirror.PlainURL(o.Torrent) {
		d.metaurl(o.Torrent, 1)
	}
	if strings.HasPrefix(o.Magnet, "magnet:?") {
		d.metaurl(o.Magnet, 2)
	}
	d.urlsV4(usable(sources, o.most(maxPriority)))
	d.raw("  </file>\n</metalink>\n")
	return d
}

// aboutV4 appends what is known of the file itself.
func (d *doc) aboutV4(s *mirror.Subject, o *Options) {
	if o.PublisherName != "" {
		d.raw("    <publisher")
		d.attr("name", o.PublisherName)
		if mirror.PlainURL(o.PublisherURL) {
			d.attr("url", o.PublisherURL)
		}
		d.raw("/>\n")
	}
	if s.Size >= 0 {
		d.intElement("    ", "size", s.Size)
	}
	g := s.Digests
	if g == nil {
		return
	}
	if sig := armored(g); sig != "" {
		d.raw(`    <signature mediatype="application/pgp-signature">`)
		d.text(sig)
		d.raw("</signature>\n")
	}
	d.hashes("    ", namesV4, g)
	d.pieces("    ", s.Size, g.Pieces.Length, false,
		pieceList{namesV4.sha256, 32, g.Pieces.SHA256}, pieceList{namesV4.sha1, 20, g.Pieces.SHA1})
}

// metaurl appends a way to the file's torrent. It has no name attribute: that
// is for a file within a torrent of many, and aria2 takes it so.
func (d *doc) metaurl(url string, priority int64) {
	d.raw("    <metaurl")
	d.attr("mediatype", "torrent")
	d.intAttr("priority", priority)
	d.raw(">")
	d.text(url)
	d.raw("</metaurl>\n")
}

// urlsV4 appends the sources, with a comment where a group of one realm begins.
func (d *doc) urlsV4(sources []*mirror.Source) {
	realm := ""
	for i, s := range sources {
		if r := s.Realm(); r != realm {
			realm = r
			d.raw("    <!-- ")
			d.text(realmText(r))
			d.raw(" -->\n")
		}
		d.raw("    <url")
		if l := location(s); l != "" {
			d.attr("location", l)
		}
		d.intAttr("priority", int64(i)+1)
		d.raw(">")
		d.text(s.URL)
		d.raw("</url>\n")
	}
}

// realmText says in words how close the sources of a realm are. It is one of a
// few fixed texts, fit for a comment.
func realmText(realm string) string {
	switch realm {
	case "prefix":
		return "in the client's network prefix"
	case "as":
		return "in the client's autonomous system"
	case "country":
		return "in the client's country"
	case "other_country":
		return "in other countries, serving the client's"
	case "region":
		return "on the client's continent"
	case "world":
		return "elsewhere"
	case "fallback":
		return "servers that have everything"
	case "origin":
		return "the origin"
	}
	return "others"
}

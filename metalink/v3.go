package metalink

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// mm0 is the namespace of MirrorManager's extension, whose prefix must be mm0.
const mm0 = "http://fedorahosted.org/mirrormanager"

// AppendV3 appends a Metalink document of version 3.0. Sources are listed in the
// order they come in, with preferences from 100 downwards, 100 of them at most.
// A document without sources has no mirror URL and is of no use to a client.
// Sources whose URL is not absolute and percent-encoded are left out.
func AppendV3(dst []byte, s *mirror.Subject, sources []mirror.Source, o *Options) []byte {
	d := doc(slices.Grow(dst, room(s, sources)))
	d.rootV3(s, o)
	if o.PublisherName != "" {
		d.raw("  <publisher>\n")
		d.element("    ", "name", o.PublisherName)
		if mirror.PlainURL(o.PublisherURL) {
			d.element("    ", "url", o.PublisherURL)
		}
		d.raw("  </publisher>\n")
	}
	d.raw("  <files>\n    <file")
	d.attr("name", mirror.SafeName(s.Name))
	d.raw(">\n")
	if o.Timestamp {
		d.timestamp("      ", s.MTime)
	}
	if s.Size >= 0 {
		d.intElement("      ", "size", s.Size)
	}
	if s.Digests != nil {
		d.verificationV3(s)
	}
	d.earlier(o.Earlier)
	d.resources(usable(sources, o.most(maxPreference)), o)
	d.raw("    </file>\n  </files>\n</metalink>\n")
	return d
}

// rootV3 appends all up to the end of the root element's start tag.
func (d *doc) rootV3(s *mirror.Subject, o *Options) {
	d.raw(declaration)
	d.raw(`<metalink version="3.0" xmlns="http://www.metalinker.org/"`)
	if o.Timestamp || len(o.Earlier) > 0 {
		d.attr("xmlns:mm0", mm0)
	}
	if mirror.PlainURL(s.URL) {
		d.attr("origin", s.URL+SuffixV3)
	}
	if o.Generator != "" {
		d.attr("generator", o.Generator)
	}
	d.attr("type", "dynamic")
	if s.Published != 0 {
		date := time.Unix(0, s.Published).UTC().Format(http.TimeFormat) // RFC 822 as RFC 1123 mended it
		d.attr("pubdate", date)
		d.attr("refreshdate", date)
	}
	d.raw(">\n")
}

// timestamp appends a modification time, unless it is unknown.
func (d *doc) timestamp(indent string, mtime int64) {
	if mtime != 0 {
		d.intElement(indent, "mm0:timestamp", time.Unix(0, mtime).Unix())
	}
}

// verificationV3 appends the digests, signature and pieces, if there are any.
func (d *doc) verificationV3(s *mirror.Subject) {
	before := len(*d)
	d.raw("      <verification>\n")
	empty := len(*d)
	g := s.Digests
	if sig := armored(g); sig != "" {
		d.raw(`        <signature type="pgp"`)
		d.attr("file", mirror.SafeName(s.Name+g.Signature.Suffix))
		d.raw(">")
		d.text(sig)
		d.raw("</signature>\n")
	}
	d.hashes("        ", namesV3, g)
	d.pieces("        ", s.Size, g.Pieces.Length, true, pieceList{namesV3.sha1, 20, g.Pieces.SHA1})
	if len(*d) == empty {
		*d = (*d)[:before]
		return
	}
	d.raw("      </verification>\n")
}

// earlier appends the versions of the file that are acceptable as well. One
// without a digest could not be told and is left out.
func (d *doc) earlier(versions []Version) {
	if len(versions) == 0 {
		return
	}
	before := len(*d)
	d.raw("      <mm0:alternates>\n")
	empty := len(*d)
	for _, v := range versions {
		if v.Digests != nil {
			d.alternate(v)
		}
	}
	if len(*d) == empty {
		*d = (*d)[:before]
		return
	}
	d.raw("      </mm0:alternates>\n")
}

func (d *doc) alternate(v Version) {
	before := len(*d)
	d.raw("        <mm0:alternate>\n")
	d.timestamp("          ", v.MTime)
	d.intElement("          ", "size", v.Size)
	d.raw("          <verification>\n")
	empty := len(*d)
	d.hashes("            ", namesV3, v.Digests)
	if len(*d) == empty {
		*d = (*d)[:before]
		return
	}
	d.raw("          </verification>\n        </mm0:alternate>\n")
}

// resources appends the sources and, last, the torrent.
func (d *doc) resources(sources []*mirror.Source, o *Options) {
	d.raw("      <resources")
	if o.MaxConnections > 0 {
		d.intAttr("maxconnections", int64(o.MaxConnections))
	}
	d.raw(">\n")
	for i, s := range sources {
		scheme, _, _ := strings.Cut(s.URL, ":")
		d.raw("        <url")
		d.attr("protocol", strings.ToLower(scheme))
		d.attr("type", strings.ToLower(scheme))
		if l := location(s); l != "" {
			d.attr("location", l)
		}
		d.intAttr("preference", int64(maxPreference-i))
		d.raw(">")
		d.text(s.URL)
		d.raw("</url>\n")
	}
	if mirror.PlainURL(o.Torrent) {
		d.raw(`        <url type="bittorrent" preference="0">`)
		d.text(o.Torrent)
		d.raw("</url>\n")
	}
	d.raw("      </resources>\n")
}

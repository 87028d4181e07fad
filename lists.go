package mirrorbrain

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorlist"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// mirrorList is the list of the file's mirrors for people, or as text.
func (q *question) mirrorList() (*document, action) {
	switch q.ask.Format {
	case "", "html":
		var page bytes.Buffer
		list := q.list()
		q.addWhy(list)
		words := q.h.look.Words(q.r.Header.Get("Accept-Language"))
		if err := q.h.page.Write(&page, words, list); err != nil {
			q.h.logger.Error("making a mirror list page", "path", q.target, "err", err)
			return q.absent("template")
		}
		return &document{kind: redirector.TypeHTML, body: page.Bytes(), policy: q.h.page.ContentSecurityPolicy(), worded: true}, done
	case "text":
		return &document{kind: redirector.TypeText, body: q.list().AppendText(nil)}, done
	}
	q.o.err = fmt.Errorf("format %.40q: must be one of html, json, text", q.ask.Format)
	return nil, q.o.say(resultError, "bad_query", badRequest)
}

// jsonList is the same for programs.
func (q *question) jsonList() (*document, action) {
	return &document{kind: redirector.TypeJSON, body: q.list().AppendJSON(nil, q.ask.Pretty)}, done
}

// list gathers what there is to say about the file.
func (q *question) list() *mirrorlist.File {
	d, _ := q.digests()
	f := &mirrorlist.File{Subject: q.subject(d), Sources: q.sources(all, true)}
	if !q.ask.All {
		client := q.query.Client
		if isNeutral(client.Addr) { // it stands for a simulated client
			client.Addr = netip.Addr{}
		}
		f.Client = &client
		f.Excluded = q.excluded()
	}
	named := len(f.Sources) > 0 && q.exempted == ""
	if len(f.Sources) == 0 {
		f.Sources = q.own()
	}
	f.Documents = q.offers(f.Subject, named)
	return f
}

// excluded are the mirrors that the client is not sent to, as far as it may
// know of them.
func (q *question) excluded() []mirrorlist.Excluded {
	var list []mirrorlist.Excluded
	s, debug := q.h.selection(q.view), q.h.mayDebug(q.addr)
	for _, r := range q.decision.Rejected {
		if r.Mirror == s.origin {
			continue
		}
		if m := s.Mirror(r.Mirror); debug || r.Reason.Public() && !explain.Hidden(m, q.query.Now) {
			list = append(list, mirrorlist.Excluded{Name: m.Name, Country: m.Country, Reason: r.Reason.String()})
		}
	}
	return list
}

// offers are the other documents about the file that exist. mirrors: some are
// named in them.
func (q *question) offers(s *mirror.Subject, mirrors bool) []mirrorlist.Document {
	d := s.Digests
	if d == nil {
		d = new(mirror.Digests)
	}
	var list []mirrorlist.Document
	for _, one := range []struct {
		as redirector.Representation
		is bool
	}{
		{redirector.AsMeta4, mirrors},
		{redirector.AsMetalink, mirrors},
		{redirector.AsTorrent, q.torrentURL(s) != ""},
		{redirector.AsMagnet, q.hasTorrent(s.Digests)},
		{redirector.AsZSync, d.ZSync.BlockSize > 0},
		{redirector.AsSHA256, d.SHA256 != [32]byte{}},
		{redirector.AsSHA512, d.SHA512 != [64]byte{}},
		{redirector.AsSHA1, d.SHA1 != [20]byte{}},
		{redirector.AsMD5, d.MD5 != [16]byte{}},
		{redirector.AsBTIH, q.hasTorrent(s.Digests)},
		{redirector.AsJSON, true},
	} {
		if one.is && q.h.documents.Has(one.as) {
			list = append(list, mirrorlist.Document{Kind: mirrorlist.Kind(one.as.String()), URL: s.URL + "." + one.as.String()})
		}
	}
	if q.besideIt(redirector.Signature.Suffix) {
		list = append(list, mirrorlist.Document{Kind: mirrorlist.KindSignature, URL: s.URL + redirector.Signature.Suffix})
	}
	return list
}

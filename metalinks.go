package mirrorbrain

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/metalink"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/torrent"
)

// metalink is where the file can be had and what its bytes hash to. There is
// none of files that come from here alone; a client that merely accepts one
// gets the file then.
func (q *question) metalink(w http.ResponseWriter) (*document, action) {
	anchor := q.anchorsRepository()
	if anchor {
		q.exempted = ""
	}
	var sources []mirror.Source
	switch {
	case q.exempted != "":
	case anchor && q.h.stamp != nil: // dnf appends paths, which would not be signed
		sources = q.own()
	default:
		sources = q.sources(*q.h.MetalinkMirrors, false)
	}
	sources, testing := q.brokenFirst(w, sources)
	if len(sources) == 0 {
		if q.negotiated {
			q.as, q.negotiated = redirector.AsFile, false
			return nil, q.redirect(w)
		}
		return q.absent("no_mirror")
	}
	d, _ := q.digests()
	s := q.subject(d)
	o := metalink.Options{Generator: generator, MaxSources: *q.h.MetalinkMirrors}
	if q.h.namesTorrent(q.target) {
		o.Torrent = q.torrentURL(s)
	}
	if testing {
		o.MaxSources += len(q.h.broken)
	}
	if p := q.h.MetalinkPublisher; p != nil {
		o.PublisherName, o.PublisherURL = p.Name, p.URL
	}
	if q.h.MetalinkMagnet && q.hasTorrent(d) {
		o.Magnet, _ = torrent.Magnet(s, sources, q.torrentOptions())
	}
	doc := &document{kind: q.as.Type() + "; charset=utf-8", attach: path.Base(q.file) + "." + q.as.String()}
	if q.as == redirector.AsMeta4 {
		doc.body = metalink.AppendV4(nil, s, sources, &o)
		return doc, done
	}
	if isRepomd(q.target) {
		o.Timestamp, o.Earlier = true, q.earlier()
	}
	doc.body = metalink.AppendV3(nil, s, sources, &o)
	return doc, done
}

// isRepomd: the file that dnf begins with.
func isRepomd(file string) bool { return path.Base(file) == "repomd.xml" }

// anchorsRepository reports whether the Metalink of a file that is a trust
// anchor names mirrors all the same: it is how dnf asks for a repository's
// mirrors, and the digest in it, which comes from here, is the anchor then.
func (q *question) anchorsRepository() bool {
	switch q.exempted {
	case redirector.ExemptRepository, redirector.ExemptMinSize:
		_, hashed := q.view.SHA256(q.entry.ID)
		return hashed && isRepomd(q.target)
	}
	return false
}

// earlier are the versions of the file that were replaced lately.
func (q *question) earlier() []metalink.Version {
	window := time.Duration(q.h.MetalinkAlternates)
	if window <= 0 {
		return nil
	}
	all, _, err := q.h.rt.db.history.get(strings.Clone(q.target))
	if err != nil {
		return nil
	}
	var list []metalink.Version
	for _, v := range all {
		if v.gone > q.now.Add(-window).UnixNano() {
			list = append(list, v.Version)
		}
	}
	return list
}

// pastVersion is a version that the origin had.
type pastVersion struct {
	metalink.Version

	gone int64 // ns since the epoch
}

// maxEarlier bounds what is remembered of a path.
const maxEarlier = 16

// readHistory asks the database for a path's former versions that are hashed,
// the latest first.
func (d *database) readHistory(ctx context.Context, file string) ([]pastVersion, error) {
	rows, err := d.store.VersionsOf(ctx, file)
	if err != nil {
		return nil, err
	}
	var list []pastVersion
	for _, r := range rows[:min(len(rows), 4*maxEarlier)] {
		if r.Current() || len(list) == maxEarlier {
			continue
		}
		digests, found, err := d.digestsOf(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, pastVersion{metalink.Version{Size: r.Size, MTime: r.MTime, Digests: digests}, r.Gone})
		}
	}
	return list, nil
}

// brokenFirst puts the configured broken mirrors before the sources of a client
// that asks for that, and says whether it did.
func (q *question) brokenFirst(w http.ResponseWriter, sources []mirror.Source) ([]mirror.Source, bool) {
	const field = "X-Broken-Mirrors"
	if len(q.h.broken) == 0 {
		return sources, false
	}
	w.Header().Add("Vary", field)
	asked := q.r.Header.Get(field)
	if asked == "" || len(sources) == 0 {
		return sources, false
	}
	w.Header().Set(field, "true")
	w.Header().Set("Cache-Control", "no-store, max-age=0")
	var list []mirror.Source
	for _, base := range q.h.broken {
		list = append(list, mirror.Source{URL: base + mirror.EscapePath(q.target), Name: hostOf(base), Kind: mirror.SourceFallback, DistanceKm: -1})
	}
	if strings.EqualFold(asked, "only") {
		return list, true
	}
	return append(list, sources...), true
}

// torrentURL is where the file's torrent is: the operator's own, if there is
// one beside the file, else the one made here; "" nowhere.
func (q *question) torrentURL(s *mirror.Subject) string {
	if q.besideIt(redirector.Torrent.Suffix) || q.hasTorrent(s.Digests) {
		return s.URL + redirector.Torrent.Suffix
	}
	return ""
}

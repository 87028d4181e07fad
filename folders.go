package mirrorbrain

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"weak"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorlist"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// folderList gives the folder whose list of mirrors a request asks for.
func (h *Handler) folderList(r *http.Request) (string, bool) {
	if !strings.Contains(r.URL.RawQuery, redirector.AsMirrorList.String()) && len(h.yum) == 0 || r.URL.RawQuery == "" {
		return "", false
	}
	folder, root := strings.CutPrefix(r.URL.Path, "/")
	folder = strings.TrimSuffix(folder, "/")
	return folder, root && mirror.ValidPath(folder) == nil
}

// folder answers with the list of the mirrors that hold what is in a folder.
func (q *question) folder(w http.ResponseWriter) action {
	if q.ask.As != redirector.AsMirrorList || !q.h.documents.Has(redirector.AsMirrorList) {
		return q.o.say(resultLocal, "not_indexed", pass)
	}
	format, err := mirrorlist.ParseFormat(q.ask.Format)
	if err != nil {
		q.o.err = err
		return q.o.say(resultError, "bad_query", badRequest)
	}
	folder, _ := q.view.Resolve(q.file)
	// The key must not keep a request's line alive.
	contents, found, err := q.h.rt.db.folders.get(strings.Clone(folder))
	switch {
	case err != nil:
		return q.o.say(resultError, "database", unavailable)
	case !found && q.h.Root == rootOff:
		return q.o.say(resultError, "not_indexed", notFound)
	case !found:
		return q.o.say(resultLocal, "not_indexed", pass)
	}
	world := q.view.Holdings()
	coverage := contents.coverage(world)
	held := &folderHolder{World: world, folder: folder, coverage: coverage, least: *q.h.FolderCoverage}
	held.repositories, held.none = q.repositoriesAround(folder)
	// A list of a repository is worth nothing with mirrors that have another
	// generation of its index.
	if marker, ok := q.view.Lookup(below(folder, "repodata/repomd.xml")); ok == catalog.Found {
		held.marker = marker.ID
	}
	list := q.mirrorsOf(folder, held, all)
	for i := range list.Sources {
		list.Sources[i].Coverage = 1 // the origin's
		if at := q.decision.Picks[i].Mirror; at < len(coverage) {
			list.Sources[i].Coverage = coverage[at]
		}
	}
	list.Sources = append(list.Sources, q.folderResorts(mirror.EscapePath(folder), len(list.Sources) == 0)...)
	doc := &document{kind: format.ContentType()}
	if format == mirrorlist.FormatJSON {
		doc.body = list.AppendJSON(nil, q.ask.Pretty)
	} else {
		doc.body = list.Append(nil, format)
	}
	return q.listed(w, doc)
}

// listed serves the list of a folder.
func (q *question) listed(w http.ResponseWriter, d *document) action {
	q.as, q.o.as = redirector.AsMirrorList, redirector.AsMirrorList
	q.serve(w, d)
	if !q.o.simulated {
		documentsTotal.WithLabelValues(q.h.Instance, q.as.String()).Inc()
	}
	return q.o.say(resultDocument, reasonRequested, done)
}

// mirrorsOf chooses the mirrors of a folder, as for a file in it.
func (q *question) mirrorsOf(folder string, held redirector.Holder, limit int) *mirrorlist.Folder {
	q.target, q.entry = folder, catalog.Entry{}
	q.identify()
	s := q.h.selection(q.view)
	q.query.Limit, q.query.Explain = limit, true
	s.Choose(&q.query, q.addOrigin(held, q.originURL() != ""), q.draw(), &q.decision)
	q.settleOrigin(s, false)
	escaped := mirror.EscapePath(folder)
	if escaped != "" {
		escaped += "/"
	}
	list := &mirrorlist.Folder{Path: folder, URL: q.folderURL()}
	if q.h.stamp != nil { // clients append paths, which would not be signed
		q.decision.Picks = q.decision.Picks[:0]
	}
	for i := range q.decision.Picks {
		source := q.source(s, &q.decision.Picks[i], escaped)
		source.Share = q.share(&q.decision.Picks[i])
		list.Sources = append(list.Sources, mirrorlist.FolderSource{Source: source})
	}
	return list
}

// folderResorts are the fallbacks and, last, this server.
func (q *question) folderResorts(escaped string, empty bool) []mirrorlist.FolderSource {
	var list []mirrorlist.FolderSource
	if escaped != "" {
		escaped += "/"
	}
	for _, s := range q.lastResorts(escaped) {
		list = append(list, mirrorlist.FolderSource{Source: s, Coverage: 1})
	}
	if empty && len(list) == 0 {
		o := mirror.Source{Kind: mirror.SourceOrigin, URL: q.folderURL(), Name: q.r.Host, DistanceKm: -1}
		list = append(list, mirrorlist.FolderSource{Source: o, Coverage: 1})
	}
	return list
}

// folderURL is the folder's own URL.
func (q *question) folderURL() string {
	u := q.self(mirror.EscapePath(q.target))
	if !strings.HasSuffix(u, "/") {
		u += "/"
	}
	return u
}

// below joins a folder and what is in it.
func below(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// folderHolder takes the mirrors that hold enough of a folder for those that
// hold it.
type folderHolder struct {
	*catalog.World

	folder   string
	coverage []float64
	least    float64
	marker   mirror.FileID // must be held, too; 0: none

	repositories []*catalog.Repository // whose whole index must be held
	none         bool                  // it is not known who does
}

// Holds implements redirector.Holder.
func (h *folderHolder) Holds(i int, _ mirror.FileID) bool {
	if h.none || h.coverage[i] <= 0 || h.coverage[i] < h.least || !mirror.Below(h.folder, h.Mirrors[i].Subtree) ||
		h.marker != 0 && !h.World.Holds(i, h.marker) {
		return false
	}
	for _, r := range h.repositories {
		if !r.Complete(h.World, i) {
			return false
		}
	}
	return true
}

// contents is what is below a folder as of the last index run.
type contents struct {
	ids  *roaring.Bitmap
	last atomic.Pointer[coverage]
}

// coverage is the share of a folder's files that each mirror of a world holds.
type coverage struct {
	world weak.Pointer[catalog.World] // it is not to live as long as this
	share []float64
}

func (c *contents) coverage(w *catalog.World) []float64 {
	if last := c.last.Load(); last != nil && last.world.Value() == w {
		return last.share
	}
	now := &coverage{world: weak.Make(w), share: make([]float64, len(w.Mirrors))}
	if total := c.ids.GetCardinality(); total > 0 {
		for i, held := range w.Held {
			now.share[i] = float64(held.AndCardinality(c.ids)) / float64(total)
		}
	}
	c.last.Store(now)
	return now.share
}

// readFolder asks the database what is below a folder.
func (d *database) readFolder(ctx context.Context, folder string) (*contents, error) {
	ids, _, _, err := d.store.FolderIDs(ctx, folder)
	if err != nil {
		return nil, err
	}
	ids.RunOptimize()
	return &contents{ids: ids}, nil
}

// yumMirrors is how many mirrors the answer to a Yum rule names.
const yumMirrors = 10

// yum answers a request whose arguments fit one of the rules for Yum.
func (q *question) yum(w http.ResponseWriter) (action, bool) {
	if len(q.ask.Query) == 0 || q.ask.As != redirector.AsFile {
		return pass, false
	}
	for i := range q.h.yum {
		folder, marker, ok := q.h.yum[i].Match(q.ask.Query)
		if !ok {
			continue
		}
		file, _ := q.view.Resolve(marker)
		entry, found := q.view.Lookup(file)
		if found != catalog.Found {
			return q.o.say(resultError, "not_indexed", notFound), true
		}
		folder, _ = q.view.Resolve(folder)
		world := q.view.Holdings()
		held := &markerHolder{World: world, marker: entry.ID}
		held.repositories, held.none = q.repositoriesAround(folder)
		list := q.mirrorsOf(folder, held, yumMirrors)
		list.URL = q.absolute(mirror.EscapePath(strings.Trim(q.prefix()+"/"+folder, "/"))) + "/"
		for _, s := range q.lastResorts(mirror.EscapePath(folder) + "/") {
			list.Sources = append(list.Sources, mirrorlist.FolderSource{Source: s})
		}
		if len(list.Sources) == 0 {
			own := mirror.Source{Kind: mirror.SourceOrigin, URL: list.URL, Name: q.r.Host, DistanceKm: -1}
			list.Sources = append(list.Sources, mirrorlist.FolderSource{Source: own})
		}
		return q.listed(w, &document{kind: mirrorlist.FormatDNF.ContentType(), body: list.Append(nil, mirrorlist.FormatDNF)}), true
	}
	return pass, false
}

// markerHolder takes the mirrors that hold a marker file for those that hold
// its folder.
type markerHolder struct {
	*catalog.World

	marker       mirror.FileID
	repositories []*catalog.Repository
	none         bool
}

// Holds implements redirector.Holder.
func (h *markerHolder) Holds(i int, _ mirror.FileID) bool {
	if h.none || !h.World.Holds(i, h.marker) {
		return false
	}
	for _, r := range h.repositories {
		if !r.Complete(h.World, i) {
			return false
		}
	}
	return true
}

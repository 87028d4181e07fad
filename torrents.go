package mirrorbrain

import (
	"bytes"
	"context"
	"io"
	"path"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/torrent"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/zsync"
)

// hasTorrent reports whether a torrent of a file with these digests is made.
func (q *question) hasTorrent(d *mirror.Digests) bool {
	return q.h.torrents && d != nil && d.Torrent.V1 != [20]byte{}
}

func (q *question) torrentOptions() *torrent.Options {
	return &torrent.Options{Trackers: q.h.TorrentTrackers, Nodes: q.h.DHTNodes, CreatedBy: generator}
}

// swarm prepares what torrents and magnet links are made of; nil: there is
// none.
func (q *question) swarm() (*mirror.Subject, []mirror.Source, action) {
	d, err := q.digests()
	switch {
	case !q.h.torrents:
		_, act := q.absent("no_tracker")
		return nil, nil, act
	case err != nil:
		_, act := q.busy()
		return nil, nil, act
	case !q.hasTorrent(d):
		_, act := q.absent("not_hashed")
		return nil, nil, act
	}
	seeds := q.seeds()
	if len(seeds) == 0 {
		_, act := q.absent("no_mirror")
		return nil, nil, act
	}
	return q.subject(d), seeds, done
}

// seeds are all servers that have the file; this one, if there is no other, or
// where mirrors want signed URLs: what is made of them is kept for long.
func (q *question) seeds() []mirror.Source {
	if q.h.stamp != nil {
		return q.own()
	}
	if sources := q.sources(all, false); len(sources) > 0 {
		return sources
	}
	return q.own()
}

func (q *question) torrent() (*document, action) {
	s, seeds, act := q.swarm()
	if s == nil {
		return nil, act
	}
	body, ok := torrent.File(s, seeds, q.torrentOptions())
	if !ok {
		return q.absent("not_hashed")
	}
	return &document{kind: redirector.TypeTorrent, body: body, attach: path.Base(q.file) + ".torrent"}, done
}

func (q *question) magnet() (*document, action) {
	s, seeds, act := q.swarm()
	if s == nil {
		return nil, act
	}
	link, ok := torrent.Magnet(s, seeds, q.torrentOptions())
	if !ok {
		return q.absent("not_hashed")
	}
	return &document{kind: redirector.TypeText, body: []byte(link + "\n")}, done
}

const (
	// zsyncWhole is up to which size block sums are read before the answer
	// begins, so that a database that is away is answered with 503.
	zsyncWhole = 2 << 20
	// zsyncTime is how long they may take.
	zsyncTime = time.Second
	// zsyncStreams is how many are under way at once: each needs a MiB or two of
	// memory, and a connection to the database now and then.
	zsyncStreams = 32
)

// zsync is a control file: the header, and the block sums from the database.
func (q *question) zsync() (*document, action) {
	d, err := q.digests()
	switch {
	case err != nil:
		return q.busy()
	case d == nil || d.ZSync.BlockSize == 0:
		return q.absent("not_hashed")
	}
	s, seeds := q.subject(d), q.seeds()
	if len(seeds) == 0 {
		return q.absent("no_mirror")
	}
	head, err := zsync.Header(s, seeds)
	if err != nil {
		return q.absent("not_hashed")
	}
	streams := q.h.rt.db.streams
	select {
	case streams <- struct{}{}:
	default:
		return q.busy()
	}
	end := func() { <-streams }
	blocks := (q.entry.Size + int64(d.ZSync.BlockSize) - 1) / int64(d.ZSync.BlockSize)
	id, store := q.entry.ID, q.h.rt.db.store
	doc := &document{
		kind: redirector.TypeZSync, body: head, attach: path.Base(q.file) + ".zsync",
		restLen: blocks * int64(d.ZSync.BlockBytes()), tag: string(d.SHA1[:]),
	}
	ctx := q.r.Context()
	if doc.restLen > zsyncWhole {
		doc.rest = func(w io.Writer) error { return store.ZSyncSums(ctx, id, w) }
		doc.end = end
		return doc, done
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, zsyncTime)
	defer cancel()
	var sums bytes.Buffer
	if err := store.ZSyncSums(ctx, id, &sums); err != nil || int64(sums.Len()) != doc.restLen {
		return q.busy()
	}
	doc.body = append(doc.body, sums.Bytes()...)
	return doc, done
}

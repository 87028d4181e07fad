package torrent

import (
	"net"
	"path"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// File gives the .torrent file of a subject, with all sources as web seeds;
// false if there can be none, because the file is empty or not every piece has
// a SHA-1. Sources whose URL is not absolute and percent-encoded are left out.
func File(s *mirror.Subject, sources []mirror.Source, o *Options) ([]byte, bool) {
	info, ok := Info(path.Base(s.Path), s.Size, s.Digests)
	if !ok {
		return nil, false
	}
	seeds := webSeeds(s, sources)
	b := make(bencode, 0, 2*len(info)+256*(len(seeds)+4))
	b.dict()
	b.announce(o.trackers())
	b.about(s, o)
	b.str("info")
	b.raw(info)
	b.nodes(o.Nodes)
	if p := &s.Digests.Pieces; hasTree(s.Size, p) {
		b.pieceLayers(s.Size, p)
	}
	if len(seeds) > 0 {
		b.str("sources")
		b.strList(seeds)
		b.str("url-list")
		b.strList(seeds)
	}
	b.end()
	return b, true
}

// announce appends the trackers: the first for clients that know only one, and
// all in tiers.
func (b *bencode) announce(tiers [][]string) {
	if len(tiers) == 0 {
		return
	}
	b.str("announce")
	b.str(tiers[0][0])
	b.str("announce-list")
	b.list()
	for _, t := range tiers {
		b.strList(t)
	}
	b.end()
}

// about appends the keys for people.
func (b *bencode) about(s *mirror.Subject, o *Options) {
	comment := o.Comment
	if comment == "" {
		comment = mirror.SafeName(path.Base(s.Path))
	}
	b.str("comment")
	b.str(comment)
	if o.CreatedBy != "" {
		b.str("created by")
		b.str(o.CreatedBy)
	}
	if date := time.Unix(0, s.MTime).Unix(); date > 0 {
		b.str("creation date")
		b.int(date)
	}
}

// nodes appends where the DHT can be entered (BEP 5): pairs of host and port.
func (b *bencode) nodes(nodes []string) {
	type node struct {
		host string
		port uint64
	}
	var good []node
	for _, n := range nodes {
		host, service, err := net.SplitHostPort(n)
		if err != nil || host == "" {
			continue
		}
		if port, err := strconv.ParseUint(service, 10, 16); err == nil && port > 0 {
			good = append(good, node{host, port})
		}
	}
	if len(good) == 0 {
		return
	}
	b.str("nodes")
	b.list()
	for _, n := range good {
		b.list()
		b.str(n.host)
		b.int(int64(n.port))
		b.end()
	}
	b.end()
}

// pieceLayers appends the layers of merkle trees that stand for pieces. A file
// of a single piece has none, but the key must be there (BEP 52).
func (b *bencode) pieceLayers(size int64, p *mirror.Pieces) {
	b.str("piece layers")
	b.dict()
	if size > p.Length {
		b.str(string(p.Root[:]))
		b.str(string(p.Layer))
	}
	b.end()
}

// webSeeds gives the URLs of the sources, or the file's own if there are none.
// They are URLs of the file itself, as BEP 19 wants them for a torrent of one.
func webSeeds(s *mirror.Subject, sources []mirror.Source) []string {
	seeds := make([]string, 0, max(1, len(sources)))
	for i := range sources {
		if mirror.PlainURL(sources[i].URL) {
			seeds = append(seeds, sources[i].URL)
		}
	}
	if len(seeds) == 0 && mirror.PlainURL(s.URL) {
		seeds = append(seeds, s.URL)
	}
	return seeds
}

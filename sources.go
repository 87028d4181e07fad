package mirrorbrain

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// all stands for no limit on the number of sources.
const all = -1

// subject is the file as documents speak of it.
func (q *question) subject(d *mirror.Digests) *mirror.Subject {
	return &mirror.Subject{
		Path: q.target, Name: path.Base(q.file), URL: q.self(mirror.EscapePath(q.target)),
		Size: q.entry.Size, MTime: q.mtime(), Digests: d, Published: q.cell().UnixNano(),
	}
}

// mtime is 0 where the index does not know it.
func (q *question) mtime() int64 {
	if q.entry.Precision == 0 {
		return 0
	}
	return q.entry.MTime
}

// sources gives the places from which the client can have the file, in the
// order in which a redirect would try them: the mirrors, then the fallbacks.
// With why, it fills in the decision's candidates and rejections.
func (q *question) sources(limit int, why bool) []mirror.Source {
	if q.exempted != "" {
		return q.own()
	}
	q.query.Limit, q.query.Explain = limit, why
	s := q.h.selection(q.view)
	if q.ask.All {
		q.query.NoReserved = !q.h.mayDebug(q.addr)
		q.decision = redirector.Decision{Picks: s.Everyone(&q.query, q.holder())}
	} else {
		q.choose(s, q.draw())
	}
	q.settleOrigin(s, false)
	escaped := mirror.EscapePath(q.target)
	list := make([]mirror.Source, 0, len(q.decision.Picks))
	for i := range q.decision.Picks {
		list = append(list, q.source(s, &q.decision.Picks[i], escaped))
		list[i].Share = q.share(&q.decision.Picks[i])
	}
	return append(list, q.lastResorts(escaped)...)
}

func (q *question) source(s *selection, p *redirector.Pick, escaped string) mirror.Source {
	m := s.Mirror(p.Mirror)
	return mirror.Source{
		URL: q.url(p, escaped), Name: p.Name, Place: m.Place,
		Tier: p.Tier, DistanceKm: p.DistanceKm, Score: m.Score,
	}
}

// share is the probability of being the one the client is sent to, where the
// decision says it.
func (q *question) share(p *redirector.Pick) float64 {
	for i := range q.decision.Candidates {
		if q.decision.Candidates[i].Mirror == p.Mirror {
			return q.decision.Candidates[i].Share
		}
	}
	return 0
}

// url is where a mirror has the file, signed if redirects are: as of the
// beginning of the cell, so that the document stays the same within it.
func (q *question) url(p *redirector.Pick, escaped string) string {
	u := string(p.AppendURL(nil, escaped))
	if q.h.stamp != nil {
		u = q.h.stamp.Sign(u, q.cell().Unix())
	}
	return u
}

// lastResorts are the fallbacks that the client may be sent to.
func (q *question) lastResorts(escaped string) []mirror.Source {
	if q.h.NoMirror != "fallback" {
		return nil
	}
	var list []mirror.Source
	for _, f := range q.h.fallbacks.Rank(&q.query) {
		p := redirector.Pick{BaseURL: f.URL}
		list = append(list, mirror.Source{
			URL: string(p.AppendURL(nil, escaped)), Name: hostOf(f.URL), Kind: mirror.SourceFallback,
			Place: mirror.Place{Continent: f.Continent, Country: f.Country}, DistanceKm: -1,
		})
	}
	return list
}

// own is this server as the only source, or where the tree comes from; none
// where it would not serve the file.
func (q *question) own() []mirror.Source {
	if q.exempted == "" && (q.h.NoMirror == "404" || q.h.NoMirror == "503") {
		return nil
	}
	o := mirror.Source{Kind: mirror.SourceOrigin, DistanceKm: -1, URL: q.self(mirror.EscapePath(q.target)), Name: q.r.Host}
	if q.root == "" {
		base := q.origin()
		if base == "" {
			return nil
		}
		o.URL, o.Name = base+mirror.EscapePath(q.target), hostOf(base)
	} else if limit := q.h.LocalMaxSize; limit > 0 && q.entry.Size > limit {
		return nil
	}
	return []mirror.Source{o}
}

// hostOf is the host of a URL, without a user.
func hostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, "/")
	return host[strings.LastIndexByte(host, '@')+1:]
}

// cell is the beginning of the present cell of the time grid. What is drawn by
// lot stays for a cell, and all copies of a document expire at its end: so a
// client that asks again within it gets the same bytes, or 304.
func (q *question) cell() time.Time {
	return q.now.Truncate(max(time.Duration(q.h.DocumentMaxAge), time.Second))
}

// draw is the source of randomness of a document: the same for the same file,
// client and cell, on every node.
func (q *question) draw() redirector.Rand {
	h := fnv.New128a()
	addr := q.query.Client.Addr.As16() // who is simulated gets what the real one would
	_, _ = h.Write(addr[:])
	_, _ = h.Write(binary.LittleEndian.AppendUint32(nil, uint32(q.entry.ID)))
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(q.cell().Unix())))
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}

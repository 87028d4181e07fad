package scanner

import (
	"context"
	"crypto/md5" //nolint:gosec // what buckets tell
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	defaultDigestSize = 1 << 20
	digestTime        = 2 * time.Minute // for all that are fetched in one scan
)

// doubt is a doubtful entry small enough to be fetched, and the versions that it
// could be.
type doubt struct {
	path     string
	versions []mirror.Version
	md5      *[md5.Size]byte // of the mirror's copy, where the listing tells it
}

// keepDoubt remembers a doubtful entry, if it is small and there are not many.
func (m *matcher) keepDoubt(path string, e *listing.Entry, vs []mirror.Version) {
	if len(m.doubts) >= maxDoubts {
		return
	}
	var could []mirror.Version
	for _, v := range vs {
		if e.SizeMin >= 0 && !e.SizeFits(v.Size) || slices.ContainsFunc(could, func(o mirror.Version) bool { return o.ID == v.ID }) {
			continue
		}
		if v.Size > m.digestSize && !e.HasMD5 {
			return
		}
		could = append(could, v)
	}
	d := doubt{path: strings.Clone(path), versions: could}
	if e.HasMD5 {
		d.md5 = new(e.MD5)
	}
	m.doubts = append(m.doubts, d)
}

// settleDoubts finds out which version doubtful files are: by the MD5 that the
// listing tells, else by fetching those of which a version's digest is known.
func (s *scan) settleDoubts(ctx context.Context, m *matcher) error {
	if err := s.settleByMD5(ctx, m); err != nil {
		return err
	}
	if len(m.doubts) == 0 || len(s.m.HTTP) == 0 {
		return nil
	}
	fetching, done := context.WithTimeout(ctx, digestTime)
	defer done()
	var ids []mirror.FileID
	for _, d := range m.doubts {
		for _, v := range d.versions {
			ids = append(ids, v.ID)
		}
	}
	known, err := s.db.SHA256Of(ctx, ids)
	if err != nil {
		return err
	}
	hashed := func(v mirror.Version) bool { _, ok := known[v.ID]; return ok }
	sums := make([]*[sha256.Size]byte, len(m.doubts))
	slots := make(chan struct{}, askers)
	var wg sync.WaitGroup
	for i, d := range m.doubts {
		large := func(v mirror.Version) bool { return v.Size > s.o.DigestSize }
		if !slices.ContainsFunc(d.versions, hashed) || slices.ContainsFunc(d.versions, large) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			sums[i] = s.sum(fetching, d.path)
			<-slots
		})
	}
	wg.Wait()
	for i, d := range m.doubts {
		if sums[i] != nil {
			m.settleDoubt(d, known, *sums[i])
		}
	}
	return ctx.Err()
}

// settleByMD5 credits the doubtful files whose MD5 is that of a version. Another
// MD5 proves nothing: some buckets show in its place what only looks like one.
func (s *scan) settleByMD5(ctx context.Context, m *matcher) error {
	var ids []mirror.FileID
	for _, d := range m.doubts {
		for _, v := range d.versions {
			if d.md5 != nil {
				ids = append(ids, v.ID)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := s.db.MD5Of(ctx, ids)
	if err != nil {
		return err
	}
	m.doubts = slices.DeleteFunc(m.doubts, func(d doubt) bool {
		held := false
		for _, v := range d.versions {
			if sum, ok := known[v.ID]; ok && d.md5 != nil && sum == *d.md5 {
				m.settled(d.path, v)
				held = true
			}
		}
		if held {
			m.counts.Doubtful--
			m.counts.Held++
		}
		return held
	})
	return nil
}

// sum fetches what the mirror has at a path; nil when it does not give it, or
// gives more than is cheap.
func (s *scan) sum(ctx context.Context, path string) *[sha256.Size]byte {
	h := sha256.New()
	a, err := httphead.Fetch(ctx, s.web.client, s.url(s.m.HTTP[0], path), s.o.DigestSize, h)
	if err != nil || !a.Found() || a.Size > s.o.DigestSize {
		return nil
	}
	return (*[sha256.Size]byte)(h.Sum(nil))
}

// settleDoubt books what the bytes at a path are.
func (m *matcher) settleDoubt(d doubt, known map[mirror.FileID][sha256.Size]byte, sum [sha256.Size]byte) {
	held, unhashed := false, 0
	for _, v := range d.versions {
		digest, ok := known[v.ID]
		if !ok {
			unhashed++
		}
		if !ok || digest != sum {
			continue
		}
		held = true
		m.settled(d.path, v)
	}
	switch {
	case held:
		m.counts.Doubtful--
		m.counts.Held++
	case unhashed == 0: // none of them
		m.counts.Doubtful--
		m.counts.Stale++
	}
}

// settled credits a version that a digest showed the copy to be.
func (m *matcher) settled(path string, v mirror.Version) {
	m.found.Add(uint32(v.ID))
	m.sized.Add(uint32(v.ID))
	m.lost.Remove(uint32(v.ID))
	if m.onHeld != nil {
		m.onHeld(path, v)
	}
}

package scanner

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	largeFile    = 1 << 31          // sizes above are checked
	rangeTime    = 10 * time.Minute // for the questions of one scan
	rangeBytes   = 10
	unsoundAgain = 7 * 24 * time.Hour // what was not served well is asked for again
	namedUnsound = 5                  // in the report
)

// boundaries are where servers that count in 31 or 32 bits go wrong.
var boundaries = []int64{1 << 31, 1 << 32}

// checkRanges asks each base URL for a part of each large file from across 2 and
// 4 GiB: some servers cannot serve them from there on, and clients that resume,
// or fetch in pieces, get something else. What was asked for before is
// remembered. What is not served well is not held; what could not be asked for
// keeps the bit that it has.
func (s *scan) checkRanges(ctx context.Context, set *sets) error {
	if s.o.NoRangeCheck || s.m.Rules.NoRangeCheck || len(s.m.HTTP) == 0 || s.large == nil {
		return nil
	}
	large := roaring.And(s.large, set.found)
	if large.IsEmpty() {
		return nil
	}
	known, err := s.db.LargeFiles(ctx, s.m.ID)
	if err != nil {
		return err
	}
	if !slices.Equal(known.URLs, s.m.HTTP) {
		known.Sound, known.Unsound = roaring.New(), roaring.New()
	}
	open, bad := roaring.AndNot(large, known.Sound), roaring.And(large, known.Unsound)
	if s.o.Force || time.Since(known.Since) >= unsoundAgain {
		bad.Clear()
	}
	open.AndNot(bad)
	said, err := s.askRanges(ctx, open)
	if err != nil {
		return err
	}
	open.AndNot(said.sound)
	open.AndNot(said.unsound)
	open.AndNot(said.missing)
	bad.Or(said.unsound)
	set.take(open, roaring.Or(bad, said.missing))
	if err := s.reportRanges(ctx, bad, open, said); err != nil || s.o.DryRun || said.sound.IsEmpty() && said.unsound.IsEmpty() {
		return err
	}
	return s.db.AddLargeFiles(ctx, s.m.ID, store.LargeFiles{URLs: s.m.HTTP, Sound: said.sound, Unsound: said.unsound})
}

// take lets open keep the bits they have, and takes bad out of what was found.
func (set *sets) take(open, bad *roaring.Bitmap) {
	for _, b := range []*roaring.Bitmap{set.found, set.sized} {
		b.AndNot(open)
		b.AndNot(bad)
	}
	set.knew.AndNot(open)
	set.undecided.Or(open)
}

func (s *scan) reportRanges(ctx context.Context, bad, open *roaring.Bitmap, said *rangeAnswers) error {
	if n := said.missing.GetCardinality(); n > 0 {
		s.report.note("%d files beyond 2 GiB were not credited: the web server does not give a part of them (such as %s)", n, said.first)
	}
	if n := open.GetCardinality(); n > 0 {
		s.report.note("%d files beyond 2 GiB could not be asked for by range: they stay as they were", n)
	}
	if bad.IsEmpty() {
		return nil
	}
	s.report.Unsound = int(bad.GetCardinality())
	some := roaring.New()
	for it := bad.Iterator(); it.HasNext() && some.GetCardinality() < namedUnsound; {
		some.Add(it.Next())
	}
	var names []string
	err := s.db.Paths(ctx, some, func(_ mirror.FileID, path []byte, _ mirror.Version) error {
		names = append(names, fmt.Sprintf("%.300q", path))
		return nil
	})
	s.report.note("%d files are not credited, as the web server does not serve them beyond 2 or 4 GiB: %s", s.report.Unsound, strings.Join(names, ", "))
	return err
}

// rangeAnswers is what came of the questions; files in none of the sets had no
// answer.
type rangeAnswers struct {
	mu                      sync.Mutex
	sound, unsound, missing *roaring.Bitmap
	first                   string // a missing one, and why
	silent                  int    // without an answer in a row
}

// askRanges asks for some files at a time, until there is no time left.
func (s *scan) askRanges(ctx context.Context, ids *roaring.Bitmap) (*rangeAnswers, error) {
	said := &rangeAnswers{sound: roaring.New(), unsound: roaring.New(), missing: roaring.New()}
	if ids.IsEmpty() {
		return said, nil
	}
	var files []sampled
	err := s.db.Paths(ctx, ids, func(_ mirror.FileID, path []byte, v mirror.Version) error {
		if len(files) < maxQuestions {
			files = append(files, sampled{string(path), v})
		}
		return nil
	})
	if err != nil {
		return said, err
	}
	asking, done := context.WithTimeout(ctx, rangeTime)
	defer done()
	next := make(chan sampled)
	var wg sync.WaitGroup
	for range min(askers, len(files)) {
		wg.Go(func() {
			for f := range next {
				said.book(f, s.askRange(asking, f))
			}
		})
	}
	for _, f := range files {
		if asking.Err() != nil || said.quiet() {
			break
		}
		next <- f
	}
	close(next)
	wg.Wait()
	return said, ctx.Err()
}

// rangeVerdict is what the base URLs say of one file together.
type rangeVerdict struct {
	err     error  // one had no answer
	unsound bool   // one serves the file, but not beyond a boundary
	missing string // one does not serve the file: what it says instead
}

// askRange asks all base URLs for one file.
func (s *scan) askRange(ctx context.Context, f sampled) rangeVerdict {
	for _, base := range s.m.HTTP {
		for _, at := range slices.Backward(boundaries) { // one beyond 4 GiB goes wrong there first
			if f.v.Size <= at {
				continue
			}
			from := at - 1
			well, a, err := httphead.Part(ctx, s.web.client, s.url(base, f.path), from, min(from+rangeBytes, f.v.Size)-1, f.v.Size)
			switch {
			case err != nil:
				return rangeVerdict{err: err}
			case well:
			case a.Found(), a.Status == http.StatusRequestedRangeNotSatisfiable:
				return rangeVerdict{unsound: true}
			default:
				return rangeVerdict{missing: fmt.Sprintf("%.300q: HTTP status %d", f.path, a.Status)}
			}
		}
	}
	return rangeVerdict{}
}

func (r *rangeAnswers) book(f sampled, v rangeVerdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.err != nil {
		r.silent++
		return
	}
	r.silent = 0
	id := uint32(f.v.ID)
	switch {
	case v.unsound:
		r.unsound.Add(id)
	case v.missing != "":
		r.missing.Add(id)
		if r.first == "" {
			r.first = v.missing
		}
	default:
		r.sound.Add(id)
	}
}

// quiet reports whether so many questions had no answer that no more are asked.
func (r *rangeAnswers) quiet() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent >= maxSilent
}

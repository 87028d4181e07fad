package scanner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// questions is how many files are asked for to prove a listing or an absence.
const questions = 20

// sample keeps the largest files of those found: some that the mirror was not
// credited with before, and some that it was.
type sample struct {
	before *roaring.Bitmap
	news   []sampled // at most questions, largest first
	olds   []sampled
}

type sampled struct {
	path string
	v    mirror.Version
}

func (s *sample) add(path string, v mirror.Version) {
	list := &s.news
	if s.before.Contains(uint32(v.ID)) {
		list = &s.olds
	}
	if n := len(*list); n == questions && (*list)[n-1].v.Size >= v.Size {
		return
	}
	at, _ := slices.BinarySearchFunc(*list, v.Size, func(a sampled, size int64) int { return cmp.Compare(size, a.v.Size) })
	*list = slices.Insert(*list, at, sampled{strings.Clone(path), v})
	*list = (*list)[:min(questions, len(*list))]
}

// pick gives the files to ask for: half newly credited, if there are as many,
// the largest first.
func (s *sample) pick(found *roaring.Bitmap) []sampled {
	held := func(x sampled) bool { return !found.Contains(uint32(x.v.ID)) }
	news, olds := slices.DeleteFunc(s.news, held), slices.DeleteFunc(s.olds, held)
	n := min(len(news), max(questions/2, questions-len(olds)))
	return append(slices.Clip(news[:n]), olds[:min(len(olds), questions-n)]...)
}

// prove asks each base URL for some of what was found: what rsync lists is not
// always what the web server has. A file or two that differ (a mirror may be
// synchronising) are not credited; more fail the scan, and so do half of the
// newly credited ones.
func (s *scan) prove(ctx context.Context, set *sets) error {
	if s.report.proof == nil {
		return nil
	}
	files := s.report.proof.pick(set.found)
	if len(files) == 0 {
		return nil
	}
	for _, base := range s.m.HTTP {
		p := s.proveAt(ctx, base, files, set)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch bad := p.wrong + p.silent; {
		case p.accepted():
			if bad > 0 {
				s.report.note("%d of %d files were not credited: %v", bad, p.asked, p.first)
			}
		case p.silent > p.wrong:
			return fmt.Errorf("%s could not be asked for what was listed (%d of %d questions without an answer): %w", mirror.Redact(base), p.silent, p.asked, p.first)
		default:
			return fmt.Errorf("%s serves something else than was listed (%d of %d files, %d of %d newly listed ones): %w", mirror.Redact(base), p.wrong, p.asked, p.newWrong, p.newAsked, p.first)
		}
	}
	return nil
}

// proof is what one base URL said of the files asked for.
type proof struct {
	asked, wrong, silent int
	newAsked, newWrong   int   // of them: newly credited
	first                error // about one that is wrong or has no answer
}

// accepted reports whether what was listed may be credited. A single newly
// credited file that differs, and is not credited now, says nothing of others.
func (p *proof) accepted() bool {
	bad := p.wrong + p.silent
	return bad*10 <= p.asked && bad < p.asked && (p.newWrong < 2 || p.newWrong*2 < p.newAsked)
}

// proveAt counts the files that a base URL has otherwise, or gives no answer
// about, and takes them out of what was found.
func (s *scan) proveAt(ctx context.Context, base string, files []sampled, set *sets) proof {
	p := proof{asked: len(files)}
	for i, a := range s.askAll(ctx, base, files) {
		id := uint32(files[i].v.ID)
		fresh := !s.before.Held.Contains(id)
		if fresh {
			p.newAsked++
		}
		err := a.e
		if err != nil {
			p.silent++
		} else if err = differs(files[i], a.h); err == nil {
			continue
		} else {
			p.wrong++
			if fresh {
				p.newWrong++
			}
		}
		set.found.Remove(id)
		set.sized.Remove(id)
		p.first = cmp.Or(p.first, err)
	}
	return p
}

// differs says how an answer is not about the file that was listed.
func differs(f sampled, h httphead.Answer) error {
	switch {
	case h.UnexpectedHTML:
		return fmt.Errorf("%.300q: a web page came instead", f.path)
	case !h.Found():
		return fmt.Errorf("%.300q: HTTP status %d", f.path, h.Status)
	case h.Size != f.v.Size:
		return fmt.Errorf("%.300q: %d bytes instead of %d", f.path, h.Size, f.v.Size)
	}
	return nil
}

// askAll asks a base URL for files, some at once.
func (s *scan) askAll(ctx context.Context, base string, files []sampled) []answered {
	out := make([]answered, len(files))
	slots := make(chan struct{}, askers)
	var wg sync.WaitGroup
	for i := range files {
		slots <- struct{}{}
		wg.Go(func() {
			out[i].h, out[i].e = s.web.head(ctx, s.url(base, files[i].path))
			s.waits.add(out[i].h.FirstByte)
			<-slots
		})
	}
	wg.Wait()
	return out
}

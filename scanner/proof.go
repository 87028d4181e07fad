package scanner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

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
	*list = slices.Insert(*list, at, sampled{path, v})
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
// synchronising) are not credited; more fail the scan.
func (s *scan) prove(ctx context.Context, set *sets) error {
	if s.report.proof == nil {
		return nil
	}
	files := s.report.proof.pick(set.found)
	if len(files) == 0 {
		return nil
	}
	for _, base := range s.m.HTTP {
		wrong, silent, err := s.proveAt(ctx, base, files, set)
		switch bad := wrong + silent; {
		case ctx.Err() != nil:
			return ctx.Err()
		case bad*10 <= len(files) && bad < len(files):
			if bad > 0 {
				s.report.note("%d of %d files were not credited: %v", bad, len(files), err)
			}
		case silent > wrong:
			return fmt.Errorf("%s could not be asked for what was listed (%d of %d questions without an answer): %w", mirror.Redact(base), silent, len(files), err)
		default:
			return fmt.Errorf("%s serves something else than was listed (%d of %d files): %w", mirror.Redact(base), wrong, len(files), err)
		}
	}
	return nil
}

// proveAt counts the files that a base URL has otherwise, or gives no answer
// about, and takes them out of what was found. The error tells of the first.
func (s *scan) proveAt(ctx context.Context, base string, files []sampled, set *sets) (wrong, silent int, first error) {
	answers := s.askAll(ctx, base, files)
	for i, a := range answers {
		var err error
		switch want := files[i].v.Size; {
		case a.e != nil:
			silent++
			err = a.e
		case !a.h.Found():
			wrong++
			err = fmt.Errorf("%s: HTTP status %d", files[i].path, a.h.Status)
			if a.h.UnexpectedHTML {
				err = fmt.Errorf("%s: a web page came instead", files[i].path)
			}
		case a.h.Size != want:
			wrong++
			err = fmt.Errorf("%s: %d bytes instead of %d", files[i].path, a.h.Size, want)
		default:
			continue
		}
		set.found.Remove(uint32(files[i].v.ID))
		set.sized.Remove(uint32(files[i].v.ID))
		if first == nil {
			first = err
		}
	}
	return wrong, silent, first
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
			<-slots
		})
	}
	wg.Wait()
	return out
}

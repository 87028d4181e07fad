package scanner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// minAbsent is how many files must be absent for a listing to be doubted.
const minAbsent = 100

// guard doubts a listing in which most of what the mirror had is absent, and
// lets the web server decide: what it does not have is gone; what it still has
// shows that the listing was wrong, and nothing is taken for absent. What the
// listing shows to be something else is lost in any case.
func (s *scan) guard(ctx context.Context, set *sets, lost *roaring.Bitmap, complete bool) error {
	if !complete || s.o.Force {
		return nil
	}
	had := roaring.And(s.before.Held, s.ix.current)
	had.And(s.within)
	if s.filter != nil { // not looked at, and so not absent
		had.AndNot(s.ix.excluded[s.filter.key])
	}
	absent := roaring.AndNot(roaring.And(had, set.knew), set.found)
	absent.AndNot(lost)
	n, of := absent.GetCardinality(), had.GetCardinality()
	if n*2 <= of || n < minAbsent && !set.found.IsEmpty() {
		return nil
	}
	gone, there, silent, err := s.askAbsent(ctx, absent)
	if err != nil {
		return err
	}
	doubt := fmt.Sprintf("%d of %d files are absent from the listing", n, of)
	asked := gone + there + silent
	if gone*2 > asked {
		s.report.note("%s, and gone by HEAD too (%d of %d asked): no longer credited", doubt, gone, asked)
		return nil
	}
	s.keepLost(roaring.And(s.before.Held, lost), set.found)
	if there*2 >= asked {
		return fmt.Errorf("the listing is wrong: %s, but HEAD finds them (%d of %d asked); nothing was taken for absent", doubt, there, asked)
	}
	return fmt.Errorf("%s, and the web server does not tell (%d of %d questions without an answer); nothing was taken for absent", doubt, silent, asked)
}

// keepLost says that what was listed as something else is lost, when nothing
// else of the listing is believed.
func (s *scan) keepLost(lost, found *roaring.Bitmap) {
	lost.AndNot(found)
	if !lost.IsEmpty() && !s.o.DryRun {
		s.lost = lost
	}
}

// askAbsent asks for some of the absent files, drawn at random.
func (s *scan) askAbsent(ctx context.Context, absent *roaring.Bitmap) (gone, there, silent int, err error) {
	if len(s.m.HTTP) == 0 {
		return 0, 0, questions, nil
	}
	lacked, there, silent, err := s.askFor(ctx, absent, questions)
	return int(lacked.GetCardinality()), there, silent, err
}

// maxChecked is how many of the files that an incomplete listing lacks are asked
// for; the next scan asks for others.
const maxChecked = 500

// checkAbsent asks for files that the mirror had and an incomplete listing does
// not show. Nothing is taken for absent on the strength of such a listing, but
// what the web server does not have either is gone: otherwise one folder that
// cannot be read would keep everything credited for ever.
func (s *scan) checkAbsent(ctx context.Context, set *sets) error {
	if len(s.m.HTTP) == 0 {
		return nil
	}
	absent := roaring.And(s.before.Held, s.ix.current)
	absent.And(s.within)
	absent.AndNot(set.knew)
	absent.AndNot(set.undecided)
	if absent.IsEmpty() {
		return nil
	}
	gone, there, silent, err := s.askFor(ctx, absent, maxChecked)
	if err != nil || gone.IsEmpty() {
		return err
	}
	set.knew.Or(gone)
	n := gone.GetCardinality()
	s.report.note("of %d files that the listing lacks %d were asked for by HEAD: %d are gone and no longer credited",
		absent.GetCardinality(), int(n)+there+silent, n)
	return nil
}

// askFor asks by HEAD for up to most of the files, drawn at random. gone are
// those that the web server does not have, or has in another size.
func (s *scan) askFor(ctx context.Context, absent *roaring.Bitmap, most uint64) (gone *roaring.Bitmap, there, silent int, err error) {
	gone = roaring.New()
	ids := absent
	if n := absent.GetCardinality(); n > most {
		ids = roaring.New()
		for ids.GetCardinality() < most {
			id, err := absent.Select(rand.Uint32N(uint32(n)))
			if err != nil {
				return gone, 0, 0, err
			}
			ids.Add(id)
		}
	}
	var files []sampled
	var asked []mirror.FileID
	err = s.db.Paths(ctx, ids, func(id mirror.FileID, path []byte, v mirror.Version) error {
		files, asked = append(files, sampled{string(path), v}), append(asked, id)
		return nil
	})
	if err != nil {
		return gone, 0, 0, err
	}
	for i, a := range s.askAll(ctx, s.m.HTTP[0], files) {
		switch {
		case a.e != nil:
			silent++
		case a.h.Found() && (a.h.Size < 0 || a.h.Size == files[i].v.Size):
			there++
		case a.h.Found(), a.h.Status == http.StatusNotFound, a.h.Status == http.StatusGone, a.h.UnexpectedHTML:
			gone.Add(uint32(asked[i])) // a page of another size that says so is no file either
		default:
			silent++
		}
	}
	return gone, there, silent, ctx.Err()
}

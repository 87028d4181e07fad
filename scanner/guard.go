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
	if err := s.keepLost(ctx, roaring.And(s.before.Held, lost), set.found); err != nil {
		return err
	}
	if there*2 >= asked {
		return fmt.Errorf("the listing is wrong: %s, but HEAD finds them (%d of %d asked); nothing was taken for absent", doubt, there, asked)
	}
	return fmt.Errorf("%s, and the web server does not tell (%d of %d questions without an answer); nothing was taken for absent", doubt, silent, asked)
}

// keepLost takes away what was listed as something else, when nothing else of
// the listing is believed.
func (s *scan) keepLost(ctx context.Context, lost, found *roaring.Bitmap) error {
	lost.AndNot(found)
	if lost.IsEmpty() || s.o.DryRun {
		return nil
	}
	s.report.note("%d files that are listed as something else are no longer credited", lost.GetCardinality())
	s.report.Removed = lost.GetCardinality()
	return s.db.SetHeld(ctx, s.m.ID, nil, lost, s.o.Holder)
}

// askAbsent asks for some of the absent files, drawn at random.
func (s *scan) askAbsent(ctx context.Context, absent *roaring.Bitmap) (gone, there, silent int, err error) {
	if len(s.m.HTTP) == 0 {
		return 0, 0, questions, nil
	}
	ids := roaring.New()
	n := absent.GetCardinality()
	for ids.GetCardinality() < min(n, questions) {
		id, err := absent.Select(rand.Uint32N(uint32(n)))
		if err != nil {
			return 0, 0, 0, err
		}
		ids.Add(id)
	}
	var files []sampled
	err = s.db.Paths(ctx, ids, func(_ mirror.FileID, path []byte, v mirror.Version) error {
		files = append(files, sampled{string(path), v})
		return nil
	})
	if err != nil {
		return 0, 0, 0, err
	}
	for _, a := range s.askAll(ctx, s.m.HTTP[0], files) {
		switch {
		case a.e != nil:
			silent++
		case a.h.Found():
			there++
		case a.h.Status == http.StatusNotFound, a.h.Status == http.StatusGone, a.h.UnexpectedHTML:
			gone++
		default:
			silent++
		}
	}
	return gone, there, silent, ctx.Err()
}

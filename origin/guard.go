package origin

import (
	"errors"
	"fmt"
)

// ErrRefused says that a run found what looks like a mistake, and wrote
// nothing. Options.Force, or Same, takes it all the same.
var ErrRefused = errors.New("refused")

// minTouched is how many files may always change their time alone.
const minTouched = 100

// guard refuses what is more likely an unmounted disk or a careless copy than
// the next state of the tree.
func (r *run) guard() error {
	c, before := r.d.counts, r.d.live
	switch {
	case r.report.Listed.Files == 0 && r.o.Subtree == "" && len(r.report.Listed.Unknown) == 0 && len(r.report.Listed.Incomplete) == 0:
		return fmt.Errorf("%w: the origin has no files at all; is it mounted? (--force takes it as it is)", ErrRefused)
	case c.Removed*2 > before:
		return fmt.Errorf("%w: %d of %d files would be removed; is all of the origin there? (--force takes it as it is)", ErrRefused, c.Removed, before)
	case c.Touched*2 > before && c.Touched >= minTouched && !r.o.Same:
		return fmt.Errorf("%w: %d of %d files have another modification time but the same size; --same if their contents did not change (mirrors go on counting), --force if they did", ErrRefused, c.Touched, before)
	}
	return nil
}

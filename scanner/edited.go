package scanner

import (
	"context"
	"errors"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// refresh reads the mirror anew, under its lease: in a scan of many, its turn
// comes hours after the list was read, and another host may have scanned it
// meanwhile. It reports false when the mirror is not to be scanned any more.
func refresh(ctx context.Context, db *store.Store, m mirror.Mirror, o *Options, r *Report) (now mirror.Mirror, ok bool) {
	all, err := db.Mirrors(ctx)
	if err != nil {
		r.Err = err
		return m, false
	}
	i := slices.IndexFunc(all, func(o mirror.Mirror) bool { return o.ID == m.ID })
	switch {
	case i < 0:
		r.Skipped = "was deleted meanwhile"
		return m, false
	case !sameTree(&all[i], &m):
		r.Err = ErrEdited // the index was read for the other one
		return m, false
	case o.Once && o.Subtree == "" && !all[i].Scan.Attempted.Equal(m.Scan.Attempted):
		r.Skipped = "was scanned by another meanwhile"
		return m, false
	}
	r.Mirror = all[i].Name
	return all[i], true
}

// ErrEdited says that what was scanned is not what the mirror is now.
var ErrEdited = errors.New("the mirror's URLs, subtree or rules were changed meanwhile: scan it again")

// still implements store.ScanResult.Still: what was found at other URLs, or in
// another folder, is not what the mirror has there.
func (s *scan) still(now *mirror.Mirror) error {
	if Moved(now, &s.m) {
		return ErrEdited
	}
	return nil
}

// Moved reports whether what was found at one of both says nothing of the other:
// their URLs differ, the part of the tree that they stand for, or what of it is
// looked at.
func Moved(a, b *mirror.Mirror) bool {
	return !sameTree(a, b) || a.Rsync != b.Rsync || a.FTP != b.FTP || a.S3 != b.S3 || !slices.Equal(a.HTTP, b.HTTP)
}

// sameTree reports whether both stand for the same part of the tree, kept at the
// same places.
func sameTree(a, b *mirror.Mirror) bool {
	return a.Subtree == b.Subtree && slices.Equal(a.Renames, b.Renames) && filterKey(a, &Options{}) == filterKey(b, &Options{})
}

// notItsFault reports whether a scan failed without the mirror's doing.
func notItsFault(err error) bool {
	for _, e := range []error{store.ErrLeaseLost, store.ErrUnreachable, store.ErrFull, store.ErrReadOnly, store.ErrNotFound, ErrEdited, errNoURL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

package origin

import (
	"context"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// writer gathers changes into batches that a short transaction can hold.
type writer struct {
	db        *store.Store
	lease     store.Lease
	same, dry bool
	batch     store.IndexBatch
}

// room writes the batch if n more changes would be too many.
func (w *writer) room(ctx context.Context, n int) error {
	if w.batch.Len()+n <= store.MaxBatch {
		return nil
	}
	return w.flush(ctx)
}

func (w *writer) flush(ctx context.Context) error {
	if w.batch.Len() == 0 {
		return nil
	}
	b := w.batch
	w.batch = store.IndexBatch{Add: b.Add[:0], Remove: b.Remove[:0], Touch: b.Touch[:0], CTimes: b.CTimes[:0]}
	if w.dry {
		return nil
	}
	_, err := w.db.ApplyIndex(ctx, w.lease, b)
	return err
}

func (w *writer) change(ctx context.Context, c change) error {
	// A new version and the end of the one before go together.
	if err := w.room(ctx, 2); err != nil {
		return err
	}
	f := c.file
	touch := store.Touch{ID: c.old, MTime: f.MTime, CTime: f.CTime, Precision: f.Precision}
	switch {
	case c.kind == restated:
		w.batch.CTimes = append(w.batch.CTimes, touch)
		return nil
	case c.kind == touched && w.same:
		w.batch.Touch = append(w.batch.Touch, touch)
		return nil
	case c.kind != added:
		w.batch.Remove = append(w.batch.Remove, c.old)
	}
	w.batch.Add = append(w.batch.Add, store.NewFile{
		Path: f.Path, Size: f.Size, MTime: f.MTime, CTime: f.CTime, Precision: f.Precision,
	})
	return nil
}

func (w *writer) remove(ctx context.Context, id mirror.FileID) error {
	if err := w.room(ctx, 1); err != nil {
		return err
	}
	w.batch.Remove = append(w.batch.Remove, id)
	return nil
}

func (w *writer) alias(ctx context.Context, c linkChange) error {
	if err := w.room(ctx, 2); err != nil {
		return err
	}
	if c.remove != nil {
		w.batch.RemoveAliases = append(w.batch.RemoveAliases, *c.remove)
	}
	if c.add != nil {
		w.batch.AddAliases = append(w.batch.AddAliases, *c.add)
	}
	return nil
}

package checksum

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// result is what became of one file.
type result struct {
	store.Hashes
	size int64 // of the file
}

// storeError is a failure of the database while a file was read. It ends the
// run: the file is not to blame.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// work reads files. What cannot be read is told and passed over.
func (r *run) work(ctx context.Context, jobs <-chan store.HashRow, results chan<- result, broken <-chan struct{}) error {
	for row := range jobs {
		if ctx.Err() != nil {
			continue
		}
		res, err := r.one(ctx, &row)
		if err == nil {
			select { // also when ctx has ended: what is done is not thrown away
			case results <- res:
			case <-broken:
			}
			continue
		}
		if fatal, ok := errors.AsType[*storeError](err); ok {
			return fatal.err
		}
		if ctx.Err() == nil {
			r.passOver(&row, err)
		}
	}
	return nil
}

func (r *run) one(ctx context.Context, row *store.HashRow) (result, error) {
	v := indexed{string(row.Path), row.Version, row.CTime}
	res := result{Hashes: store.Hashes{ID: row.ID}, size: row.Size}
	if row.Read {
		if err := r.digest(ctx, &v, &res.Hashes); err != nil {
			return res, err
		}
	}
	// A signature that cannot be read now is looked for by the next run, and
	// meanwhile the one that is stored stays.
	if err := r.sign(row, &res.Hashes); err != nil && !row.Read {
		return res, err
	}
	return res, nil
}

// digest reads a file.
func (r *run) digest(ctx context.Context, v *indexed, h *store.Hashes) error {
	f, before, err := r.tree.open(v)
	if err != nil {
		return err
	}
	defer f.Close()
	parts := &partWriter{ctx: ctx, r: r, id: v.ID}
	o := SumOptions{LeastPiece: r.o.LeastPiece, Tree: r.o.Tree, InfoHashes: r.o.InfoHashes, Name: v.path[strings.LastIndexByte(v.path, '/')+1:]}
	if r.o.ZSync {
		o.ZSync = parts
	}
	d, err := Sum(ctx, metered{f, &r.progress.bytes}, v.Size, o)
	if errors.Is(err, ErrSize) {
		return errChanged
	}
	if err == nil {
		err = r.tree.unchanged(f, v, &before)
	}
	h.Digests, h.Part, h.Sums = &d, parts.part, parts.buf
	return err
}

// sign looks for a signature in the files beside it.
func (r *run) sign(row *store.HashRow, h *store.Hashes) (failed error) {
	for i, beside := range []struct {
		suffix string
		id     *mirror.FileID
	}{{".asc", &h.Asc}, {".sig", &h.Sig}} {
		s := &row.Beside[i]
		if s.ID == 0 {
			continue
		}
		if h.Signature == nil && s.Size <= maxSignature {
			data, err := r.tree.readSmall(&indexed{string(row.Path) + beside.suffix, s.Version, s.CTime})
			if err != nil {
				failed = &besideError{beside.suffix, err}
				continue
			}
			h.Signature = Detached(beside.suffix, data)
		}
		*beside.id = s.ID
	}
	return failed
}

// besideError is a failure to read the signature of a file.
type besideError struct {
	suffix string
	err    error
}

func (e *besideError) Error() string { return "its " + e.suffix + " file: " + e.err.Error() }
func (e *besideError) Unwrap() error { return e.err }

// metered counts what is read.
type metered struct {
	f *os.File
	n *atomic.Int64
}

func (m metered) Read(b []byte) (int, error) {
	n, err := m.f.Read(b)
	m.n.Add(int64(n))
	return n, err
}

var _ io.Reader = metered{}

// partWriter stores the sums for zsync of a large file as they come, and keeps
// the last part for PutHashes.
type partWriter struct {
	ctx  context.Context //nolint:containedctx // an io.Writer's method has no place for it
	r    *run
	id   mirror.FileID
	part int
	buf  []byte
}

func (w *partWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		k := min(len(b), store.ZSyncPart-len(w.buf))
		w.buf = append(w.buf, b[:k]...)
		b = b[k:]
		if len(w.buf) < store.ZSyncPart {
			continue
		}
		if err := w.r.db.PutZSyncPart(w.ctx, w.r.lease, w.id, w.part, w.buf); err != nil {
			return 0, &storeError{err}
		}
		w.part++
		w.buf = w.buf[:0]
	}
	return n, nil
}

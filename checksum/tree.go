package checksum

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Why a file is not hashed although it can be read.
var (
	errChanged = errors.New("changed since the last index run; run 'mbctl index'")
	errGone    = errors.New("gone since the last index run; run 'mbctl index'")
)

// tree opens files below a folder. Nothing in the tree leads out of it.
type tree struct {
	root *os.Root
	// copied: the files are copies of the origin's, made by a program that keeps
	// mtimes, of which it may round off the fraction of a second.
	copied bool
}

// indexed is what the index knows of a file.
type indexed struct {
	path string
	mirror.Version
	ctime int64
}

// open opens a file that is, as far as can be seen, the version that the index
// knows. What is not a regular file is not the version either.
func (t *tree) open(v *indexed) (*os.File, unix.Stat_t, error) {
	// Not blocking: it may have become a pipe.
	f, err := t.root.OpenFile(v.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		err = errGone
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ELOOP): // a socket, a link to itself
		err = errChanged
	}
	if err != nil {
		return nil, unix.Stat_t{}, err
	}
	st, err := t.same(f, v)
	if err != nil {
		_ = f.Close()
		return nil, st, err
	}
	return f, st, nil
}

// same makes sure that an open file is the version that the index knows.
func (t *tree) same(f *os.File, v *indexed) (unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return st, fmt.Errorf("looking at it: %w", err)
	}
	if uint32(st.Mode)&unix.S_IFMT != unix.S_IFREG || st.Size != v.Size || !t.sameTimes(&st, v) { //nolint:unconvert // 16 bits wide on other systems
		return st, errChanged
	}
	return st, nil
}

func (t *tree) sameTimes(st *unix.Stat_t, v *indexed) bool {
	mtime := st.Mtim.Nano()
	if !t.copied {
		return mtime == v.MTime && (v.ctime == 0 || v.ctime == st.Ctim.Nano())
	}
	if st.Mtim.Nsec == 0 {
		return v.SameTime(mtime, 1e9)
	}
	return v.SameTime(mtime, 1)
}

// unchanged makes sure that a file is still as it was when it was opened, after
// it was read.
func (t *tree) unchanged(f *os.File, v *indexed, before *unix.Stat_t) error {
	after, err := t.same(f, v)
	if err == nil && (after.Mtim != before.Mtim || after.Ctim != before.Ctim) {
		err = errChanged
	}
	return err
}

// readSmall gives the content of a file of at most maxSignature bytes.
func (t *tree) readSmall(v *indexed) ([]byte, error) {
	f, before, err := t.open(v)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, v.Size)
	if _, err := io.ReadFull(f, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errChanged
		}
		return nil, err
	}
	return b, t.unchanged(f, v, &before)
}

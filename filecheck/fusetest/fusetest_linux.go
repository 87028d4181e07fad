// Package fusetest mounts a folder through FUSE for tests, and stops answering
// when told to: the disk that hangs.
package fusetest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// FS is a mounted pass-through file system. It is read-only.
type FS struct {
	Dir string // where it is mounted

	source string
	dev    int
	hung   atomic.Bool
	wake   chan struct{}

	mu    sync.Mutex
	paths map[uint64]string
	ids   map[string]uint64
}

// The operations that are answered, by their numbers in linux/fuse.h.
const (
	opLookup     = 1
	opForget     = 2
	opGetattr    = 3
	opOpen       = 14
	opRead       = 15
	opRelease    = 18
	opFlush      = 25
	opInit       = 26
	opOpendir    = 27
	opReaddir    = 28
	opReleasedir = 29
	opBatch      = 42
)

// headerSize is that of struct fuse_in_header.
const headerSize = 40

// Mount mounts source and unmounts it when the test ends. The test is skipped
// where the system does not let it mount: that takes root and /dev/fuse, and no
// program would help.
func Mount(tb testing.TB, source string) *FS {
	tb.Helper()
	f := &FS{
		Dir: tb.TempDir(), source: source, wake: make(chan struct{}),
		paths: map[uint64]string{1: ""}, ids: map[string]uint64{"": 1},
	}
	if err := f.mount(); err != nil {
		tb.Skipf("mounting through FUSE: %v", err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		f.serve()
	}()
	tb.Cleanup(func() {
		f.Answer()
		_ = syscall.Unmount(f.Dir, syscall.MNT_DETACH)
		select {
		case <-served:
			// Not before: the number could be another file's by then.
			_ = syscall.Close(f.dev)
		case <-time.After(5 * time.Second):
			tb.Error("the FUSE mount is still in use")
		}
	})
	return f
}

// Hang makes the file system stop answering: every call into it blocks.
func (f *FS) Hang() { f.hung.Store(true) }

// Answer ends Hang; calls that wait are answered.
func (f *FS) Answer() {
	if f.hung.CompareAndSwap(true, false) {
		f.wake <- struct{}{}
	}
}

// serve reads requests until the file system is unmounted.
func (f *FS) serve() {
	buf := make([]byte, 1<<18)
	for {
		n, err := syscall.Read(f.dev, buf)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOENT):
			continue
		case err != nil, n < headerSize:
			if f.hung.Load() {
				<-f.wake
			}
			return
		}
		if f.hung.Load() {
			<-f.wake
		}
		f.answer(buf[:n])
	}
}

func (f *FS) answer(req []byte) {
	le := binary.LittleEndian
	op, unique, node := le.Uint32(req[4:]), le.Uint64(req[8:]), le.Uint64(req[16:])
	body := req[headerSize:]
	f.mu.Lock()
	path := filepath.Join(f.source, f.paths[node])
	rel := f.paths[node]
	f.mu.Unlock()

	var out []byte
	var err error
	switch op {
	case opForget, opBatch:
		return
	case opInit:
		out = make([]byte, 64)
		le.PutUint32(out[0:], 7)
		le.PutUint32(out[4:], 31)
		le.PutUint32(out[8:], le.Uint32(body[8:])) // max_readahead
		le.PutUint32(out[20:], 1<<17)              // max_write
		le.PutUint32(out[24:], 1)                  // time_gran
	case opLookup:
		child := filepath.Join(rel, string(body[:len(body)-1]))
		var attr []byte
		if attr, err = f.attr(filepath.Join(f.source, child), f.id(child)); err == nil {
			out = make([]byte, 40, 128)
			le.PutUint64(out, f.id(child))
			out = append(out, attr...)
		}
	case opGetattr:
		var attr []byte
		if attr, err = f.attr(path, node); err == nil {
			out = append(make([]byte, 16), attr...)
		}
	case opOpen, opOpendir:
		out = make([]byte, 16)
	case opRead:
		out, err = readAt(path, int64(le.Uint64(body[8:])), int(le.Uint32(body[16:])))
	case opReaddir:
		out, err = readdir(path, int(le.Uint64(body[8:])), int(le.Uint32(body[16:])))
	case opRelease, opReleasedir, opFlush:
	default:
		err = syscall.ENOSYS
	}
	head := make([]byte, 16, 16+len(out))
	var no syscall.Errno
	if err != nil && !errors.As(err, &no) {
		no = syscall.EIO
	}
	if no != 0 {
		out = nil
	}
	le.PutUint32(head, uint32(16+len(out)))
	le.PutUint32(head[4:], uint32(-int32(no)))
	le.PutUint64(head[8:], unique)
	_, _ = syscall.Write(f.dev, append(head, out...))
}

// id gives the node number of a path, the same each time.
func (f *FS) id(rel string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, ok := f.ids[rel]
	if !ok {
		id = uint64(len(f.ids) + 1)
		f.ids[rel], f.paths[id] = id, rel
	}
	return id
}

// attr builds a struct fuse_attr. Nothing is allowed to be cached.
func (f *FS) attr(path string, node uint64) ([]byte, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	a := make([]byte, 88)
	le.PutUint64(a, node)
	le.PutUint64(a[8:], uint64(st.Size))
	le.PutUint64(a[16:], uint64(st.Blocks))
	for i, ts := range []syscall.Timespec{st.Atim, st.Mtim, st.Ctim} {
		le.PutUint64(a[24+8*i:], uint64(ts.Sec))
		le.PutUint32(a[48+4*i:], uint32(ts.Nsec))
	}
	le.PutUint32(a[60:], st.Mode)
	le.PutUint32(a[64:], uint32(st.Nlink))
	le.PutUint32(a[80:], 4096)
	return a, nil
}

func readAt(path string, off int64, n int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, n)
	n, err = file.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// readdir gives the folder's entries from the off-th on, as struct fuse_dirent.
func readdir(path string, off, size int) ([]byte, error) {
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	var out []byte
	for i := off; i < len(list); i++ {
		name := list[i].Name()
		d := make([]byte, (24+len(name)+7)&^7)
		le.PutUint64(d, uint64(1<<32+i)) // inode numbers for show
		le.PutUint64(d[8:], uint64(i+1))
		le.PutUint32(d[16:], uint32(len(name)))
		copy(d[24:], name)
		if len(out)+len(d) > size {
			break
		}
		out = append(out, d...)
	}
	return out, nil
}

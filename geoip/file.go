package geoip

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxFileSize bounds what is read into memory, in bytes. The largest
// commercial City databases are a tenth of it.
const maxFileSize = 4 << 30

// Info says which database is in use.
type Info struct {
	Path   string    // absolute
	Type   string    // as the database names itself: GeoLite2-City, DBIP-Country-Lite, ...
	Built  time.Time // when its maker built it
	Loaded time.Time // when it was read from Path
	Size   int64     // of the file and of the memory it takes, in bytes
}

// file is a database in memory that follows its file on disk.
//
// The file is read rather than mapped: a mapped file that is truncated in
// place kills the process with SIGBUS.
type file struct {
	path  string
	log   *slog.Logger
	check checker
	now   atomic.Pointer[version]

	// tried and broken belong to the watcher: the last version of the file that
	// was looked at, and whether it was refused.
	tried  fs.FileInfo
	broken bool

	stop func()
	done chan struct{}
}

// checker refuses a database of another kind.
type checker func(*maxminddb.Reader) error

// version is one content of the file. It is never changed and never closed,
// so that a lookup may hold it for as long as it likes.
type version struct {
	reader *maxminddb.Reader
	info   Info
}

func openFile(path string, logger *slog.Logger, check checker) (*file, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	f := &file{path: abs, log: logger.With("file", abs), check: check, done: make(chan struct{})}
	v, st, err := f.read()
	if err != nil {
		return nil, err
	}
	f.now.Store(v)
	f.tried = st

	quit := make(chan struct{})
	f.stop = sync.OnceFunc(func() { close(quit) })
	w := newWatcher(f)
	go func() {
		defer close(f.done)
		w.run(quit)
	}()
	return f, nil
}

// Info says which database is in use at this moment.
func (f *file) Info() Info { return f.now.Load().info }

// Close stops following the file. The database stays usable; calling Close
// again does nothing. It returns nil always.
func (f *file) Close() error {
	f.stop()
	<-f.done
	return nil
}

func (f *file) reader() *maxminddb.Reader { return f.now.Load().reader }

// read reads and checks the file as it is now.
func (f *file) read() (*version, fs.FileInfo, error) {
	h, err := os.Open(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the database: %w", err)
	}
	defer h.Close()
	st, err := h.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("opening the database: %w", err)
	}
	v, err := f.load(h, st)
	return v, st, err
}

func (f *file) load(h *os.File, st fs.FileInfo) (*version, error) {
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("database %s: not a regular file", f.path)
	}
	if st.Size() > maxFileSize {
		return nil, fmt.Errorf("database %s: %d bytes are more than the %d that are accepted", f.path, st.Size(), int64(maxFileSize))
	}
	content := make([]byte, st.Size())
	if n, err := h.ReadAt(content, 0); n < len(content) {
		return nil, fmt.Errorf("database %s: read %d of %d bytes: %w", f.path, n, len(content), err)
	}
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("database %s: not a complete mmdb file: %w", f.path, err)
	}
	if err := f.check(r); err != nil {
		return nil, fmt.Errorf("database %s (%s): %w", f.path, r.Metadata.DatabaseType, err)
	}
	return &version{reader: r, info: Info{
		Path:   f.path,
		Type:   r.Metadata.DatabaseType,
		Built:  r.Metadata.BuildTime().UTC(),
		Loaded: time.Now(),
		Size:   st.Size(),
	}}, nil
}

// refresh reads the file again if it is another than the one last looked at.
// It reports whether to look again soon, because the file changed while it was
// read.
func (f *file) refresh() (again bool) {
	st, err := os.Stat(f.path)
	if err != nil {
		f.refuse(fmt.Errorf("opening the database: %w", err))
		f.tried = nil
		return false
	}
	if f.tried != nil && same(f.tried, st) {
		return false
	}
	v, st, err := f.read()
	f.tried = st
	if after, statErr := os.Stat(f.path); statErr == nil && st != nil && !same(st, after) {
		f.tried = nil
		return true
	}
	if err != nil {
		f.refuse(err)
		return false
	}
	f.now.Store(v)
	f.broken = false
	f.log.Info("database reloaded", "type", v.info.Type, "built", v.info.Built)
	return false
}

// refuse says once that the file cannot be used, however often it is looked
// at until a good one is there.
func (f *file) refuse(err error) {
	if f.broken {
		return
	}
	f.broken = true
	if errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("database file is gone, its last content stays in use")
		return
	}
	f.log.Error("database file cannot be used, its last content stays in use", "error", err)
}

// same reports whether two looks at the path saw the same content, as far as
// this can be told from outside.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

package catalog

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// saver writes the catalog file when the catalog changed, at most every so
// often, beside the follower, which goes on meanwhile.
type saver struct {
	path  string
	every time.Duration // 0: by size
	log   *slog.Logger

	saved   *View // what the file has
	last    time.Time
	size    int64
	failing bool
	running chan saveResult // nil: none
}

type saveResult struct {
	view *View
	size int64
	err  error
}

// tick starts a write if one is due.
func (s *saver) tick(c *Catalog) {
	if s.path == "" {
		return
	}
	if s.last.IsZero() {
		removeLeftovers(s.path)
	}
	if s.running != nil {
		select {
		case r := <-s.running:
			s.ended(r)
		default:
			return
		}
	}
	every := s.every
	if every <= 0 {
		every = interval(s.size)
	}
	v := c.View()
	if !v.ready || v == s.saved || !s.last.IsZero() && time.Since(s.last) < every {
		return
	}
	s.last = time.Now()
	s.running = make(chan saveResult, 1)
	since := c.since.Load()
	go func(done chan<- saveResult) {
		size, err := saveView(s.path, v, since)
		done <- saveResult{v, size, err}
	}(s.running)
}

// finish writes what the file does not have yet.
func (s *saver) finish(c *Catalog) {
	if s.path == "" {
		return
	}
	if s.running != nil {
		s.ended(<-s.running)
	}
	if v := c.View(); v.ready && v != s.saved {
		size, err := saveView(s.path, v, c.since.Load())
		s.ended(saveResult{v, size, err})
	}
}

func (s *saver) ended(r saveResult) {
	s.running = nil
	if r.err != nil {
		if !s.failing {
			s.log.Warn("catalog file cannot be written; the next start without a database would have an older one, or none", "error", r.err)
		}
		s.failing = true
		return
	}
	s.saved, s.size, s.failing = r.view, r.size, false
}

// removeLeftovers takes away what a crash left behind. Another process may be
// writing the same file just now, so only old ones go.
func removeLeftovers(path string) {
	for _, p := range []string{path, path + prefixSuffix, path + keptSuffix, path + reposSuffix} {
		old, err := filepath.Glob(p + tmpSuffix + "*")
		if err != nil {
			continue // the path has glob characters
		}
		for _, name := range old {
			if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(name)
			}
		}
	}
}

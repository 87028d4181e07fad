package scanner

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// indexAge is how old the index of a Session may be at the begin of a scan.
// Files that are newer are looked up in the database at the scan's end, so this
// is a matter of speed: of loading it again against looking many up.
const indexAge = 10 * time.Minute

// Session scans mirrors for a long time, by several calls at once that share
// the index in memory. What a call uses stays as it was when the call began, so
// the index is there twice or more often while scans take longer than ten
// minutes, and not at all while there are none.
type Session struct {
	db *store.Store

	mu     sync.Mutex
	ix     *index
	loaded time.Time
	users  int
}

// NewSession prepares scans of a database's mirrors; nothing is read yet.
func NewSession(db *store.Store) *Session { return &Session{db: db} }

// Scan is the function Scan with the session's index.
func (s *Session) Scan(ctx context.Context, mirrors []mirror.Mirror, o Options) ([]Report, error) {
	s.mu.Lock()
	s.users++
	s.mu.Unlock()
	defer s.done()
	return scanAll(ctx, s.db, mirrors, o, s.load)
}

// load gives an index that has what is needed.
func (s *Session) load(ctx context.Context, n needs, o *Options) (*index, error) {
	s.mu.Lock() // those who need it, too, wait for it
	defer s.mu.Unlock()
	if s.ix != nil && s.ix.knows(n) {
		head, err := s.db.Head(ctx)
		if err == nil && (head == s.ix.head || time.Since(s.loaded) < indexAge) {
			return s.ix, nil
		}
	}
	// The usual ones, too, so that a scan of a folder does not make the next full
	// scan load it again.
	all, err := s.db.Mirrors(ctx)
	if err != nil {
		return nil, err
	}
	s.ix = nil // not twice for longer than need be
	ix, err := loadIndex(ctx, s.db, n.and(needsOf(all, o, "")))
	if err != nil {
		return nil, err
	}
	s.ix, s.loaded = ix, time.Now()
	return ix, nil
}

// done lets go of the index after the last scan.
func (s *Session) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.ix = nil
	}
}

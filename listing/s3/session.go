package s3

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// maxEmptyPages is how many pages in a row may have no key: a bucket in which
// much was deleted has some.
const maxEmptyPages = 1000

// stopError is yield's; it ends the listing as it is.
type stopError struct{ error }

// session is one run of List: where it is, and what was learned of the server.
type session struct {
	l     *Lister
	yield func(listing.Entry) error
	sum   listing.Summary
	said  map[string]bool // of what was found
	sieve listing.Sieve

	base, prefix string // of all keys: less the listed folder's own, and with it
	found        bool   // a key below prefix

	keys     keys
	region   string
	regions  int  // how often the server has named another one
	version1 bool // ListObjects rather than ListObjectsV2

	loop  loop
	empty int // pages in a row
}

func (s *session) run(ctx context.Context, sub string) error {
	if s.l.target.prefix != "" {
		s.base = s.l.target.prefix + "/"
	}
	s.prefix = s.base
	if sub != "" {
		s.prefix += sub + "/"
	}
	for after, more := "", true; more; {
		p, err := s.page(ctx, after)
		if err != nil {
			return err
		}
		if err := s.take(ctx, p); err != nil {
			return err
		}
		if after, more, err = s.next(p, after); err != nil {
			return err
		}
	}
	if !s.found && s.prefix != "" {
		return fmt.Errorf("no key begins with %q: %w", s.prefix, listing.ErrNoFolder)
	}
	return nil
}

// take hands on the entries of a page.
func (s *session) take(ctx context.Context, p *page) error {
	for i := range p.objects {
		o := &p.objects[i]
		e, kind := o.entry(s.base, s.prefix, p.encoded)
		switch kind {
		case isForeign:
			s.sum.Refused++
			continue
		case isFolder:
		case isUndecoded:
			s.sum.Refused++
			s.incomplete("the name of a key cannot be decoded")
		case isRefused:
			s.sum.Refused++
		case isFile:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if e.Kind == listing.Other {
				s.log("objects in an archive cannot be fetched, and do not count as files")
			}
			if s.sieve.Skips(e.Path, false) {
				break
			}
			s.sum.Entries++
			if err := s.yield(e); err != nil {
				return stopError{err}
			}
		}
		s.found = true
	}
	return nil
}

// log says something once.
func (s *session) log(what string) {
	if !s.said[what] {
		s.said[what] = true
		s.l.opts.Log(what)
	}
}

// incomplete notes something once.
func (s *session) incomplete(why string) {
	if !s.said[why] {
		s.said[why] = true
		s.sum.AddIncomplete(why)
	}
}

// next tells what to ask for after a page, and whether to.
func (s *session) next(p *page, after string) (next string, more bool, err error) {
	if !p.truncated {
		return "", false, nil
	}
	if s.empty++; len(p.objects) > 0 {
		s.empty = 0
	}
	if s.empty > maxEmptyPages {
		return "", false, fmt.Errorf("%d pages without a key, and there is to be more", s.empty)
	}
	// Servers that are older than ListObjectsV2 answer as if it were ListObjects.
	if !s.version1 && !p.version2 && after == "" && p.token == "" {
		s.log("the server does not know ListObjectsV2; using ListObjects")
		s.version1 = true
	}
	next = p.token
	if s.version1 {
		if next, err = p.marker(); err != nil {
			return "", false, err
		}
	}
	switch {
	case next == "":
		return "", false, errors.New("the server says that there is more, but not how to ask for it")
	case next == after || s.loop.again(p, next):
		return "", false, errors.New("the server gives the same page again and again")
	}
	return next, true, nil
}

// marker is the key behind which the next page of ListObjects begins.
func (p *page) marker() (string, error) {
	m := p.nextMarker
	if m == "" && len(p.objects) > 0 {
		m = p.objects[len(p.objects)-1].key
	}
	if !p.encoded {
		return m, nil
	}
	m, err := url.QueryUnescape(m)
	if err != nil {
		return "", fmt.Errorf("the key behind which the list goes on cannot be decoded: %w", err)
	}
	return m, nil
}

// loop finds pages that come again, in memory for one of them (Brent 1980): a
// page is compared with an earlier one, and takes its place after twice as many
// pages as that one did.
type loop struct {
	seed       maphash.Seed
	kept       uint64
	age, limit int
}

func (l *loop) again(p *page, next string) bool {
	if l.limit == 0 {
		l.seed, l.limit = maphash.MakeSeed(), 1
	}
	var h maphash.Hash
	h.SetSeed(l.seed)
	for i := range p.objects {
		h.WriteString(p.objects[i].key)
		h.WriteByte(0)
	}
	if len(p.objects) == 0 {
		h.WriteString(next)
	}
	mark := h.Sum64()
	if l.age > 0 && mark == l.kept {
		return true
	}
	if l.age++; l.age >= l.limit {
		l.kept, l.age, l.limit = mark, 1, 2*l.limit
	}
	return false
}

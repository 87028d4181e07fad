package autoindex

import (
	"bytes"
	"strings"
)

// Latest finds the newest of the entries whose names match a glob, by the
// version in the name or by time; files and folders alike. It is nil when none
// matches. Of equally new ones by time the newer version is taken, and of
// names that mean the same version the one that is last in byte order, so that
// the answer depends on nothing but the entries.
//
// A signature, a list of digests or a document of another match is not taken:
// for foo-*, foo-1.7.tar.gz is newer than foo-1.7.tar.gz.asc.
func Latest(entries []Entry, glob string, by LatestBy) *Entry {
	p, err := ParsePattern(glob)
	if err != nil { // an Ask has none of these
		return nil
	}
	var matches []*Entry
	names := map[string]bool{}
	for i := range entries {
		if e := &entries[i]; p.Match(e.Name) {
			matches = append(matches, e)
			names[e.Name] = true
		}
	}
	var best candidate
	for _, e := range matches {
		if names[besides(e.Name)] {
			continue
		}
		c := candidate{e, versionKey(e.Name)}
		if best.e == nil || c.newer(best, by) {
			best = c
		}
	}
	return best.e
}

type candidate struct {
	e   *Entry
	key []byte
}

func (c candidate) newer(other candidate, by LatestBy) bool {
	if by == LatestByTime {
		if n := c.e.ModTime.Compare(other.e.ModTime); n != 0 {
			return n > 0
		}
	}
	if n := bytes.Compare(c.key, other.key); n != 0 {
		return n > 0
	}
	return c.e.shownName() > other.e.shownName()
}

// companions are the endings of files that are about another file.
var companions = map[string]bool{
	"asc": true, "sig": true, "sign": true, "gpg": true, "minisig": true, "sigstore": true,
	"md5": true, "sha1": true, "sha256": true, "sha512": true,
	"md5sum": true, "sha1sum": true, "sha256sum": true, "sha512sum": true, "sums": true,
	"torrent": true, "meta4": true, "metalink": true, "zsync": true, "magnet": true, "btih": true, "mirrorlist": true,
}

// besides gives the name of the file that a file is about by its ending; "" when
// it is about none.
func besides(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || !companions[strings.ToLower(name[i+1:])] {
		return ""
	}
	return name[:i]
}

package httpindex

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// item is one row of an index page.
type item struct {
	name             string
	kind             listing.Kind
	sizeMin, sizeMax int64 // -1: not shown
	mtime            int64 // ns
	precision        time.Duration
	zoneUnknown      bool
	mode             uint32
	hasMode          bool
}

// page is what is known of an index page after it was read.
type page struct {
	refused int // links to children with names that no file can have
	// cut says why the page may not show all; "" when it does.
	cut string
	// astray says why its links lead elsewhere; "" when they do not.
	astray string
	// over is set when it has more rows than are read.
	over bool
	rows int // that were read, then
}

// pageLimits are how much is read of one page.
type pageLimits struct {
	bytes int64 // unpacked
	rows  int
	// held are rows that cannot be handed on at once, because they may be none:
	// they are kept, and take twenty times the memory of short rows, which a
	// server can send packed.
	held int
}

// usual lets a folder of a million files through.
var usual = pageLimits{bytes: 256 << 20, rows: 2_000_000, held: 500_000}

// stopError ends the reading of a page because of the receiver of its items.
type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

// readPage reads an index page of any known form and hands its rows to yield; a
// hostile page may have a name twice. An error that wraps listing.ErrNotIndex means that it is
// something else; other errors are the connection's or yield's (stopError).
func readPage(body io.Reader, contentType string, at folderURL, most pageLimits, yield func(item) error) (page, error) {
	r := bufio.NewReaderSize(body, 32<<10)
	first, err := firstBytes(r)
	if err != nil && !errors.Is(err, io.EOF) {
		return page{}, err
	}
	media, _, _ := mime.ParseMediaType(contentType) // an odd type is told by the content
	switch {
	case len(first) > 0 && first[0] == '<' && (strings.HasSuffix(media, "/xml") || bytes.HasPrefix(first, []byte("<?xml"))) &&
		!strings.Contains(media, "html"):
		return readXML(r, most, yield)
	case len(first) > 0 && first[0] == '<':
		return readHTML(r, at, most, yield)
	case len(first) > 0 && (first[0] == '[' || first[0] == '{'):
		return readJSON(r, at, most, yield)
	case strings.HasSuffix(media, "html"):
		return readHTML(r, at, most, yield)
	}
	return page{}, listing.ErrNotIndex
}

// firstBytes skips blank space and a byte order mark and peeks at what follows.
func firstBytes(r *bufio.Reader) ([]byte, error) {
	if b, _ := r.Peek(3); string(b) == "\xef\xbb\xbf" {
		_, _ = r.Discard(3) // they were just peeked at
	}
	for {
		b, err := r.Peek(1)
		if err != nil {
			return nil, err
		}
		if !isSpace(b[0]) {
			b, err = r.Peek(5)
			return b, err
		}
		_, _ = r.Discard(1) // just peeked at
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }

package zsync

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Type is the media type of a control file, and Suffix what is added to a file's
// URL to make that of its control file.
const (
	Type   = "application/x-zsync"
	Suffix = ".zsync"
)

// version is the release of zsync whose control files these are; older clients
// than 0.4 are not served.
const version = "0.6.2"

// maxLine is the longest line that zsync reads, its end not counted: its buffer
// has 1024 bytes. It takes the rest of a longer one for the next line, and then
// rejects the whole file.
const maxLine = 1024 - 2

// Errors of Header.
var (
	// ErrNoSums means that the file has no block sums, or parameters for them that
	// no zsync client accepts.
	ErrNoSums = errors.New("file has no zsync block sums; hash it again with them switched on")
	// ErrNoURL means that there is no URL short enough for a control file.
	ErrNoURL = errors.New("file has no URL that a zsync control file can hold")
)

// Header gives the first part of the control file of a subject: lines of text up
// to the blank one, after which the block sums follow as they are stored. The
// URL lines are those of the sources in their order, or the file's own if there
// are none; those that are not absolute and percent-encoded, or too long for the
// client, are left out. The client draws among them, and speaks http only: it
// passes over others. The name is made safe by [mirror.SafeName].
func Header(s *mirror.Subject, sources []mirror.Source) ([]byte, error) {
	if s.Digests == nil || s.Size <= 0 || !valid(s.Digests.ZSync) {
		return nil, fmt.Errorf("control file of %q: %w", s.Path, ErrNoSums)
	}
	urls := urlLines(s, sources)
	if len(urls) == 0 {
		return nil, fmt.Errorf("control file of %q: %w", s.Path, ErrNoURL)
	}
	z := s.Digests.ZSync
	h := make(header, 0, 512+128*len(urls))
	h.field("zsync", version)
	h.field("Filename", mirror.SafeName(s.Name))
	if s.MTime != 0 {
		h.field("MTime", time.Unix(0, s.MTime).UTC().Format(time.RFC1123Z))
	}
	h.field("Blocksize", strconv.Itoa(z.BlockSize))
	h.field("Length", strconv.FormatInt(s.Size, 10))
	h.field("Hash-Lengths", fmt.Sprintf("%d,%d,%d", z.SeqMatches, z.RsumBytes, z.ChecksumBytes))
	for _, u := range urls {
		h.field("URL", u)
	}
	if s.Digests.SHA1 != [20]byte{} {
		h.field("SHA-1", hex.EncodeToString(s.Digests.SHA1[:]))
	}
	return append(h, '\n'), nil
}

// valid reports whether the client accepts the parameters.
func valid(z mirror.ZSyncParams) bool {
	return z.BlockSize > 0 && bits.OnesCount(uint(z.BlockSize)) == 1 &&
		(z.SeqMatches == 1 || z.SeqMatches == 2) &&
		z.RsumBytes >= 1 && z.RsumBytes <= 4 &&
		z.ChecksumBytes >= 3 && z.ChecksumBytes <= 16
}

// urlLines gives the URLs that can stand in a control file.
func urlLines(s *mirror.Subject, sources []mirror.Source) []string {
	urls := make([]string, 0, max(1, len(sources)))
	for i := range sources {
		if fits(sources[i].URL) {
			urls = append(urls, sources[i].URL)
		}
	}
	if len(urls) == 0 && fits(s.URL) {
		urls = append(urls, s.URL)
	}
	return urls
}

func fits(url string) bool {
	return len("URL: ")+len(url) <= maxLine && mirror.PlainURL(url)
}

// header is the text part being written.
type header []byte

// field appends a line. Its value must not have a line end.
func (h *header) field(name, value string) {
	*h = append(*h, name...)
	*h = append(*h, ": "...)
	*h = append(*h, value...)
	*h = append(*h, '\n')
}

package accesslog

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options for [NewReader]. The zero value is good for use.
type Options struct {
	Format Format         // Auto: found out from the first lines
	Zone   *time.Location // of times without a zone; nil: the system's
}

// Counts are the lines of a log.
type Counts struct {
	Lines int64 // all of them
	Other int64 // empty ones, comments, and messages that tell of no request
	Bad   int64 // those that cannot be read in the log's format
}

// Line is one line of a log, for messages.
type Line struct {
	Number int64
	Text   string // its beginning
}

// Reader reads one log. It is used by one goroutine.
type Reader struct {
	name   string
	in     *bufio.Reader
	format Format
	zone   *time.Location
	ahead  [][]byte // lines that were read to find the format out

	counts   Counts
	firstBad Line
	json     scanner
	scratch  []byte
	line     []byte
	words    map[string]string
}

// Bounds of what is read.
const (
	maxLine   = 1 << 20 // longer lines are counted as bad
	maxWords  = 1 << 14 // different values of fields that are kept to be shared
	maxWord   = 512
	lookahead = 50   // lines that the format is found out from
	badLeast  = 1000 // lines before a log is given up for too many bad ones
	badShare  = 10   // one in so many is too many
)

// NewReader reads a log, which may be compressed by gzip, bzip2 or zstd. name is for
// messages.
func NewReader(in io.Reader, name string, o Options) (*Reader, error) {
	plain, err := Decompress(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := &Reader{
		name: name, in: bufio.NewReaderSize(plain, 256<<10), format: o.Format, zone: o.Zone,
		words: map[string]string{},
	}
	if r.zone == nil {
		r.zone = time.Local
	}
	if r.format == Auto {
		if err := r.detect(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Format is the format of the log; Auto if there are no lines to find it out from.
func (r *Reader) Format() Format { return r.format }

// Counts gives the lines so far.
func (r *Reader) Counts() Counts { return r.counts }

// FirstBad is the first line that could not be read; Number 0: there is none.
func (r *Reader) FirstBad() Line { return r.firstBad }

// verdict is what became of a line.
type verdict uint8

const (
	bad   verdict = iota
	good          // it is an entry
	other         // there is nothing wrong with it, but it tells of no request
)

// Next reads the next entry into e; io.EOF when there is none. Lines that cannot be
// read are passed over, and an error only when they are more than a tenth.
func (r *Reader) Next(e *Entry) error {
	for {
		line, err := r.nextLine()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return cmp.Or(r.tooBad(1), io.EOF)
			}
			return fmt.Errorf("%s: line %d: %w", r.name, r.counts.Lines+1, err)
		}
		r.counts.Lines++
		switch r.parse(line, r.format, e) {
		case good:
			return nil
		case other:
			r.counts.Other++
		case bad:
			r.counts.Bad++
			if r.firstBad.Number == 0 {
				r.firstBad = Line{r.counts.Lines, beginning(line)}
			}
			if err := r.tooBad(badLeast); err != nil {
				return err
			}
		}
	}
}

// tooBad is the error of a log with too many bad lines, once there are so many. One
// alone may be the last, which is still being written.
func (r *Reader) tooBad(least int64) error {
	c := r.counts
	if c.Lines < least || c.Bad*badShare <= c.Lines || c.Bad == 1 && c.Lines > 1 {
		return nil
	}
	return fmt.Errorf("%s: %d of %d lines are not of the format %s (--format names another), the first is line %d: %s",
		r.name, c.Bad, c.Lines, r.format, r.firstBad.Number, r.firstBad.Text)
}

// parse reads one line in one format.
func (r *Reader) parse(line []byte, f Format, e *Entry) verdict {
	e.reset()
	if len(bytes.TrimSpace(line)) == 0 {
		return other
	}
	if len(line) >= maxLine {
		return bad
	}
	switch f {
	case Caddy:
		return r.parseCaddy(line, e)
	case MirrorBrain:
		return r.parseMirrorBrain(line, e)
	case Mirrorbits:
		return r.parseMirrorbits(line, e)
	case Combined:
		if _, ok := r.parseNCSA(line, e); ok {
			return good
		}
	case Auto, formats: // there are no lines
	}
	return bad
}

// nextLine gives the next line without its end. It is good until the next call, and
// not longer than maxLine.
func (r *Reader) nextLine() ([]byte, error) {
	if len(r.ahead) > 0 {
		line := r.ahead[0]
		r.ahead = r.ahead[1:]
		return line, nil
	}
	return r.readLine()
}

func (r *Reader) readLine() ([]byte, error) {
	part, err := r.in.ReadSlice('\n')
	if err == nil {
		return trimEnd(part), nil
	}
	if len(part) == 0 && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	line := r.line[:0]
	line = append(line, part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.in.ReadSlice('\n')
		line = append(line, part[:min(len(part), max(0, maxLine-len(line)))]...)
	}
	r.line = line
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return trimEnd(line), nil
}

func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// intern gives a value as a string, the same one again and again for values that
// come often.
func (r *Reader) intern(b []byte) string {
	if s, ok := r.words[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(r.words) < maxWords && len(s) <= maxWord {
		r.words[s] = s
	}
	return s
}

// beginning is as much of a line as a message may have.
func beginning(line []byte) string {
	const limit = 200
	if len(line) <= limit {
		return string(line)
	}
	return string(line[:limit]) + "..."
}

package asn

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// format reads one kind of file.
type format struct {
	name string
	// sniff reports whether a file that starts with head is of this kind. name
	// is the file's name without folder, for kinds that do not show in head.
	sniff func(name string, head []byte) bool
	read  func(r io.Reader, c *collector) error
}

// formats are tried in this order; a new one needs an entry here and no more.
var formats = []format{
	{"mmdb", sniffMMDB, readMMDB},
	textFormat(pfx2as),
	textFormat(iptoasn),
	textFormat(prefixList),
}

// headSize is how much of a file (once decompressed) its kind is told from.
const headSize = 16 << 10

// Read reads an AS table of any known format, plain, gzip or bzip2, and yields
// its prefixes in order and each once, IPv4 first.
//
// The whole file is read and judged before the first prefix is yielded: an
// empty, truncated or broken file, and one with more than 1 % of unreadable
// lines, is an error that says what was expected where. AS 0, default routes
// and AS numbers that cannot be in a table of the Internet are left out and
// counted; of several origins, and of AS sets, the first usable number counts.
// An error of yield ends the reading and is returned as it is.
func Read(path string, yield func(Prefix) error) (Stats, error) {
	t, stats, err := Load(path)
	if err != nil {
		return stats, err
	}
	for p := range t.All() {
		if err := yield(p); err != nil {
			return stats, err
		}
	}
	return stats, nil
}

// Load is Read into a table.
func Load(path string) (*Table, Stats, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Stats{}, fmt.Errorf("reading the AS table: %w", err)
	}
	defer f.Close()
	t, stats, err := parse(filepath.Base(path), f)
	if err != nil {
		return nil, stats, fmt.Errorf("AS table %s: %w", path, err)
	}
	return t, stats, nil
}

func parse(name string, r io.Reader) (*Table, Stats, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, Stats{}, err
	}
	br := bufio.NewReaderSize(plain, headSize)
	head, err := br.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, Stats{}, fmt.Errorf("unpacking: %w", err)
	}
	f, err := detect(name, head)
	if err != nil {
		return nil, Stats{}, err
	}
	c := new(collector)
	c.stats.Format = f.name
	if err := f.read(br, c); err != nil {
		return nil, c.stats, fmt.Errorf("as %s: %w", f.name, err)
	}
	if err := c.finish(); err != nil {
		return nil, c.stats, fmt.Errorf("as %s: %w", f.name, err)
	}
	return &c.table, c.stats, nil
}

// decompress tells gzip and bzip2 by their first bytes.
func decompress(r io.Reader) (io.Reader, error) {
	br := bufio.NewReader(r)
	magic, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err // a folder, a broken disk
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("unpacking: %w", err)
		}
		return zr, nil
	case bytes.HasPrefix(magic, []byte("BZh")):
		return bzip2.NewReader(br), nil
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")), bytes.HasPrefix(magic, []byte("\xfd7zX")), bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return nil, errors.New("is an archive or compressed in a way that is not known here: unpack it first (gzip and bzip2 are read as they are)")
	}
	return br, nil
}

func detect(name string, head []byte) (format, error) {
	if len(bytes.TrimSpace(head)) == 0 {
		return format{}, errors.New("is empty")
	}
	for _, f := range formats {
		if f.sniff(name, head) {
			return f, nil
		}
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	var wants []string
	for _, l := range []lineFormat{pfx2as, iptoasn, prefixList} {
		wants = append(wants, fmt.Sprintf("%q (%s)", l.example, l.name))
	}
	return format{}, fmt.Errorf("is in no known format: it begins with %q, where a line like %s or an mmdb file is expected", clip(first), strings.Join(wants, ", "))
}

// clip shortens foreign text for messages.
func clip(b []byte) string {
	const most = 80
	if len(b) > most {
		return string(b[:most]) + "..."
	}
	return string(b)
}

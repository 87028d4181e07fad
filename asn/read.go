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
	{"MRT", sniffMRT, readMRT}, // before mmdb, which any other binary file is taken for
	{"mmdb", sniffMMDB, readMMDB},
	textFormat(bgpdump),
	showBGP,
	asOrg,
	textFormat(pfx2as),
	textFormat(iptoasn),
	textFormat(prefixList),
	textFormat(asNames), // last, as it asks for least
}

// headSize is how much of a file (once decompressed) its kind is told from.
const headSize = 16 << 10

// Data is what a file holds: a table, names, or both.
type Data struct {
	Table *Table
	Names Names
	Stats Stats
}

// Read reads an AS table of any known format, plain, gzip or bzip2, and yields
// its prefixes in order and each once, IPv4 first.
//
// The whole file is read and judged before the first prefix is yielded: an
// empty, truncated or broken file, and one with more than 1 % of unreadable
// lines, is an error that says what was expected where. AS 0, default routes
// and AS numbers that cannot be in a table of the Internet are left out and
// counted; of several origins, and of AS sets, the first usable number counts;
// of several routes to a prefix the origin that most peers see, the lowest if
// there are several such. An error of yield ends the reading and is returned as
// it is.
func Read(path string, yield func(Prefix) error) (Stats, error) {
	d, err := Load(path)
	if err != nil {
		return d.Stats, err
	}
	for p := range d.Table.All() {
		if err := yield(p); err != nil {
			return d.Stats, err
		}
	}
	return d.Stats, nil
}

// Load reads a file as Read does, and the names of autonomous systems that it
// holds. A file with names alone is good, too: its table is empty.
func Load(path string) (Data, error) {
	f, err := os.Open(path)
	if err != nil {
		return Data{}, fmt.Errorf("reading the AS table: %w", err)
	}
	defer f.Close()
	d, err := parse(filepath.Base(path), f)
	if err != nil {
		return d, fmt.Errorf("AS table %s: %w", path, err)
	}
	return d, nil
}

// parse gives the stats with errors, too.
func parse(name string, r io.Reader) (Data, error) {
	plain, err := decompress(r)
	if err != nil {
		return Data{}, err
	}
	br := bufio.NewReaderSize(plain, headSize)
	head, err := br.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return Data{}, fmt.Errorf("unpacking: %w", err)
	}
	f, err := detect(name, head)
	if err != nil {
		return Data{}, err
	}
	c := new(collector)
	c.stats.Format = f.name
	if err := f.read(br, c); err != nil {
		return Data{Stats: c.stats}, fmt.Errorf("as %s: %w", f.name, err)
	}
	if err := c.finish(); err != nil {
		return Data{Stats: c.stats}, fmt.Errorf("as %s: %w", f.name, err)
	}
	return Data{c.table, c.names.names, c.stats}, nil
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
	for _, l := range []lineFormat{pfx2as, iptoasn, prefixList, bgpdump, asNames} {
		wants = append(wants, fmt.Sprintf("%q (%s)", l.example, l.name))
	}
	return format{}, fmt.Errorf("is in no known format: it begins with %q, where a line like %s, a router's table, an MRT dump or an mmdb file is expected", clip(first), strings.Join(wants, ", "))
}

// clip shortens foreign text for messages.
func clip(b []byte) string {
	const most = 80
	if len(b) > most {
		return string(b[:most]) + "..."
	}
	return string(b)
}

package geofetch

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxUnpacked bounds a database, in bytes. Packed ones can claim anything.
const maxUnpacked = 4 << 30

// unpack writes the database that is in r to f: as it is, gzipped, or in a tar
// archive, which is told by the contents and not by names. It reads r to its end.
func unpack(r io.Reader, f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReader(r)
	content := in
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		content = bufio.NewReader(&limited{r: z, left: maxUnpacked})
	}
	if err := unpackTar(content, f); err != nil {
		return err
	}
	// To their ends, so that check sums are looked at.
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

func unpackTar(in *bufio.Reader, f *os.File) error {
	const magicAt = 257 // POSIX.1-2017, pax, "ustar Interchange Format"
	if head, _ := in.Peek(magicAt + 5); len(head) < magicAt+5 || string(head[magicAt:]) != "ustar" {
		_, err := io.Copy(f, in)
		return err
	}
	archive := tar.NewReader(in)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("there is no .mmdb in the archive")
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, ".mmdb") {
			continue
		}
		if h.Size > maxUnpacked { // holes take no room in the archive
			return errTooLarge
		}
		n, err := io.Copy(f, archive) //nolint:gosec // no more than h.Size
		if err == nil && n != h.Size {
			err = fmt.Errorf("the archive ends within the database")
		}
		return err
	}
}

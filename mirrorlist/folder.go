package mirrorlist

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Folder is what the list of a folder says.
type Folder struct {
	Path string // in the tree, without slashes around it; "" is the root
	URL  string // its own at the redirector, absolute, percent-encoded, ends in a slash
	// Sources in the order in which a client should try them. The redirector
	// itself may be the last, as the origin: then lists that cannot be empty have
	// it as their last resort.
	Sources []FolderSource
}

// FolderSource is a place from which files of a folder can be had. Its URL is
// that of the folder there and ends in a slash.
type FolderSource struct {
	mirror.Source
	Coverage float64 // how much of the folder's files it has now, 0 to 1
}

// Format is a kind of list of a folder's mirrors.
type Format string

// The formats.
const (
	// FormatJSON is an array of objects with a key url, as libzypp 17.37 and
	// later read it. It is empty without mirrors: the origin is not among them,
	// since clients know it already.
	FormatJSON Format = "json"
	// FormatText has a URL a line.
	FormatText Format = "text"
	// FormatDNF is what dnf and yum take as mirrorlist=: a base URL a line.
	FormatDNF Format = "dnf"
	// FormatAPT is what apt takes as mirror+https:// (apt-transport-mirror(1)):
	// a URL a line, a tab, and a priority, of which the lowest is tried first.
	FormatAPT Format = "apt"
	// FormatPacman is a pacman.conf(5) fragment of Server lines. The URLs are
	// those of the folder asked for, without the variables $repo and $arch.
	FormatPacman Format = "pacman"
)

// formats lists them in the order in which they are told to people.
var formats = []Format{FormatJSON, FormatDNF, FormatAPT, FormatPacman, FormatText}

// FormatError says that there is no format of that name. The client is at fault.
type FormatError struct{ Format string }

// Error names the formats that there are.
func (e *FormatError) Error() string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return fmt.Sprintf("format %.40q: must be one of %s", e.Format, strings.Join(names, ", "))
}

// ParseFormat reads the name of a format; "" is FormatJSON. The error is a
// *FormatError.
func ParseFormat(s string) (Format, error) {
	if s == "" {
		return FormatJSON, nil
	}
	for _, f := range formats {
		if string(f) == s {
			return f, nil
		}
	}
	return "", &FormatError{Format: s}
}

// ContentType is the media type of lists in this format.
func (f Format) ContentType() string {
	if f == FormatJSON {
		return TypeJSON
	}
	return TypeText
}

// Append appends the list in a format. Sources whose URL is not a well-formed
// one of http or https are left out.
func (f *Folder) Append(dst []byte, format Format) []byte {
	if format == FormatJSON {
		return f.AppendJSON(dst, false)
	}
	priority := 0
	for i := range f.Sources {
		u := f.Sources[i].URL
		if !wellFormed(u) {
			continue
		}
		priority++
		dst = format.appendLine(dst, u, priority)
	}
	return dst
}

// appendLine appends the line of one URL, the priority-th of the list.
func (f Format) appendLine(dst []byte, u string, priority int) []byte {
	switch f {
	case FormatAPT:
		dst = append(append(dst, u...), "\tpriority:"...)
		dst = strconv.AppendInt(dst, int64(priority), 10)
	case FormatPacman:
		dst = append(dst, "Server = "...)
		// pacman puts something else in the place of $repo and $arch.
		dst = append(dst, strings.ReplaceAll(u, "$", "%24")...)
	case FormatJSON, FormatDNF, FormatText:
		dst = append(dst, u...)
	}
	return append(dst, '\n')
}

// AppendJSON appends the list in FormatJSON: an array of objects, url first.
// pretty indents it.
func (f *Folder) AppendJSON(dst []byte, pretty bool) []byte {
	w := jsonWriter{b: dst, from: len(dst)}
	w.open('[')
	for i := range f.Sources {
		s := &f.Sources[i]
		if s.Kind == mirror.SourceOrigin || !wellFormed(s.URL) {
			continue
		}
		w.open('{')
		w.source(&s.Source, true)
		w.part("coverage", s.Coverage)
		w.close('}')
	}
	w.close(']')
	return finish(w.b, len(dst), pretty)
}

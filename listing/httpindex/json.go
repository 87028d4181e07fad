package httpindex

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// jsonItem has the keys of all known servers. Names are kept as they came,
// because nginx and lighttpd write bytes that are not UTF-8 as they are, and
// encoding/json would replace them.
type jsonItem struct {
	Name    json.RawMessage `json:"name"`
	URL     json.RawMessage `json:"url"`      // Caddy, this project
	ModTime string          `json:"mod_time"` // same
	Mode    *uint32         `json:"mode"`     // same, as Go's fs.FileMode
	IsDir   *bool           `json:"is_dir"`   // same
	IsLink  bool            `json:"is_symlink"`
	Type    string          `json:"type"`  // nginx: directory, file, other; lighttpd: dir, file
	MTime   json.RawMessage `json:"mtime"` // nginx: "Sat, 03 Feb 2024 04:07:00 GMT"; lighttpd: seconds
	Size    *int64          `json:"size"`
}

// Caddy reads no more than this many entries of a folder, unless told so, and
// does not say when there are more. Some of those read may then be hidden.
const (
	caddyLimit = 10000
	caddySlack = 10
)

// readJSON reads the JSON of nginx, lighttpd, Caddy and this project: an array
// of objects, one for each child.
func readJSON(r *bufio.Reader, at folderURL, most pageLimits, yield func(item) error) (page, error) {
	skipBrace(r)
	// The decoder would keep all of an item, however long it is.
	piece := &meter{r: r, left: maxItem}
	dec := json.NewDecoder(piece)
	var p page
	if t, err := dec.Token(); err != nil {
		return p, jsonError(err)
	} else if t != json.Delim('[') {
		return p, fmt.Errorf("%w: JSON, but not a list", listing.ErrNotIndex)
	}
	caddies := 0
	for rows := 0; dec.More(); rows++ {
		if rows == most.rows {
			p.over, p.rows = true, rows
			return p, nil
		}
		var j jsonItem
		piece.left = maxItem
		if err := dec.Decode(&j); err != nil {
			return p, jsonError(err)
		}
		it, ok, err := j.item(at)
		if err != nil {
			return p, err
		}
		if !ok {
			p.refused++
			continue
		}
		if j.IsDir != nil {
			caddies++
		}
		if err := yield(it); err != nil {
			return p, stopError{err}
		}
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return p, jsonError(err)
	}
	if caddies <= caddyLimit && caddies > caddyLimit-caddySlack {
		p.cut = fmt.Sprintf("%d entries, where Caddy stops by default", caddies)
	}
	return p, nil
}

// maxItem is the longest item that is read, in bytes; real ones have a few
// hundred.
const maxItem = 1 << 20

// meter reads no more than left bytes, which is set anew for each item.
type meter struct {
	r    io.Reader
	left int
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: an item of more than %d bytes", listing.ErrNotIndex, maxItem)
	}
	n, err := m.r.Read(b[:min(len(b), m.left)])
	m.left -= n
	return n, err
}

// skipBrace skips the brace that lighttpd 1.4.69 writes before the list ("{[").
func skipBrace(r *bufio.Reader) {
	if b, _ := r.Peek(16); len(b) > 1 && b[0] == '{' && bytes.HasPrefix(bytes.TrimLeft(b[1:], " \r\n\t"), []byte("[")) {
		_, _ = r.Discard(1) // just peeked at
	}
}

// jsonError tells a connection that broke from content that is not an index.
func jsonError(err error) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w: %w", listing.ErrNotIndex, err)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%w: %w", listing.ErrNotIndex, err)
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// item converts; ok is false for a name that no file can have.
func (j *jsonItem) item(at folderURL) (it item, ok bool, err error) {
	it = item{sizeMin: -1, sizeMax: -1}
	it.name, ok = unquote(j.Name)
	if !ok {
		return it, false, fmt.Errorf("%w: JSON without names", listing.ErrNotIndex)
	}
	if j.Size != nil && *j.Size >= 0 {
		it.sizeMin, it.sizeMax = *j.Size, *j.Size
	}
	switch {
	case j.IsDir != nil:
		ok = j.caddy(at, &it)
	case j.Type == "file":
	case j.Type == "directory" || j.Type == "dir":
		it.kind = listing.Dir
	case j.Type == "other":
		it.kind = listing.Other
	default:
		return it, false, fmt.Errorf("%w: JSON, but of another kind", listing.ErrNotIndex)
	}
	if it.kind != listing.File {
		it.sizeMin, it.sizeMax = -1, -1
	}
	j.mtime(&it)
	return it, ok && isName(it.name), nil
}

// caddy reads the keys of Caddy's browse and of this project. The URL has the
// name's true bytes, the name only if they are UTF-8.
func (j *jsonItem) caddy(at folderURL, it *item) bool {
	if *j.IsDir {
		it.kind = listing.Dir
		it.name = strings.TrimSuffix(it.name, "/")
	}
	if href, ok := unquote(j.URL); ok {
		name, _, kind := at.resolve(href)
		if kind != child {
			return false
		}
		it.name = name
	}
	if j.Mode != nil && !j.IsLink {
		it.mode, it.hasMode = *j.Mode&0o777, true
	}
	return true
}

func (j *jsonItem) mtime(it *item) {
	switch {
	case j.ModTime != "" && !j.IsLink: // of a link, Caddy gives the link's own time
		if at, err := parseRFC3339(j.ModTime); err == nil {
			it.mtime, it.precision = at.Truncate(time.Second).UnixNano(), time.Second
		}
	case len(j.MTime) > 0 && j.MTime[0] == '"':
		text, _ := unquote(j.MTime) // it begins with a quote
		if at, err := http.ParseTime(text); err == nil {
			it.mtime, it.precision = at.UnixNano(), time.Second
		}
	case len(j.MTime) > 0:
		const most = int64(1) << 33 // seconds; nanoseconds would overflow in 2262
		if n, err := strconv.ParseInt(string(j.MTime), 10, 64); err == nil && n > -most && n < most {
			it.mtime, it.precision = n*int64(time.Second), time.Second
		}
	}
}

// unquote decodes a JSON string, leaving bytes that are not UTF-8 alone. The
// decoder has checked its syntax.
func unquote(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	s := raw[1 : len(raw)-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s), true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
				if both := utf16.DecodeRune(r, hex4(s[i+3:])); both != utf8.RuneError {
					r = both
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

// hex4 reads four hexadecimal digits.
func hex4(s []byte) rune {
	if len(s) < 4 {
		return utf8.RuneError
	}
	var r rune
	for _, c := range s[:4] {
		if !isHex(c) {
			return utf8.RuneError
		}
		r = r<<4 | rune(unhex(c))
	}
	return r
}

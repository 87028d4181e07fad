package rsync

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// parseLine reads a line of the program's listing (generator.c,
// list_file_entry):
//
//	drwxr-xr-x          4,096 2026/11/21 21:46:20 some/folder
//	lrwxrwxrwx              6 2026/11/21 21:46:20 link -> target
//
// printed in UTC. Versions before 3.1 and some builds group the digits of
// sizes even when asked not to.
func parseLine(line string) (listing.Entry, bool) {
	var e listing.Entry
	perms, rest, _ := strings.Cut(line, " ")
	size, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	date, rest, _ := strings.Cut(rest, " ")
	clock, name, ok := strings.Cut(rest, " ")
	if !ok || len(perms) < 10 || name == "" {
		return e, false
	}
	if e.Mode, ok = parsePerms(perms); !ok {
		return e, false
	}
	e.HasMode = true
	n, err := strconv.ParseInt(stripSeparators(size), 10, 64)
	if err != nil || n < 0 {
		return e, false
	}
	e.SizeMin, e.SizeMax = n, n
	// A time out of range is not known; the entry is there all the same.
	if t, err := time.Parse("2006/01/02 15:04:05", date+" "+clock); err == nil && t.Year() > 1678 && t.Year() < 2262 {
		e.MTime, e.Precision = t.UnixNano(), time.Second
	}
	switch perms[0] {
	case '-':
		e.Kind = listing.File
	case 'd':
		e.Kind = listing.Dir
	case 'l':
		e.Kind = listing.Symlink
		name, e.Target = splitLink(name, n)
	default:
		e.Kind = listing.Other
	}
	e.Path = unescape(name)
	return e, e.Path != ""
}

// splitLink parts "name -> target", both still escaped. A link's size is the
// length of its target, which decides where " -> " comes more than once.
func splitLink(s string, size int64) (name, target string) {
	const arrow = " -> "
	behind := -int64(len(arrow)) // length of s[i+len(arrow):], unescaped
	for i := len(s) - 1; i >= 0 && behind-escapeLen < size; i-- {
		behind++
		if _, ok := escaped(s[i:]); ok {
			behind -= escapeLen - 1
		}
		if behind == size && strings.HasPrefix(s[i:], arrow) {
			return s[:i], unescape(s[i+len(arrow):])
		}
	}
	name, target, _ = strings.Cut(s, arrow)
	return name, unescape(target)
}

// escapeLen is the length of "\#012".
const escapeLen = 5

// escaped gives the byte that s begins with an escape of.
func escaped(s string) (byte, bool) {
	if len(s) < escapeLen || s[0] != '\\' || s[1] != '#' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:escapeLen], 8, 8)
	return byte(n), err == nil
}

// unescape undoes the program's "\#012" for bytes that are not printable
// (log.c, filtered_fwrite).
func unescape(s string) string {
	if !strings.Contains(s, `\#`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := escaped(s[i:]); ok {
			out = append(out, c)
			i += escapeLen - 1
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func stripSeparators(s string) string {
	if strings.IndexByte(s, ',') < 0 && strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.NewReplacer(",", "", ".", "").Replace(s)
}

// parsePerms reads "rwxr-x--T" behind the type.
func parsePerms(s string) (mode uint32, ok bool) {
	const plain = "rwxrwxrwx"
	for i := range 9 {
		bit := uint32(1) << (8 - i)
		switch c := s[i+1]; {
		case c == plain[i]:
			mode |= bit
		case c == '-':
		case i%3 == 2 && (c == 's' || c == 't'):
			mode |= bit | 0o4000>>(i/3)
		case i%3 == 2 && (c == 'S' || c == 'T'):
			mode |= 0o4000 >> (i / 3)
		default:
			return 0, false
		}
	}
	return mode, true
}

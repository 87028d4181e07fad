package ftp

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// parseMLSD reads a line of MLSD (RFC 3659 section 7):
//
//	Type=file;Size=1229;Modify=20240203040500;UNIX.mode=0644; name
func parseMLSD(line string) (listing.Entry, error) {
	// Facts end with "; "; a fact, as the target of a link, may have a blank.
	facts, name, ok := strings.Cut(line, "; ")
	if !ok {
		facts, name, ok = strings.Cut(line, " ")
	}
	if !ok {
		return listing.Entry{}, errLine
	}
	e := listing.Entry{Path: name, SizeMin: -1, SizeMax: -1}
	typed := false
	for fact := range strings.SplitSeq(facts, ";") {
		key, value, ok := strings.Cut(fact, "=")
		if !ok && fact != "" {
			return listing.Entry{}, errLine
		}
		switch strings.ToLower(key) {
		case "type":
			switch strings.ToLower(value) {
			case "cdir":
				return listing.Entry{Path: "."}, errNoEntry
			case "pdir":
				return e, errNoEntry
			}
			typed = true
			e.Kind, e.Target = mlsdType(value)
		case "size":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
				e.SizeMin, e.SizeMax = n, n
			}
		case "modify":
			if at, err := mlsdTime(value); err == nil {
				setTime(&e, at, time.Second, false)
			}
		case "unix.mode":
			if m, err := strconv.ParseUint(value, 8, 32); err == nil {
				e.Mode, e.HasMode = uint32(m)&0o7777, true
			}
		}
	}
	if !typed {
		return listing.Entry{}, errLine
	}
	if e.Kind != listing.File {
		e.SizeMin, e.SizeMax = -1, -1
	}
	if _, err := entry(name, e.Kind); err != nil {
		return e, err
	}
	return e, nil
}

// mlsdType reads the type of an entry; there is no standard for links.
func mlsdType(value string) (kind listing.Kind, target string) {
	lower := strings.ToLower(value)
	switch {
	case lower == "file":
		return listing.File, ""
	case lower == "dir":
		return listing.Dir, ""
	case strings.HasPrefix(lower, "os.unix=slink"), strings.HasPrefix(lower, "os.unix=symlink"):
		_, target, _ = strings.Cut(value, ":")
		return listing.Symlink, target
	}
	return listing.Other, ""
}

// mlsdTime reads "20240203040500" or "20240203040500.123", which is in UTC.
func mlsdTime(value string) (time.Time, error) {
	whole, _, _ := strings.Cut(value, ".")
	return time.Parse("20060102150405", whole)
}

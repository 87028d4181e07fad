package asn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxNames bounds the names of a file. Some 120,000 AS numbers are in use.
	maxNames = 500_000

	// maxName bounds a name, in bytes. The longest known ones have about a hundred.
	maxName = 128

	// maxNameBytes bounds what is looked at for names in one file: in an mmdb one
	// long text can be the name of each network.
	maxNameBytes = 256 << 20
)

// Name is what an autonomous system is called. It was written by others: Text is
// valid UTF-8 of at most 128 bytes in one line, without control characters.
type Name struct {
	Text    string // "" is not in a table of names
	Country string // two lower-case letters; "" is unknown
}

// Names has the names of autonomous systems.
type Names map[uint32]Name

// namer gathers names. The first for a number counts.
type namer struct {
	names Names
	bytes int
}

// wants reports whether a name for asn would be kept.
func (n *namer) wants(asn uint32) bool {
	_, known := n.names[asn]
	return !known && asn != 0 && len(n.names) < maxNames && n.bytes < maxNameBytes
}

func (n *namer) add(asn uint32, text, country string) {
	n.bytes += len(text)
	if !n.wants(asn) {
		return
	}
	if n.names == nil {
		n.names = Names{}
	}
	n.names[asn] = Name{cleanName(text), cleanCountry(country)}
}

// finish drops the empty ones, which only said not to look again.
func (n *namer) finish() int {
	for asn, name := range n.names {
		if name.Text == "" {
			delete(n.names, asn)
		}
	}
	return len(n.names)
}

// cleanName makes one short line of valid UTF-8.
func cleanName(s string) string {
	const enough = 4 * maxName // of which spaces may be taken away
	if len(s) > enough {
		s = s[:enough]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r): // Cf could turn the line around
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxName {
		cut := maxName
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = strings.TrimSpace(s[:cut])
	}
	return s
}

func cleanCountry(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) != 2 || s == "zz" || s[0] < 'a' || s[0] > 'z' || s[1] < 'a' || s[1] > 'z' {
		return "" // "None", "Unknown", and ZZ of ISO 3166 for unknown
	}
	return s
}

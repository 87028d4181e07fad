package accesslog

import (
	"bytes"
	"slices"
)

// parseMirrorBrain reads the log that MirrorBrain's manual recommends: the combined
// format, and then
//
//	want:WANT give:GIVE r:REALM MIRROR CONTINENT:COUNTRY ASN:AS P:PREFIX size:BYTES RANGE
//
// Operators left fields out and moved them; each is known by how it begins. Of two
// of a kind the first counts: the last field, Range, is the client's.
func (r *Reader) parseMirrorBrain(line []byte, e *Entry) verdict {
	rest, ok := r.parseNCSA(line, e)
	if !ok {
		return bad
	}
	f := mirrorBrainFields{r: r, e: e}
	for len(rest) > 0 {
		if bytes.HasPrefix(rest, []byte("bytes=")) {
			e.Range = string(rest)
			break
		}
		var field []byte
		field, rest = word(rest)
		f.take(field)
	}
	if !f.want && !f.give {
		return bad
	}
	return good
}

// mirrorBrainFields are those that were seen.
type mirrorBrainFields struct {
	r *Reader
	e *Entry

	want, give, realm, mirror, place, as, prefix, size bool
}

// take reads one field.
func (f *mirrorBrainFields) take(field []byte) {
	name, value, labelled := bytes.Cut(field, []byte(":"))
	switch e := f.e; {
	case labelled && string(name) == "want" && !f.want:
		f.want = true
		f.document(value, "file")
	case labelled && string(name) == "give" && !f.give:
		f.give = true
		f.document(value, "file", "redirect")
	case labelled && string(name) == "r" && !f.realm:
		f.realm = true
		if string(value) != "-" {
			e.Realm = f.r.intern(value)
		}
	case labelled && string(name) == "ASN" && !f.as:
		f.as, e.ASN = true, asNumber(value)
	case labelled && string(name) == "P" && !f.prefix:
		f.prefix, e.Prefix = true, network(value)
	case labelled && string(name) == "size" && !f.size:
		f.size = true
		e.Size, _ = number(value)
	case labelled && !f.place && isPlace(name, value):
		f.place, e.Continent, e.Country = true, code(name), code(value)
	case !labelled && !f.mirror && (f.realm || f.give) && field[0] != '(': // "file (database_not_reached)"
		f.mirror, e.Logged = true, true
		e.Mirror = f.r.mirrorName(field)
	}
}

// document notes that something else than those words is given.
func (f *mirrorBrainFields) document(value []byte, words ...string) {
	if string(value) != "-" && !slices.Contains(words, string(value)) {
		f.e.Document = true
	}
}

// isPlace tells "EU:DE", "--:--" and "-:-" from other fields with a colon.
func isPlace(continent, country []byte) bool {
	return len(continent) <= 2 && len(country) <= 2 && len(continent) > 0 && len(country) > 0
}

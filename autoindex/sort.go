package autoindex

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// Sort sorts entries in place. No two different entries are equal, so the result
// does not depend on the order they came in.
func (o Order) Sort(entries []Entry) {
	s := sorter{o: o, keys: o.keys(entries)}
	rows := s.rows(entries)
	slices.SortFunc(rows, s.compare)
	permute(entries, rows)
}

// sorter knows all that is compared of entries.
type sorter struct {
	o    Order
	keys []sortKey
}

// sortKey is what is compared of an entry but its being a folder. Texts are
// slices of one string, so that a large folder costs few allocations.
type sortKey struct {
	number int64
	text   string // of the description
	name   string // of the name, by the order's rules
	raw    string // the name itself, folders with their slash
}

// sortRow is what is moved. Most pairs are told apart by head, which is the
// number, or the first bytes of the text that are not common to all.
type sortRow struct {
	head uint64
	at   int32
	file bool // in the second of two groups
}

func (s *sorter) compare(a, b sortRow) int {
	if a.file != b.file { // whatever the direction
		if b.file {
			return -1
		}
		return 1
	}
	if s.o.Descending {
		a, b = b, a
	}
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	x, y := &s.keys[a.at], &s.keys[b.at]
	if c := cmp.Compare(x.number, y.number); c != 0 {
		return c
	}
	if c := strings.Compare(x.text, y.text); c != 0 {
		return c
	}
	if c := strings.Compare(x.name, y.name); c != 0 {
		return c
	}
	return s.o.compareTied(x.raw, y.raw)
}

// compareTied decides between names whose keys are equal, in the steps in which
// Apache does.
func (o Order) compareTied(a, b string) int {
	if a == b {
		return 0
	}
	if o.Version && o.IgnoreCase {
		if c := compareNatural(a, b, false); c != 0 {
			return c
		}
	}
	if o.IgnoreCase {
		if c := strings.Compare(string(appendLower(nil, a)), string(appendLower(nil, b))); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

func (o Order) keys(entries []Entry) []sortKey {
	keys := make([]sortKey, len(entries))
	type span struct{ name, text int } // where each ends
	spans := make([]span, len(entries))
	all := make([]byte, 0, 64*len(entries))
	for i := range entries {
		e, k := &entries[i], &keys[i]
		k.raw, k.number = e.shownName(), o.number(e)
		all = o.appendNameKey(all, k.raw)
		spans[i].name = len(all)
		if o.Column == ByDescription {
			all = o.appendTextKey(all, e.Description)
		}
		spans[i].text = len(all)
	}
	texts, begin := string(all), 0
	for i, s := range spans {
		keys[i].name, keys[i].text = texts[begin:s.name], texts[s.name:s.text]
		begin = s.text
		if !o.Version && !o.IgnoreCase {
			keys[i].name = keys[i].raw
		}
	}
	return keys
}

func (o Order) appendNameKey(dst []byte, name string) []byte {
	switch {
	case o.Version:
		return appendNaturalKey(dst, name, o.IgnoreCase)
	case o.IgnoreCase:
		return appendLower(dst, name)
	}
	return dst
}

func (o Order) appendTextKey(dst []byte, text string) []byte {
	if o.Version {
		return appendNaturalKey(dst, text, false)
	}
	return append(dst, text...)
}

// number is the value in a column of numbers. Folders have no size and no
// mirrors, and stand where the unknown does.
func (o Order) number(e *Entry) int64 {
	switch o.Column {
	case ByModified:
		if e.ModTime.IsZero() {
			return -1 << 63
		}
		return e.ModTime.UnixNano()
	case BySize:
		return e.fileSize()
	case ByMirrors:
		return int64(e.knownMirrors())
	default:
		return 0
	}
}

// rows makes what is sorted.
func (s *sorter) rows(entries []Entry) []sortRow {
	rows := make([]sortRow, len(entries))
	primary := func(k *sortKey) string { return k.name }
	if s.o.Column == ByDescription {
		primary = func(k *sortKey) string { return k.text }
	}
	numbers := s.o.Column == ByModified || s.o.Column == BySize || s.o.Column == ByMirrors
	common := 0
	if !numbers && len(s.keys) > 0 {
		common = len(primary(&s.keys[0]))
		for i := range s.keys {
			common = commonPrefix(primary(&s.keys[0])[:common], primary(&s.keys[i]))
		}
	}
	for i := range rows {
		rows[i] = sortRow{at: int32(i), file: s.o.FoldersFirst && !entries[i].Dir}
		if numbers {
			rows[i].head = uint64(s.keys[i].number) ^ 1<<63 // below zero comes first
		} else {
			rows[i].head = head(primary(&s.keys[i])[common:])
		}
	}
	return rows
}

// commonPrefix is how many bytes a and b have in common at their beginning.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// head gives the first bytes of s as a number that compares as they do.
func head(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

// permute puts entries into the order of rows without a second slice of them.
func permute(entries []Entry, rows []sortRow) {
	for i := range rows {
		if int(rows[i].at) == i {
			continue
		}
		first, to := entries[i], i
		for {
			from := int(rows[to].at)
			rows[to].at = int32(to)
			if from == i {
				entries[to] = first
				break
			}
			entries[to] = entries[from]
			to = from
		}
	}
}

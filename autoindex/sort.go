package autoindex

import (
	"cmp"
	"slices"
	"strings"
)

// sortKey is what is compared of an entry. Texts are slices of one string, so
// that a large folder costs few allocations.
type sortKey struct {
	at     int
	file   bool // in the second of two groups
	number int64
	text   string // of the description
	name   string // of the name, by the order's rules
	raw    string // the name itself, folders with their slash
}

// Sort sorts entries in place. No two different entries are equal, so the result
// does not depend on the order they came in.
func (o Order) Sort(entries []Entry) {
	keys := o.keys(entries)
	slices.SortFunc(keys, o.compare)
	permute(entries, keys)
}

func (o Order) compare(a, b sortKey) int {
	if a.file != b.file { // whatever the direction
		if b.file {
			return -1
		}
		return 1
	}
	if o.Descending {
		a, b = b, a
	}
	if c := cmp.Compare(a.number, b.number); c != 0 {
		return c
	}
	if c := strings.Compare(a.text, b.text); c != 0 {
		return c
	}
	if c := strings.Compare(a.name, b.name); c != 0 {
		return c
	}
	return o.compareTied(a.raw, b.raw)
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
	var all []byte
	for i := range entries {
		e := &entries[i]
		k := &keys[i]
		k.at, k.raw = i, e.shownName()
		k.file = o.FoldersFirst && !e.Dir
		k.number = o.number(e)
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
		if e.Dir {
			return -1
		}
		return e.Size
	case ByMirrors:
		if e.Dir || !e.Indexed {
			return -1
		}
		return int64(e.Mirrors)
	}
	return 0
}

// permute puts entries into the order of keys without a second slice of them.
func permute(entries []Entry, keys []sortKey) {
	for i := range keys {
		if keys[i].at == i {
			continue
		}
		first, to := entries[i], i
		for {
			from := keys[to].at
			keys[to].at = to
			if from == i {
				entries[to] = first
				break
			}
			entries[to] = entries[from]
			to = from
		}
	}
}

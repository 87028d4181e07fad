package autoindex

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var allColumns = []Column{Unsorted, ByName, ByModified, BySize, ByDescription, ByMirrors}

// orders are all that can be set.
func orders() (all []Order) {
	for _, c := range allColumns {
		for bits := range 16 {
			all = append(all, Order{c, bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0})
		}
	}
	return all
}

// slowCompare is the order as Apache's function has it, entry by entry.
func slowCompare(o Order, a, b *Entry) int {
	if o.FoldersFirst && a.Dir != b.Dir {
		if a.Dir {
			return -1
		}
		return 1
	}
	if o.Descending {
		a, b = b, a
	}
	text := strings.Compare
	if o.Version {
		text = func(a, b string) int { return slowNatural(a, b, false) }
	}
	c := 0
	switch o.Column {
	case ByModified:
		c = a.ModTime.Compare(b.ModTime)
	case BySize:
		c = cmp.Compare(a.fileSize(), b.fileSize())
	case ByMirrors:
		c = cmp.Compare(a.knownMirrors(), b.knownMirrors())
	case ByDescription:
		c = text(a.Description, b.Description)
	default:
	}
	x, y := a.shownName(), b.shownName()
	if o.Version && o.IgnoreCase {
		c = cmp.Or(c, slowNatural(x, y, true))
	}
	if o.Version {
		c = cmp.Or(c, slowNatural(x, y, false))
	}
	if o.IgnoreCase {
		c = cmp.Or(c, strings.Compare(asciiLower(x), asciiLower(y)))
	}
	return cmp.Or(c, strings.Compare(x, y))
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 32
		}
	}
	return string(b)
}

// entriesFrom makes entries with names that are alike out of bytes.
func entriesFrom(data []byte) (entries []Entry) {
	const alphabet = "01 29aAbB.-_é~"
	seen := map[string]bool{}
	for len(data) > 3 && len(entries) < 60 {
		n := int(data[0]%6) + 1
		var name []byte
		for i := 1; i <= n && i < len(data)-2; i++ {
			name = append(name, alphabet[int(data[i])%len(alphabet)])
		}
		e := New(string(name), data[0]&0x40 != 0)
		e.Size, e.Mirrors, e.Indexed = int64(data[1]%3)-1, int(data[2]%3)-1, data[1]&4 != 0
		if data[2]&8 != 0 {
			e.ModTime = captureTime.Add(-time.Duration(data[1] % 4))
		}
		e.Description = alphabet[:data[0]%4]
		data = data[min(n+2, len(data)):]
		if !seen[e.shownName()] {
			seen[e.shownName()] = true
			entries = append(entries, e)
		}
	}
	return entries
}

// checkOrder holds Sort against the slow order, which has to be total: any two
// different entries differ, and swapped the other way around; and any three fit.
func checkOrder(t *testing.T, o Order, entries []Entry) {
	t.Helper()
	n := min(len(entries), 14)
	for i := range n {
		for j := range n {
			ij := slowCompare(o, &entries[i], &entries[j])
			if ij != -slowCompare(o, &entries[j], &entries[i]) || (ij == 0) != (i == j) {
				t.Fatalf("%+v: %q and %q: %d", o, entries[i].Name, entries[j].Name, ij)
			}
			for k := range n {
				if jk := slowCompare(o, &entries[j], &entries[k]); ij < 0 && jk < 0 && slowCompare(o, &entries[i], &entries[k]) >= 0 {
					t.Fatalf("%+v: %q < %q < %q, but not the first before the last", o, entries[i].Name, entries[j].Name, entries[k].Name)
				}
			}
		}
	}
	want := slices.Clone(entries)
	slices.SortFunc(want, func(a, b Entry) int { return slowCompare(o, &a, &b) })
	got := slices.Clone(entries)
	o.Sort(got)
	for i := range want {
		if got[i].shownName() != want[i].shownName() {
			t.Fatalf("%+v: place %d: %q, want %q", o, i, got[i].shownName(), want[i].shownName())
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 600)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for _, o := range orders() {
		checkOrder(t, o, entriesFrom(data))
	}
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte("a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0"), uint8(0))
	all := orders()
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		checkOrder(t, all[int(which)%len(all)], entriesFrom(data))
	})
}

func TestFoldersStayFirst(t *testing.T) {
	t.Parallel()
	entries := []Entry{New("b", false), New("z", true), New("a", false), New("y", true)}
	Order{Descending: true, FoldersFirst: true}.Sort(entries)
	var got []string
	for _, e := range entries {
		got = append(got, e.shownName())
	}
	if s := strings.Join(got, " "); s != "z/ y/ b a" {
		t.Error(s)
	}
}

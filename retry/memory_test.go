package retry

import (
	"net/netip"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const window = 15 * time.Second

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// step is one request of a client.
type step struct {
	after time.Duration // since the request before
	from  string        // "" 192.0.2.1
	file  mirror.FileID
	want  []mirror.ID // to be skipped
	give  mirror.ID
}

func TestMemory(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"comes back", []step{{give: 1}, {after: 2 * time.Second, want: []mirror.ID{1}, give: 2}, {after: 3 * time.Second, want: []mirror.ID{1, 2}, give: 3}}},
		{"comes back at once", []step{{give: 1}, {want: []mirror.ID{1}, give: 2}, {want: []mirror.ID{1, 2}, give: 3}}},
		{"just in time", []step{{give: 1}, {after: window - ms, want: []mirror.ID{1}, give: 2}}},
		{"too late", []step{{give: 1}, {after: window, give: 2}, {after: ms, want: []mirror.ID{2}, give: 1}}},
		{"each within the window of the one before", []step{
			{give: 1}, {after: window - ms, want: []mirror.ID{1}, give: 2}, {after: window - ms, want: []mirror.ID{1, 2}, give: 3},
		}},
		{"another file", []step{{give: 1}, {file: 1, give: 1}, {want: []mirror.ID{1}, give: 2}}},
		{"another client", []step{{give: 1}, {from: "192.0.2.2", give: 1}, {want: []mirror.ID{1}, give: 2}}},
		{"the same written otherwise", []step{{give: 1}, {from: "::ffff:192.0.2.1", want: []mirror.ID{1}, give: 2}}},
		{"the same /64", []step{{from: "2001:db8::1", give: 1}, {from: "2001:db8::2:3", want: []mirror.ID{1}, give: 2}}},
		{"another /64", []step{{from: "2001:db8::1", give: 1}, {from: "2001:db8:0:1::1", give: 2}}},
		{"an IPv6 address that begins as the IPv4 one", []step{{give: 1}, {from: "c000:201::", give: 2}}},
		{"nobody", []step{{from: "-", give: 1}, {from: "-", give: 2}}},
		{"in segments", []step{
			{give: 1},
			{want: []mirror.ID{1}, give: 2},
			{want: []mirror.ID{1, 2}, give: 3},
			{give: 1},
			{after: 10 * ms, give: 1},
			{after: patience - ms, give: 2},
		}},
		{"waits between attempts", []step{
			{give: 1},
			{after: patience, want: []mirror.ID{1}, give: 2},
			{after: patience, want: []mirror.ID{1, 2}, give: 3},
			{after: patience, want: []mirror.ID{1, 2, 3}, give: 4},
			{after: patience, want: []mirror.ID{2, 3, 4}, give: 5},
			{after: 10 * ms, give: 5},
			{after: 14 * time.Second, want: []mirror.ID{4, 5, 5}, give: 6},
		}},
		{"mirror 0 and the largest", []step{{give: 0}, {want: []mirror.ID{0}, give: maxID}, {want: []mirror.ID{0, maxID}, give: 1}}},
		{"mirrors beyond", []step{{give: maxID + 1}, {give: 7}, {want: []mirror.ID{7}, give: 8}}},
		{"the clock steps back a little", []step{{give: 1}, {after: -20 * ms, want: []mirror.ID{1}, give: 2}}},
		{"the clock steps back far", []step{{give: 1}, {after: -time.Hour, give: 2}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, now := New(), start
			for i, s := range tc.steps {
				now = now.Add(s.after)
				addr := netip.MustParseAddr("192.0.2.1")
				switch s.from {
				case "":
				case "-":
					addr = netip.Addr{}
				default:
					addr = netip.MustParseAddr(s.from)
				}
				v := m.Visit(addr, s.file, now.UnixNano(), window)
				if diff := cmp.Diff(s.want, m.Tried(v, nil)); diff != "" {
					t.Errorf("request %d: -want +got:\n%s", i+1, diff)
				}
				m.Note(v, s.give)
			}
		})
	}
}

// The clock's 32 bits overflow every 49 days.
func TestClockOverflow(t *testing.T) {
	t.Parallel()
	m := New()
	now := int64(1<<32-100) * int64(time.Millisecond)
	addr := netip.MustParseAddr("192.0.2.1")
	m.Note(m.Visit(addr, 1, now, window), 5)
	got := m.Tried(m.Visit(addr, 1, now+int64(time.Second), window), nil)
	if diff := cmp.Diff([]mirror.ID{5}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSizeAndAllocations(t *testing.T) {
	if size := unsafe.Sizeof(Memory{}.slots); size != 256<<10 {
		t.Errorf("the table has %d bytes", size)
	}
	m, addr := New(), netip.MustParseAddr("2001:db8::1")
	list := make([]mirror.ID, 0, Most)
	if n := testing.AllocsPerRun(100, func() {
		v := m.Visit(addr, 3, start.UnixNano(), window)
		list = m.Tried(v, list[:0])
		m.Note(v, 9)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// With many clients most are told apart: those of 1,000 share few slots, and
// those that do have another part of the hash.
func TestCollisions(t *testing.T) {
	t.Parallel()
	m := New()
	visit := func(i int) Visit {
		return m.Visit(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1, start.UnixNano(), window)
	}
	for i := range 1000 {
		m.Note(visit(i), mirror.ID(i))
	}
	remembered := 0
	for i := range 1000 {
		switch got := m.Tried(visit(i), nil); {
		case len(got) == 1 && got[0] == mirror.ID(i):
			remembered++
		case len(got) > 0:
			t.Errorf("client %d was told %v", i, got)
		}
	}
	if remembered < 900 {
		t.Errorf("only %d of 1000 clients are remembered", remembered)
	}
}

func TestRace(t *testing.T) {
	t.Parallel()
	m := New()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(g % 3)})
			list := make([]mirror.ID, 0, Most)
			for i := range 2000 {
				v := m.Visit(addr, mirror.FileID(i%5), start.Add(time.Duration(i)*time.Millisecond).UnixNano(), window)
				if list = m.Tried(v, list[:0]); len(list) > Most {
					t.Errorf("%d mirrors", len(list))
				}
				for _, id := range list {
					if id < 0 || id > 9 {
						t.Errorf("mirror %d was never given", id)
					}
				}
				m.Note(v, mirror.ID(i%10))
			}
		})
	}
	wg.Wait()
}

func BenchmarkMemory(b *testing.B) {
	m, addr := New(), netip.MustParseAddr("192.0.2.1")
	list := make([]mirror.ID, 0, Most)
	var file mirror.FileID
	for b.Loop() {
		file++
		v := m.Visit(addr, file%1000, start.UnixNano(), window)
		list = m.Tried(v, list[:0])
		m.Note(v, 9)
	}
}

package scanner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// refusing fails as long as it is told to.
type refusing struct {
	listing.Lister

	times *atomic.Int32 // how often still
	err   error
}

func (l refusing) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	if l.times.Add(-1) >= 0 {
		return listing.Summary{}, l.err
	}
	return l.Lister.List(ctx, sub, yield)
}

// A server that is busy gets other turns, while others are scanned; after them
// the next protocol is tried.
func TestBusy(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 20)
	w.index(origin.Options{})
	busy, other := w.mirror("a"), w.mirror("b")
	for _, h := range []*host{busy, other} {
		syncTo(t, w.root, h.dir)
	}
	var mu sync.Mutex
	var order []string
	for _, c := range []struct {
		times    int32
		protocol string
		note     string
	}{
		{0, "rsync", ""}, {2, "rsync", "3. attempt"}, {3, "http", "busy"}, {1000, "", ""},
	} {
		order = nil
		var times atomic.Int32
		times.Store(c.times)
		open := func(url string, _ listing.Options) (listing.Lister, error) {
			mu.Lock()
			defer mu.Unlock()
			switch url {
			case busy.Rsync:
				order = append(order, "busy")
				return refusing{hooked{dir: busy.dir}, &times, fmt.Errorf("max connections: %w", listing.ErrBusy)}, nil
			case busy.HTTP[0]:
				if c.protocol == "" {
					return nil, errors.New("nor this")
				}
				return hooked{dir: busy.dir}, nil
			}
			order = append(order, "other")
			return hooked{dir: other.dir}, nil
		}
		pause := 20 * time.Millisecond
		reports, err := Scan(t.Context(), w.db, []mirror.Mirror{busy.Mirror, other.Mirror}, Options{Jobs: 1, Open: open, busyPauses: []time.Duration{pause, pause}})
		must(t, err)
		r := reports[0]
		if c.protocol == "" {
			if r.Err == nil || !strings.Contains(r.Err.Error(), "max connections") || w.state(busy).Failures != 1 {
				t.Errorf("always busy: %s", r)
			}
			continue
		}
		if r.Err != nil || r.Protocol != c.protocol || !strings.Contains(strings.Join(r.Notes, "\n"), c.note) || reports[1].Err != nil {
			t.Errorf("busy %d times: %s", c.times, r)
		}
		if c.times > 0 && (len(order) < 3 || order[1] != "other") {
			t.Errorf("the other one waits for it: %q", order)
		}
	}
	// An interruption does not wait for the next turn.
	ctx, cancel := context.WithCancel(t.Context())
	var times atomic.Int32
	times.Store(1000)
	open := func(string, listing.Options) (listing.Lister, error) {
		cancel()
		return refusing{hooked{dir: busy.dir}, &times, listing.ErrBusy}, nil
	}
	_, err := Scan(ctx, w.db, []mirror.Mirror{busy.Mirror}, Options{Open: open})
	must(t, err)
}

func TestTally(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t             tally
		doubts, maybe bool
	}{
		{tally{all: 4, failed: 4}, false, false},
		{tally{all: 5, failed: 5}, true, true},
		{tally{all: 5, failed: 3, good: 2}, true, true},
		{tally{all: 6, failed: 3, good: 3}, false, false},
		{tally{all: 6, failed: 2, good: 2, open: 2}, false, true},
		{tally{all: 6, failed: 2, good: 3, open: 1}, false, false},
		{tally{all: 200, open: 200}, false, true},
		{tally{all: 200, good: 100, open: 100}, false, false},
		{tally{all: 9, failed: 4}, false, false}, // the others were skipped
	} {
		if c.t.doubts() != c.doubts || c.t.mayDoubt() != c.maybe {
			t.Errorf("%+v: doubts %v, may %v", c.t, c.t.doubts(), c.t.mayDoubt())
		}
	}
}

// When most mirrors fail at once, nothing is remembered of it: no failure, no
// lost file. The others are scanned as ever.
func TestMassTrouble(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 20)
	w.index(origin.Options{})
	var all []mirror.Mirror
	var hosts []*host
	for i := range 7 {
		h := w.mirror(fmt.Sprintf("m%d", i))
		syncTo(t, w.root, h.dir)
		hosts = append(hosts, h)
	}
	mirrors := func() []mirror.Mirror {
		var err error
		all, err = w.db.Mirrors(t.Context())
		must(t, err)
		return all
	}
	fails := map[string]bool{}
	open := func(url string, _ listing.Options) (listing.Lister, error) {
		for _, h := range hosts {
			if url == h.Rsync || url == h.HTTP[0] {
				if fails[h.Name] {
					return nil, errors.New("no route to host")
				}
				return hooked{dir: h.dir}, nil
			}
		}
		return nil, errors.New("what?")
	}
	scan := func(ctx context.Context, down ...int) []Report {
		t.Helper()
		clear(fails)
		for _, i := range down {
			fails[fmt.Sprintf("m%d", i)] = true
		}
		reports, err := Scan(ctx, w.db, mirrors(), Options{Open: open, uplink: &uplink{
			connect: func(context.Context, netip.AddrPort) error { return errors.New("unreachable") },
		}})
		must(t, err)
		return reports
	}
	if d := Doubt(scan(t.Context())); d != "" {
		t.Fatal(d)
	}
	before := mirrors()
	reports := scan(t.Context(), 0, 1, 2, 3)
	if d := Doubt(reports); !strings.Contains(d, "4 of 7 mirrors") || !strings.Contains(d, "none of 7 web servers can be connected to") {
		t.Errorf("doubt: %s", d)
	}
	for i, r := range reports {
		if (r.Err != nil) != (r.Doubt != "") {
			t.Errorf("%d: %s", i, r)
		}
	}
	for i, m := range mirrors() {
		if i < 4 && !cmp.Equal(m.Scan, before[i].Scan) {
			t.Errorf("%s is remembered as failing: %+v", m.Name, m.Scan)
		}
		if i >= 4 && !m.Scan.Succeeded.After(before[i].Scan.Succeeded) {
			t.Errorf("%s was well: %+v", m.Name, m.Scan)
		}
		w.holds(hosts[i], 20)
	}
	// Fewer are the mirrors' own fault, and so are those that failed before.
	if d := Doubt(scan(t.Context(), 0, 1, 2)); d != "" || w.state(hosts[1]).Failures != 1 {
		t.Errorf("three of seven: %q, %+v", d, w.state(hosts[1]))
	}
	if d := Doubt(scan(t.Context(), 0, 1, 2, 3)); d != "" || w.state(hosts[3]).FailingSince.IsZero() || w.state(hosts[1]).Failures != 2 {
		t.Errorf("one more: %q, %+v", d, w.state(hosts[3]))
	}
	scan(t.Context())
	if st := w.state(hosts[1]); st.Failures != 0 || st.Error != "" {
		t.Errorf("well again: %+v", st)
	}
	// What would be lost in any case is kept, too.
	for i := range 5 {
		put(t, hosts[i].dir, "d1/f1", 500, base)
		hosts[i].serve("")
	}
	if d := Doubt(scan(t.Context())); d == "" {
		t.Error("five of seven: no doubt")
	}
	for i := range 5 {
		w.holds(hosts[i], 20)
	}
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	urls := []string{"https://a.example/x/", "http://b.example:8080/", "rsync://192.0.2.7/pub/", "http://a.example/", "ftp://[2001:db8::7]/", "::", ""}
	for want, c := range map[string]struct {
		urls    []string
		resolve error
		works   mirror.Families
	}{
		"nothing else to try":                                      {},
		"none of 3 host names can be resolved":                     {urls: urls, resolve: errors.New("no name server"), works: mirror.IPv4},
		"none of 5 web servers can be connected to":                {urls: urls},
		"none of 1 web servers can be connected to":                {urls: urls[2:3]},
		"4 of 5 web servers can be connected to, but none by IPv6": {urls: urls, works: mirror.IPv4},
		"4 of 5 web servers can be connected to, but none by IPv4": {urls: urls, works: mirror.IPv6},
		"5 of 5 web servers can be connected to from here":         {urls: urls, works: mirror.IPv4 | mirror.IPv6},
	} {
		u := &uplink{
			resolve: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{v6, v4, v4.Next()}, c.resolve
			},
			connect: func(_ context.Context, addr netip.AddrPort) error {
				if c.works != 0 && c.works.Has(addr.Addr()) {
					return nil
				}
				return errors.New("unreachable")
			},
		}
		if got := u.trouble(t.Context(), endpoints(c.urls)); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := endpoints(urls)[:4]; !cmp.Equal(got, []endpoint{{"a.example", "443"}, {"b.example", "8080"}, {"192.0.2.7", "873"}, {"a.example", "80"}}, cmp.AllowUnexported(endpoint{})) {
		t.Errorf("%v", got)
	}
}

// A host that dies in the middle of a scan loses its lease after a while, and
// nothing else.
func TestDeadHost(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 30)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		w.accepted(h, Options{})
		must(t, removeAll(h.dir, "d1"))
		// It took the lease, and was not heard of again.
		_, err := w.db.Acquire(t.Context(), LeaseName(h.ID, ""), "dead", time.Second)
		must(t, err)
		if r := w.scan(h, Options{}); !strings.Contains(r.Skipped, "dead") {
			t.Errorf("while it may live: %s", r)
		}
		w.holds(h, 30)
		time.Sleep(1100 * time.Millisecond)
		w.accepted(h, Options{})
		w.holds(h, 25)

		// One whose host is cut off from the database in the middle.
		cut, err := store.Open(w.url, store.Options{})
		must(t, err)
		started, wake, done := make(chan struct{}), make(chan struct{}), make(chan Report)
		go func() {
			rs, _ := Scan(t.Context(), cut, []mirror.Mirror{h.Mirror}, Options{
				Holder: "cut off", LeaseTTL: time.Second,
				Open: atEntry(h.dir, 3, func() { close(started); <-wake }),
			})
			done <- rs[0]
		}()
		<-started
		must(t, cut.Close())
		put(t, h.dir, "d1/f1", 11, base.Add(time.Minute))
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if r := w.scan(h, Options{}); r.Skipped == "" {
				break
			} else if time.Now().After(end) {
				t.Fatalf("the lease does not end: %s", r)
			}
		}
		close(wake)
		if r := <-done; r.Err == nil {
			t.Errorf("cut off: %s", r)
		}
		w.holds(h, 26)
		if st := w.state(h); st.Error != "" {
			t.Errorf("the mirror is to blame: %+v", st)
		}
	})
}

package store

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, v := range []string{"", "14d", "7d ä", ""} {
			ok(t, s.SetSetting(ctx, "max_scan_age", v))
			if got := must[string](t)(s.Setting(ctx, "max_scan_age")); got != v {
				t.Errorf("%q became %q", v, got)
			}
			ok(t, s.Read(ctx, func(n *Snapshot) error {
				got, err := n.Setting("max_scan_age")
				if got != v {
					t.Errorf("%q became %q in the snapshot", v, got)
				}
				return err
			}))
		}
	})
}

func TestNodes(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		before := must[Head](t)(s.Head(ctx))
		for i := range 2 {
			ok(t, s.PutNode(ctx, Node{Name: "n1", Head: Head{int64(i), 9}, Settings: `{"a":1}`, Version: "v1"}))
		}
		ok(t, s.PutNode(ctx, Node{Name: "n0"}))
		got := must[[]Node](t)(s.Nodes(ctx))
		if len(got) != 2 || got[0].Name != "n0" || got[1].Head != (Head{1, 9}) || got[1].Settings != `{"a":1}` || time.Since(got[1].Seen).Abs() > time.Minute {
			t.Errorf("%+v", got)
		}
		if h := must[Head](t)(s.Head(ctx)); h != before {
			t.Error("a node's report was told to all")
		}
	})
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		read := func() (generation int64, all []Prefix) {
			ok(t, s.Read(ctx, func(n *Snapshot) (err error) {
				if generation, err = n.PrefixGeneration(); err != nil {
					return err
				}
				return n.Prefixes(func(p Prefix) error { all = append(all, p); return nil })
			}))
			return generation, all
		}
		first := []Prefix{{netip.MustParsePrefix("192.0.2.0/24"), 4294967295}, {netip.MustParsePrefix("2001:db8::/32"), 1}}
		yield := func(list []Prefix, then error) func(func(Prefix) error) error {
			return func(yield func(Prefix) error) error {
				for _, p := range list {
					if err := yield(p); err != nil {
						return err
					}
				}
				return then
			}
		}
		if n := must[int](t)(s.ReplacePrefixes(ctx, "test", yield(first, nil))); n != 2 {
			t.Errorf("%d", n)
		}
		g1, got := read()
		if diff := cmp.Diff(first, got, cmp.Comparer(func(a, b Prefix) bool { return a == b })); diff != "" || g1 == 0 {
			t.Error(g1, diff)
		}
		// Nothing, and what breaks off, changes nothing.
		oops := errors.New("broken file")
		if _, err := s.ReplacePrefixes(ctx, "empty", yield(nil, nil)); err == nil {
			t.Error("nothing was taken")
		}
		if _, err := s.ReplacePrefixes(ctx, "broken", yield(first[:1], oops)); !errors.Is(err, oops) {
			t.Errorf("broken: %v", err)
		}
		if g, all := read(); g != g1 || len(all) != 2 {
			t.Errorf("generation %d of %d, %d prefixes", g, g1, len(all))
		}
		// More than a batch.
		var many []Prefix
		for i := range MaxBatch + 5 {
			many = append(many, Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)), uint32(i)})
		}
		must[int](t)(s.ReplacePrefixes(ctx, "many", yield(many, nil)))
		if g, all := read(); g <= g1 || len(all) != len(many) {
			t.Errorf("generation %d after %d, %d prefixes", g, g1, len(all))
		}
		var left int
		ok(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM asn_prefix").Scan(&left))
		if left != len(many) {
			t.Errorf("%d rows are left", left)
		}
	})
}

// An import that began earlier and ends later must not win with rows that the
// other one deleted.
func TestPrefixesTogether(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		p := Prefix{netip.MustParsePrefix("192.0.2.0/24"), 1}
		_, err := s.ReplacePrefixes(ctx, "slow", func(yield func(Prefix) error) error {
			must[int](t)(s.ReplacePrefixes(ctx, "quick", func(yield func(Prefix) error) error { return yield(p) }))
			return yield(p)
		})
		if !errors.Is(err, ErrConflict) {
			t.Errorf("got %v", err)
		}
		n := 0
		ok(t, s.Read(ctx, func(snap *Snapshot) error { return snap.Prefixes(func(Prefix) error { n++; return nil }) }))
		if n != 1 {
			t.Errorf("%d prefixes", n)
		}
	})
}

func TestChangeSetting(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		change := func(want, to string, err error) error {
			return s.ChangeSetting(ctx, "x", "me", "settled", func(before string) (string, string, error) {
				if before != want {
					t.Errorf("was %q, want %q", before, want)
				}
				return to, "to " + to, err
			})
		}
		ok(t, change("", "one", nil))
		ok(t, change("one", "one", nil)) // is not logged
		why := errors.New("no")
		if err := change("one", "two", why); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		ok(t, change("one", "", nil))
		if got := must[string](t)(s.Setting(ctx, "x")); got != "" {
			t.Errorf("left %q", got)
		}
		events := must[[]Event](t)(s.Events(ctx, 0, 0))
		if len(events) != 2 || events[1].Who != "me" || events[1].What != "settled" || events[1].Detail != "to one" {
			t.Errorf("logged %+v", events)
		}
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ok(t, s.AddEvent(ctx, Event{Who: "a", What: "first", At: time.Unix(5, 0)}))
		ok(t, s.AddEvent(ctx, Event{Who: "b", What: "second", Mirror: 7, MirrorName: "seven", Detail: "d"}))
		got := must[[]Event](t)(s.Events(ctx, 0, 0))
		if len(got) != 2 || got[0].What != "second" || got[0].At.IsZero() || !got[1].At.Equal(time.Unix(5, 0)) {
			t.Errorf("%+v", got)
		}
		if got := must[[]Event](t)(s.Events(ctx, 7, 5)); len(got) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestKnown(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		first := must[Head](t)(s.Head(ctx))
		newMirror(t, s, "m")
		ok(t, s.Read(ctx, func(n *Snapshot) error {
			if n.Standby() || n.Head().Revision != first.Revision+1 {
				t.Errorf("standby %v, head %+v", n.Standby(), n.Head())
			}
			for h, want := range map[Head]bool{
				first: true, n.Head(): true, {first.Revision, first.Stamp + 1}: false, {n.Head().Revision + 1, 1}: false, {}: false,
			} {
				if known, err := n.Known(h); err != nil || known != want {
					t.Errorf("%+v: %v, %v", h, known, err)
				}
			}
			return nil
		}))
	})
}

// Notifications come at once where they work; else Wait comes back in time.
func TestWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		limit := 10 * time.Second
		if strings.HasSuffix(t.Name(), "pgbouncer") {
			limit = time.Second // nothing is heard through it
		}
		// The listener connects; what it finds first counts as news.
		s.Wait(t.Context(), 5*time.Second)
		began := time.Now()
		done := make(chan time.Duration)
		go func() {
			s.Wait(t.Context(), limit)
			done <- time.Since(began)
		}()
		time.Sleep(50 * time.Millisecond)
		ok(t, other.SetSetting(t.Context(), "a", "b"))
		if took := <-done; took > 5*time.Second {
			t.Errorf("heard nothing for %v", took)
		}
	})
}

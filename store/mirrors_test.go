package store

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var window = func() mirror.Window {
	w, err := mirror.ParseWindow("sat,sun 02:00-06:00 Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return w
}()

// full has every field set to something else than its zero value.
func full(name string) mirror.Mirror {
	at := time.Unix(0, 1_700_000_000_123_456_789)
	return mirror.Mirror{
		Name: name, HTTP: []string{"http://a.example/x/", "https://a.example/x/"}, Rsync: "rsync://u:pw@a.example/m/", FTP: "ftp://a.example/",
		RsyncPasswordFile: "/etc/pw", Place: mirror.Place{Continent: "eu", Country: "de", Lat: 0, Lng: -0.25, HasCoords: true},
		ASNs: []uint32{680, 4294967295}, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		Families: mirror.IPv4 | mirror.IPv6, Redirects: mirror.RedirectsAny, RegionOnly: true, CountryOnly: true, ASOnly: true, PrefixOnly: true,
		OtherCountries: []string{"at", "ch"}, ExcludeCountries: []string{"xx"}, MaxSize: 1 << 40, MaxShare: 2000,
		Quota: mirror.Quota{Bytes: 25 << 40, Period: 30 * 24 * time.Hour, Spent: true}, Subtree: "sub/\xfftree", Score: 50, Enabled: true,
		EnableAfterScan: true, DisabledUntil: at, OperatorName: "Universität", OperatorURL: "https://u.example", Admin: "A", AdminEmail: "a@u.example",
		PublicNotes: "p", Comment: "c\nd", Scan: mirror.ScanState{Succeeded: at, Attempted: at, FailingSince: at, Failures: 3, Error: "e", Protocol: "rsync", Held: 1 << 33, FilesPerSec: 1.5},
		S3: "s3://bucket/", S3CredentialsFile: "/etc/keys", Renames: []mirror.Rename{{Tree: "sub/\xfftree/a", There: "b"}},
		Rules: mirror.ScanRules{
			Exclude: []string{"*.tmp"}, Top: []string{"a"}, Interval: time.Hour, NoRangeCheck: true, Source: "192.0.2.1", Proxy: "socks5://p:pw@h:1",
			Quiet: []mirror.Window{window},
		},
		Sync:  mirror.Sync{Push: "exec:sync", Tier: 2},
		Probe: mirror.ProbeState{Down: true, Since: at, Error: "timeout"}, Created: at,
	}
}

var sameMirror = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(time.Time.Equal), cmp.Comparer(func(a, b mirror.Window) bool { return a.String() == b.String() })}

func TestMirror(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, m := range []mirror.Mirror{full("full"), {Name: "empty"}} {
			ok(t, s.CreateMirror(ctx, &m, "who"))
			got := must[mirror.Mirror](t)(s.Mirror(ctx, m.Name))
			if diff := cmp.Diff(m, got, sameMirror); diff != "" || got.ID == 0 || got.Created.IsZero() {
				t.Errorf("%s:\n%s", m.Name, diff)
			}
		}
		again := mirror.Mirror{Name: "full"}
		if err := s.CreateMirror(ctx, &again, "who"); !errors.Is(err, ErrExists) || again.ID != 0 {
			t.Errorf("a second of one name: %v, %d", err, again.ID)
		}
		if err := s.CreateMirror(ctx, &mirror.Mirror{Name: "no spaces"}, "who"); err == nil {
			t.Error("a bad name was taken")
		}
		if _, err := s.Mirror(ctx, "ful"); !errors.Is(err, ErrNotFound) {
			t.Errorf("part of a name: %v", err)
		}
		all := must[[]mirror.Mirror](t)(s.Mirrors(ctx))
		if len(all) != 2 || all[0].Name != "empty" {
			t.Errorf("all: %v", all)
		}
	})
}

func TestUpdateMirror(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m, other := newMirror(t, s, "m"), newMirror(t, s, "other")
		before := must[Head](t)(s.Head(ctx))
		got := must[mirror.Mirror](t)(s.UpdateMirror(ctx, m.ID, "who", "edited", func(m *mirror.Mirror) error {
			m.Score, m.Rsync = 50, "rsync://u:secret@h/m/"
			return nil
		}))
		if got.Score != 50 {
			t.Errorf("got %+v", got)
		}
		events := must[[]Event](t)(s.Events(ctx, m.ID, 1))
		if e := events[0]; e.Who != "who" || e.What != "edited" || e.MirrorName != "m" || time.Since(e.At).Abs() > time.Minute ||
			!strings.Contains(e.Detail, "score 100 -> 50") || strings.Contains(e.Detail, "secret") {
			t.Errorf("event %+v", e)
		}
		after := must[Head](t)(s.Head(ctx))
		if after.Revision != before.Revision+1 {
			t.Errorf("revision %d after %d", after.Revision, before.Revision)
		}
		// Nothing changed: nothing is written.
		must[mirror.Mirror](t)(s.UpdateMirror(ctx, m.ID, "who", "edited", func(*mirror.Mirror) error { return nil }))
		oops := errors.New("oops")
		if _, err := s.UpdateMirror(ctx, m.ID, "who", "edited", func(m *mirror.Mirror) error { m.Score = 1; return oops }); !errors.Is(err, oops) {
			t.Errorf("the callback's error: %v", err)
		}
		if h := must[Head](t)(s.Head(ctx)); h != after {
			t.Errorf("head %+v after nothing, was %+v", h, after)
		}
		_, err := s.UpdateMirror(ctx, m.ID, "who", "renamed", func(m *mirror.Mirror) error { m.Name = other.Name; return nil })
		if !errors.Is(err, ErrExists) {
			t.Errorf("another's name: %v", err)
		}
		if _, err := s.UpdateMirror(ctx, 999, "", "", func(*mirror.Mirror) error { return nil }); !errors.Is(err, ErrNotFound) {
			t.Errorf("no such mirror: %v", err)
		}
		// Only what changed is in the delta.
		ok(t, s.Read(ctx, func(n *Snapshot) error {
			return n.Mirrors(before.Revision, func(got mirror.Mirror, deleted bool) error {
				if got.ID != m.ID || deleted {
					t.Errorf("in the delta: %s, %v", got.Name, deleted)
				}
				return nil
			})
		}))
	})
}

func TestUpdateMirrorTogether(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		const n = 20
		errs := make(chan error)
		for range n {
			go func() {
				_, err := s.UpdateMirror(t.Context(), m.ID, "", "", func(m *mirror.Mirror) error { m.Score++; return nil })
				errs <- err
			}()
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if got := must[mirror.Mirror](t)(s.Mirror(t.Context(), "m")); got.Score != 100+n {
			t.Errorf("score %d", got.Score)
		}
	})
}

func TestDeleteMirror(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := newMirror(t, s, "m")
		ok(t, s.SetHeld(ctx, m.ID, roaring.BitmapOf(1, 2), nil, "who"))
		before := must[Head](t)(s.Head(ctx))
		ok(t, s.DeleteMirror(ctx, m.ID, "who"))
		if err := s.DeleteMirror(ctx, m.ID, "who"); !errors.Is(err, ErrNotFound) {
			t.Errorf("twice: %v", err)
		}
		deletedSince := func(since int64) (n int) {
			ok(t, s.Read(ctx, func(snap *Snapshot) error {
				return snap.Mirrors(since, func(_ mirror.Mirror, deleted bool) error {
					if deleted {
						n++
					}
					return nil
				})
			}))
			return n
		}
		if deletedSince(before.Revision) != 1 || deletedSince(0) != 0 {
			t.Error("the mark is wrong")
		}
		if h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID)); !h.Held.IsEmpty() {
			t.Errorf("still holds %v", h.Held)
		}
		// The name is free, the number is not.
		again := newMirror(t, s, "m")
		if again.ID == m.ID {
			t.Error("the id was used again")
		}
		if events := must[[]Event](t)(s.Events(ctx, m.ID, 0)); len(events) != 3 || events[0].What != "deleted" {
			t.Errorf("events %+v", events)
		}
	})
}

func TestSetHeld(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(1, 2, 3), nil, "who"))
		ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(4), roaring.BitmapOf(2), "who"))
		h := must[Holdings](t)(s.HoldingsOf(t.Context(), m.ID))
		if !h.Held.Equals(roaring.BitmapOf(1, 3, 4)) || !h.Exact.IsEmpty() {
			t.Errorf("holds %v, exact %v", h.Held, h.Exact)
		}
	})
}

// What servers say may be anything, and is logged.
func TestBadText(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		l := lease(t, s, "scan")
		ok(t, s.ScanFailed(t.Context(), l, ScanFailure{Mirror: m.ID, At: time.Now(), Reason: "said \xff\x00 and left"}))
		got := must[mirror.Mirror](t)(s.Mirror(t.Context(), "m"))
		if got.Scan.Error != "said \uFFFD\uFFFD and left" && got.Scan.Error != "said \uFFFD and left" {
			t.Errorf("%q", got.Scan.Error)
		}
	})
}

package store

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestTraffic(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		a, b, gone := newMirror(t, s, "a"), newMirror(t, s, "b"), newMirror(t, s, "gone")
		ok(t, s.DeleteMirror(ctx, gone.ID, "me"))
		before := must[Head](t)(s.Head(ctx))
		today, month := mirror.DayOf(time.Now()), mirror.MonthOf(time.Now())
		if sums := must[[]mirror.Sums](t)(s.AddTraffic(ctx, nil)); len(sums) != 0 {
			t.Errorf("at first: %v", sums)
		}
		must[[]mirror.Sums](t)(s.AddTraffic(ctx, []mirror.Traffic{
			{Mirror: a.ID, Day: month - 1, Requests: 9, Bytes: 900}, {Mirror: a.ID, Day: today, Requests: 1, Bytes: 10},
		}))
		got := must[[]mirror.Sums](t)(s.AddTraffic(ctx, []mirror.Traffic{
			{Mirror: a.ID, Day: today, Requests: 2, Bytes: 20},
			{Mirror: b.ID, Day: month, Requests: 4, Bytes: 40},
			{Mirror: gone.ID, Day: today, Requests: 1, Bytes: 1},
			{Mirror: 12345, Day: today, Requests: 1, Bytes: 1},
		}))
		want := []mirror.Sums{
			{Mirror: a.ID, Today: today, Month: month, DayRequests: 3, DayBytes: 30, MonthRequests: 3, MonthBytes: 30},
			{Mirror: b.ID, Today: today, Month: month, MonthRequests: 4, MonthBytes: 40},
		}
		if today == month { // the first day of a month
			want[1].DayRequests, want[1].DayBytes = 4, 40
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, must[[]mirror.Sums](t)(s.Traffic(ctx))); diff != "" {
			t.Error(diff)
		}
		if after := must[Head](t)(s.Head(ctx)); after != before {
			t.Error("nodes are told of what they need not know")
		}
	})
}

// A node whose clock is far ahead does not use up the quotas of all months until
// then.
func TestTrafficOfDaysToCome(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		a := newMirror(t, s, "a")
		today := mirror.DayOf(time.Now())
		must[[]mirror.Sums](t)(s.AddTraffic(t.Context(), []mirror.Traffic{
			{Mirror: a.ID, Day: today + 1, Requests: 1, Bytes: 10}, {Mirror: a.ID, Day: today + 36500, Requests: 2, Bytes: 20},
		}))
		var days, last, bytes int64
		ok(t, s.db.QueryRowContext(t.Context(), "SELECT count(*), max(day), max(bytes) FROM mirror_traffic").Scan(&days, &last, &bytes))
		if days != 1 || mirror.Day(last) > mirror.DayOf(time.Now()) || bytes != 30 {
			t.Errorf("%d days, the last %d (today is %d), %d bytes", days, last, today, bytes)
		}
	})
}

// What nodes add at the same time adds up exactly, while mirrors change.
func TestTrafficOfNodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		a, b := newMirror(t, s, "a"), newMirror(t, s, "b")
		today := mirror.DayOf(time.Now())
		const nodes, times = 4, 15
		var work sync.WaitGroup
		for range nodes {
			n := openRaw(t, url, Options{})
			work.Go(func() {
				for i := range times {
					_, err := n.AddTraffic(t.Context(), []mirror.Traffic{
						{Mirror: a.ID, Day: today, Requests: 1, Bytes: 1 << 40}, {Mirror: b.ID, Day: today, Requests: 2, Bytes: 3},
					})
					if err == nil {
						err = n.SettleQuotas(t.Context(), "node")
					}
					if err == nil {
						_, err = n.UpdateMirror(t.Context(), b.ID, "me", "", func(m *mirror.Mirror) error {
							m.Quota = mirror.Quota{Bytes: int64(i), Period: mirror.QuotaDay}
							return nil
						})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
		got := must[[]mirror.Sums](t)(s.Traffic(t.Context()))
		if len(got) != 2 || got[0].DayRequests != nodes*times || got[0].DayBytes != nodes*times<<40 ||
			got[1].DayRequests != nodes*times*2 || got[1].DayBytes != nodes*times*3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestSettleQuotas(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m, other := newMirror(t, s, "m"), newMirror(t, s, "other")
		today := mirror.DayOf(time.Now())
		quota := func(q mirror.Quota) {
			t.Helper()
			must[mirror.Mirror](t)(s.UpdateMirror(ctx, m.ID, "me", "", func(m *mirror.Mirror) error { m.Quota = q; return nil }))
		}
		settle := func(when string, want bool, visible int64) {
			t.Helper()
			before := must[Head](t)(s.Head(ctx))
			ok(t, s.SettleQuotas(ctx, "node1"))
			ok(t, s.SettleQuotas(ctx, "node2"))
			if got := must[mirror.Mirror](t)(s.Mirror(ctx, "m")); got.Quota.Spent != want {
				t.Errorf("%s: spent %v", when, got.Quota.Spent)
			}
			if after := must[Head](t)(s.Head(ctx)); after.Revision-before.Revision != visible {
				t.Errorf("%s: %d revisions, want %d", when, after.Revision-before.Revision, visible)
			}
		}
		settle("no quotas", false, 0)
		quota(mirror.Quota{Bytes: 1 << 40, Period: mirror.QuotaDay})
		must[[]mirror.Sums](t)(s.AddTraffic(ctx, []mirror.Traffic{
			{Mirror: m.ID, Day: today, Requests: 1, Bytes: 1<<40 - 1}, {Mirror: other.ID, Day: today, Requests: 1, Bytes: 1 << 50},
		}))
		settle("one byte left", false, 0)
		must[[]mirror.Sums](t)(s.AddTraffic(ctx, []mirror.Traffic{{Mirror: m.ID, Day: today, Requests: 1, Bytes: 1}}))
		settle("spent", true, 1)
		quota(mirror.Quota{Bytes: 2 << 40, Period: mirror.QuotaDay, Spent: true})
		settle("raised", false, 1)
		quota(mirror.Quota{Bytes: 1, Period: mirror.QuotaMonth, Spent: true})
		settle("another period", true, 0)
		damage(t, s, "UPDATE mirror_traffic SET day = day - 60")
		settle("a new period", false, 1)
		quota(mirror.Quota{Spent: true})
		settle("no quota any more", false, 1)

		var said []string
		for _, e := range must[[]Event](t)(s.Events(ctx, m.ID, 0)) {
			said = append(said, strings.TrimSpace(e.Who+" "+e.What+" "+e.Detail))
		}
		want := []string{"node1 quota renewed", "node1 quota renewed 1/month", "node1 quota renewed 2TiB/day", "node1 quota spent 1TiB/day", "tester created"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Error(diff)
		}
	})
}

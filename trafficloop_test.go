package mirrorbrain

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// sent gives what the database knows to have been sent in this month.
func (d *depot) sent() map[mirror.ID][2]int64 {
	d.t.Helper()
	sums, err := d.store.Traffic(d.t.Context())
	d.must(err)
	all := map[mirror.ID][2]int64{}
	for _, s := range sums {
		all[s.Mirror] = [2]int64{s.MonthRequests, s.MonthBytes}
	}
	return all
}

func TestTraffic(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso", "nowhere.iso")
	id := d.mirror(mirror.Mirror{Name: "de", Place: germany}, "a.iso")
	s := d.site(&Handler{})
	for range 3 {
		s.get("/a.iso").want(t, "GET", 302, "redirect mirror country de")
	}
	s.get("/a.iso", method("HEAD")).want(t, "HEAD", 302, "redirect mirror country de")
	s.get("/a.iso?country=fr", from("127.0.0.1"), trusted)
	s.get("/a.iso.meta4")
	s.get("/nowhere.iso")
	s.h.rt.db.flushTraffic(t.Context(), trafficTimeout)
	want := map[mirror.ID][2]int64{id: {3, 3 * fileSize}}
	if diff := cmp.Diff(want, d.sent()); diff != "" {
		t.Error(diff)
	}

	// What cannot be stored is kept.
	s.get("/a.iso")
	s.h.rt.db.flushTraffic(t.Context(), 0)
	if diff := cmp.Diff(want, d.sent()); diff != "" {
		t.Error(diff)
	}
	s.get("/a.iso")
	s.h.rt.db.flushTraffic(t.Context(), trafficTimeout)
	if diff := cmp.Diff(map[mirror.ID][2]int64{id: {5, 5 * fileSize}}, d.sent()); diff != "" {
		t.Error(diff)
	}
}

// The last of what was counted reaches the database when the node ends.
func TestTrafficAtTheEnd(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso")
	id := d.mirror(mirror.Mirror{Name: "de", Place: germany}, "a.iso")
	s := d.site(&Handler{})
	s.get("/a.iso")
	d.must(s.app.Stop())
	d.must(s.app.Cleanup())
	for end := time.Now().Add(10 * time.Second); d.sent()[id][0] == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was not stored")
		}
	}
}

func TestQuota(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso")
	quota := mirror.Quota{Bytes: 3 * fileSize, Period: mirror.QuotaMonth}
	id := d.mirror(mirror.Mirror{Name: "de", Place: germany, Quota: quota}, "a.iso")
	s := d.site(&Handler{})
	_, err := d.store.AddTraffic(t.Context(), []mirror.Traffic{{ // another node
		Mirror: id, Day: mirror.DayOf(time.Now()), Requests: 1, Bytes: fileSize,
	}})
	d.must(err)
	s.get("/a.iso").want(t, "quota left", 302, "redirect mirror country de")
	s.h.rt.db.flushTraffic(t.Context(), trafficTimeout)
	load := s.h.selection(s.h.rt.db.catalog.View()).load
	if load.Full(0) {
		t.Error("full with a third left")
	}
	s.get("/a.iso").want(t, "the last third", 302, "redirect mirror country de")
	if !load.Full(0) {
		t.Error("not full at once")
	}
	s.h.rt.db.flushTraffic(t.Context(), trafficTimeout)
	d.follow(s)
	s.get("/a.iso").want(t, "spent", 0, "local no_mirror")
	m, err := d.store.Mirror(t.Context(), "de")
	d.must(err)
	if state, _ := m.State(time.Now(), 0); state != mirror.StateQuotaSpent {
		t.Errorf("state %s", state)
	}
}

// A lone mirror with a largest share gets that; the rest of the requests goes to
// where there is no mirror.
func TestMaxShare(t *testing.T) {
	d := newDepot(t)
	d.file("de.iso", "us.iso")
	d.mirror(mirror.Mirror{Name: "de", Place: germany, MaxShare: 1000}, "de.iso")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "us.iso")
	s := d.site(&Handler{})
	got := 0
	for range 1000 {
		s.get("/us.iso")
		if s.get("/de.iso").status == 302 {
			got++
		}
	}
	// A tenth of 1000 and itself, and the 20 that it may be ahead.
	if got < 110 || got > 135 {
		t.Errorf("%d of 1000 requests", got)
	}
}

// Sites on one instance may share by different things.
func TestShareBy(t *testing.T) {
	d := newDepot(t)
	d.file("a.iso")
	d.mirror(mirror.Mirror{Name: "a"}, "a.iso")
	weights := func(settings redirector.Settings) []uint32 {
		t.Helper()
		s := d.site(&Handler{Settings: settings})
		s.get("/a.iso").want(t, "redirect", 302, "redirect mirror world a")
		if load := s.h.selection(s.h.rt.db.catalog.View()).load; load != nil {
			return load.Weights()
		}
		return nil
	}
	if w := weights(redirector.Settings{}); w != nil {
		t.Errorf("by requests: weights %v", w)
	}
	if w := weights(redirector.Settings{ShareBy: redirector.ShareByBytes}); len(w) != 1 || w[0] == 0 {
		t.Errorf("by bytes: weights %v", w)
	}
}

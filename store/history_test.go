package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// counted indexes files and lets the run end, so that folders are counted.
func counted(t *testing.T, s *Store, paths ...string) map[string]FileRow {
	t.Helper()
	l := lease(t, s, "index")
	add(t, s, l, paths...)
	ok(t, s.FinishIndex(t.Context(), l, Origin{URL: "file:///x"}, IndexStats{}))
	ok(t, s.Release(t.Context(), l))
	return live(t, s)
}

func history(t *testing.T, s *Store, id mirror.ID) History {
	t.Helper()
	return must[History](t)(s.MirrorHistory(t.Context(), id, time.Time{}))
}

func TestRuns(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		files := counted(t, s, "sub/a", "sub/b", "c", "d")
		id := func(p string) uint32 { return uint32(files[p].ID) }
		m := mirror.Mirror{Name: "m", HTTP: []string{"https://m.example/"}, Subtree: "sub"}
		ok(t, s.CreateMirror(ctx, &m, "me"))
		l := lease(t, s, "scan/1/")
		began := time.Now().Add(-time.Minute)
		_, err := s.CommitScan(ctx, l, ScanResult{
			Mirror: m.ID, Started: began, Protocol: "rsync", Response: 7 * time.Millisecond,
			Knew: roaring.BitmapOf(id("sub/a"), id("sub/b")), Found: roaring.BitmapOf(id("sub/a"), 4000),
		})
		ok(t, err)
		time.Sleep(5 * time.Millisecond) // SQLite's clock has milliseconds
		_, err = s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Subtree: "sub", Started: began, Protocol: "rsync"})
		ok(t, err)
		ok(t, s.ScanFailed(ctx, l, ScanFailure{
			Mirror: m.ID, Started: began, At: time.Now(), Protocol: "http",
			Reason: "no\nanswer\x00 \xff" + strings.Repeat("ü", 400),
		}))
		ok(t, s.ScanFailed(ctx, l, ScanFailure{Mirror: m.ID, At: time.Now().Add(time.Hour), Reason: "from a clock that is ahead"}))
		runs := history(t, s, m.ID).Runs
		if len(runs) != 3 {
			t.Fatalf("%d runs: %+v", len(runs), runs)
		}
		now := time.Now()
		for i := range runs {
			if now.Sub(runs[i].At).Abs() > time.Minute || i < 2 && (runs[i].Took < 50*time.Second || runs[i].Took > 2*time.Minute) {
				t.Errorf("run %d at %v took %v", i, runs[i].At, runs[i].Took)
			}
			runs[i].At, runs[i].Took = time.Time{}, 0
		}
		if e := runs[1].Error; !strings.HasPrefix(e, "no answer� �ü") || len(e) > maxRunError+len("…") || !strings.HasSuffix(e, "ü…") {
			t.Errorf("error %q", e)
		}
		runs[1].Error = ""
		want := []mirror.Run{
			{OK: true, Protocol: "rsync", Held: 1, Files: 2, Response: 7 * time.Millisecond},
			{Protocol: "http", Held: 1, Files: 2},
			{Held: 1, Files: 2, Error: "from a clock that is ahead"},
		}
		if diff := cmp.Diff(want, runs); diff != "" {
			t.Error(diff)
		}
		// They were not the mirror's doing.
		ok(t, s.ForgetFailures(ctx, m.ID, began))
		if runs := history(t, s, m.ID).Runs; len(runs) != 1 || !runs[0].OK {
			t.Errorf("left: %+v", runs)
		}
		ok(t, s.DeleteMirror(ctx, m.ID, "me"))
		if h := history(t, s, m.ID); len(h.Runs)+len(h.Changes) > 0 {
			t.Errorf("of a deleted mirror: %+v", h)
		}
	})
}

// putRuns stores scans of a mirror as they were at times before now.
func putRuns(t *testing.T, s *Store, id mirror.ID, good bool, ago ...time.Duration) {
	t.Helper()
	ok(t, s.update(t.Context(), "test", func(x *tx) error {
		now, err := x.clock(t.Context())
		if err != nil {
			return err
		}
		var rows [][]any
		for _, d := range ago {
			rows = append(rows, []any{int64(id), now - int64(d), int64(0), good, "http", int64(1), int64(2), int64(0), ""})
		}
		return x.d.insert(t.Context(), x, "scan_run", []string{"mirror", "at", "took", "ok", "protocol", "held", "files", "response", "error"}, rows)
	}))
}

func TestRunsAreThinned(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m, other := newMirror(t, s, "m"), newMirror(t, s, "other")
		const hour, days = time.Hour, 24 * time.Hour
		// Noon of a day of UTC, whatever the time is now.
		noon := func(ago int) time.Duration {
			now := time.Now()
			return now.Sub((mirror.DayOf(now) - mirror.Day(ago)).Time().Add(12 * hour))
		}
		fill := func(id mirror.ID) {
			putRuns(t, s, id, true, hour, 2*hour, noon(20), noon(20)+hour, noon(60), noon(60)+hour, noon(60)+2*hour, noon(61), noon(401)+days)
			putRuns(t, s, id, false, noon(60)+3*hour, noon(60)+4*hour)
		}
		fill(m.ID)
		fill(other.ID)
		want := func(when string, id mirror.ID, n int) {
			t.Helper()
			if runs := history(t, s, id).Runs; len(runs) != n {
				t.Errorf("%s: %d runs, want %d: %+v", when, len(runs), n, runs)
			}
		}
		l := lease(t, s, "scan/1/")
		_, err := s.CommitScan(ctx, l, ScanResult{Mirror: m.ID})
		ok(t, err)
		want("after a scan", m.ID, 8) // four of late, and a good and a failed one, one of the day before, and this one
		want("another's", other.ID, 11)
		r := must[Retired](t)(s.CountRetired(ctx, 0, time.Hour))
		if r.Runs != 4 {
			t.Errorf("%d runs would be retired", r.Runs)
		}
		if r = must[Retired](t)(s.Retire(ctx, time.Hour)); r.Runs != 4 {
			t.Errorf("%d runs were retired", r.Runs)
		}
		want("after Retire", m.ID, 8)
		want("after Retire, another's", other.ID, 7)
		// The last of a day is kept, for good and bad ones each.
		for _, run := range history(t, s, other.ID).Runs {
			if ago := time.Since(run.At).Round(hour); run.OK && ago == (noon(60)+hour).Round(hour) || !run.OK && ago == (noon(60)+4*hour).Round(hour) {
				t.Errorf("kept: %+v", run)
			}
		}
	})
}

// However often mirrors are scanned, what nodes read of it now and then is little.
func TestRecentRunsAreFew(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m, other, gone := newMirror(t, s, "m"), newMirror(t, s, "other"), newMirror(t, s, "gone")
		var often []time.Duration
		for i := range 13 * 24 * 2 {
			often = append(often, time.Minute+time.Duration(i)*30*time.Minute)
		}
		putRuns(t, s, m.ID, true, often...)
		putRuns(t, s, m.ID, false, 49*time.Hour+time.Second, 50*time.Hour+time.Second, 400*time.Hour)
		putRuns(t, s, other.ID, false, time.Hour, 300*time.Hour, 301*time.Hour)
		putRuns(t, s, gone.ID, true, time.Hour)
		ok(t, s.DeleteMirror(t.Context(), gone.ID, "me"))
		since := time.Now().Add(-14 * 24 * time.Hour)
		runs := must[map[mirror.ID][]mirror.Run](t)(s.RecentRuns(t.Context(), since))
		if len(runs) != 2 || len(runs[other.ID]) != 3 {
			t.Errorf("%d mirrors, of the other %+v", len(runs), runs[other.ID])
		}
		all := runs[m.ID]
		if n := len(all); n != LastRuns+12+1 { // twelve days more, and the last failure of one
			t.Fatalf("%d runs: %+v", n, all)
		}
		failed := 0
		for i, r := range all {
			if i > 0 && !r.At.After(all[i-1].At) {
				t.Errorf("%v after %v", r.At, all[i-1].At)
			}
			if i >= len(all)-LastRuns && time.Since(r.At) > LastRuns*30*time.Minute+time.Hour {
				t.Errorf("among the newest: %v ago", time.Since(r.At))
			}
			if !r.OK {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d failures", failed)
		}
	})
}

// A mirror that is scanned every minute does not fill the database.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		var ago []time.Duration
		for i := range maxRuns + 100 {
			ago = append(ago, time.Duration(i+1)*time.Minute)
		}
		putRuns(t, s, m.ID, true, ago...)
		putRuns(t, s, m.ID, false, 90*time.Second)
		l := lease(t, s, "scan/1/")
		_, err := s.CommitScan(t.Context(), l, ScanResult{Mirror: m.ID})
		ok(t, err)
		var n int
		ok(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM scan_run").Scan(&n))
		if n != maxRuns {
			t.Errorf("%d runs", n)
		}
		runs := history(t, s, m.ID).Runs
		if len(runs) != MaxHistory {
			t.Errorf("%d points", len(runs))
		}
		failed := 0
		for i := range runs {
			if i > 0 && !runs[i].At.After(runs[i-1].At) {
				t.Fatal("out of order")
			}
			if !runs[i].OK {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d failures are left of one", failed)
		}
	})
}

func states(t *testing.T, s *Store, id mirror.ID) (list []string) {
	t.Helper()
	for _, c := range history(t, s, id).Changes {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s: %s", c.State, c.Reason)))
	}
	return list
}

func TestRecordStates(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		const days = 24 * time.Hour
		now := time.Now()
		m := newMirror(t, s, "m")
		change := func(fn func(m *mirror.Mirror)) {
			t.Helper()
			_, err := s.UpdateMirror(ctx, m.ID, "me", "", func(m *mirror.Mirror) error { fn(m); return nil })
			ok(t, err)
		}
		record := func(at time.Time, maxAge time.Duration) {
			t.Helper()
			before := must[Head](t)(s.Head(ctx))
			for range 2 {
				ok(t, s.RecordStates(ctx, at, maxAge))
			}
			if after := must[Head](t)(s.Head(ctx)); after != before {
				t.Error("nodes are told of what they need not know")
			}
		}
		record(now, 14*days)
		change(func(m *mirror.Mirror) { m.Enabled = true })
		record(now.Add(-time.Hour), 14*days) // a clock that was set back
		change(func(m *mirror.Mirror) { m.Scan.Error = "rsync listing of rsync://me:secret@m.example/: refused" })
		record(now, 14*days)
		change(func(m *mirror.Mirror) { m.Scan = mirror.ScanState{Succeeded: now, Held: 3} })
		record(now.Add(2*time.Hour), 14*days)
		change(func(m *mirror.Mirror) {
			m.Probe.Ways[mirror.HTTPSOverIPv6] = mirror.WayState{Down: true, Since: now, Error: "dial ftp://secret"}
		})
		record(now.Add(3*time.Hour), 14*days)
		change(func(m *mirror.Mirror) { m.Probe.Ways = mirror.Ways{}; m.Probe.Down, m.Probe.Error = true, "secret" })
		record(now.Add(4*time.Hour), 14*days)
		change(func(m *mirror.Mirror) { m.Probe = mirror.ProbeState{} })
		record(now.Add(5*time.Hour), 14*days)
		record(now.Add(15*days), 14*days)
		record(now.Add(15*days), 30*days) // a host that is told otherwise
		record(now.Add(15*days), 14*days)
		change(func(m *mirror.Mirror) { m.Scan.Succeeded = now.Add(15*days + time.Hour) })
		record(now.Add(16*days), 30*days)
		change(func(m *mirror.Mirror) {
			m.Quota = mirror.Quota{Bytes: 1 << 40, Period: mirror.QuotaDay, Spent: true}
		})
		record(now.Add(16*days+time.Hour), 14*days)
		want := []string{
			"disabled: switched off",
			"never scanned:",
			"never scanned: the last attempt failed",
			"up:",
			"up: but not by https-ipv6",
			"down:",
			"up:",
			"scan too old: last good scan " + now.UTC().Format("2006-01-02 15:04"),
			"up:",
			"quota spent: until " + now.Add(16*days+time.Hour+days).UTC().Format(time.DateOnly),
		}
		if diff := cmp.Diff(want, states(t, s, m.ID)); diff != "" {
			t.Error(diff)
		}
		changes := history(t, s, m.ID).Changes
		if c := changes[4]; !c.Since.Equal(changes[3].At) || !c.At.After(c.Since) {
			t.Errorf("another reason for the same state: %+v", c)
		}
		if c := changes[1]; !c.At.After(changes[0].At) || !c.Since.Equal(c.At) {
			t.Errorf("with the clock set back: %+v", c)
		}
		_, err := s.UpdateMirror(ctx, m.ID, "me", "rename", func(m *mirror.Mirror) error { m.Name = "other"; return nil })
		ok(t, err)
		record(now.Add(16*days+time.Hour), 14*days)
		if diff := cmp.Diff(want, states(t, s, m.ID)); diff != "" {
			t.Error("renamed:", diff)
		}
		// What it was when the time began comes first.
		h := must[History](t)(s.MirrorHistory(ctx, m.ID, now.Add(6*time.Hour)))
		if len(h.Changes) != 4 || h.Changes[0].State != mirror.StateUp {
			t.Errorf("since a time: %+v", h.Changes)
		}
		ok(t, s.DeleteMirror(ctx, m.ID, "me"))
		ok(t, s.RecordStates(ctx, time.Time{}, 14*days))
		if got := states(t, s, m.ID); len(got) > 0 {
			t.Errorf("deleted: %v", got)
		}
	})
}

// Several nodes and daemons at once, while mirrors change, record each change
// once.
func TestRecordStatesTogether(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		ctx := t.Context()
		s := open(t, url)
		var mirrors []mirror.Mirror
		for i := range 5 {
			mirrors = append(mirrors, newMirror(t, s, fmt.Sprintf("m%d", i)))
		}
		stores := []*Store{s}
		for range 3 {
			stores = append(stores, openRaw(t, url, Options{}))
		}
		together := func() {
			var work sync.WaitGroup
			for _, n := range stores {
				for range 2 {
					work.Go(func() {
						if err := n.RecordStates(ctx, time.Time{}, time.Hour); err != nil {
							t.Error(err)
						}
					})
				}
			}
			work.Wait()
		}
		together()
		const rounds = 6
		for i := range rounds {
			for _, m := range mirrors {
				_, err := s.UpdateMirror(ctx, m.ID, "me", "", func(m *mirror.Mirror) error { m.Enabled = i%2 == 0; return nil })
				ok(t, err)
			}
			together()
		}
		for _, m := range mirrors {
			h := history(t, s, m.ID)
			if len(h.Changes) != 1+rounds {
				t.Errorf("%s: %d changes, want %d", m.Name, len(h.Changes), 1+rounds)
			}
			for i := 1; i < len(h.Changes); i++ {
				if h.Changes[i].State == h.Changes[i-1].State {
					t.Errorf("%s: %s twice in a row", m.Name, h.Changes[i].State)
				}
			}
		}
		// And while others change, delete and scan the same rows.
		var work sync.WaitGroup
		for _, n := range stores {
			work.Go(func() {
				for range 10 {
					if err := n.RecordStates(ctx, time.Time{}, time.Hour); err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Go(func() {
			for i := range 10 {
				l, err := s.Acquire(ctx, "scan/1/", "t", time.Minute)
				if err == nil {
					_, err = s.CommitScan(ctx, l, ScanResult{Mirror: mirrors[0].ID})
				}
				if err == nil {
					err = s.ScanFailed(ctx, l, ScanFailure{Mirror: mirrors[0].ID, At: time.Now(), Reason: "x"})
				}
				if err == nil {
					_, err = s.UpdateMirror(ctx, mirrors[1].ID, "me", "", func(m *mirror.Mirror) error { m.Enabled = i%2 == 0; return nil })
				}
				if err == nil {
					_, err = s.AddTraffic(ctx, []mirror.Traffic{{Mirror: mirrors[0].ID, Requests: 1}, {Mirror: mirrors[2].ID, Requests: 1}})
				}
				if err = errors.Join(err, s.Release(ctx, l)); err != nil {
					t.Error(err)
				}
			}
			if err := s.DeleteMirror(ctx, mirrors[1].ID, "me"); err != nil {
				t.Error(err)
			}
		})
		work.Wait()
		if got := states(t, s, mirrors[1].ID); len(got) > 0 {
			t.Errorf("deleted: %v", got)
		}
		if found := must[[]Finding](t)(s.Check(ctx)); len(found) > 0 {
			t.Errorf("afterwards: %+v", found)
		}
	})
}

func TestRecordStatesReadOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		m := newMirror(t, s, "m")
		reader := openRaw(t, url, Options{ReadOnly: true})
		if err := reader.RecordStates(t.Context(), time.Time{}, 0); !errors.Is(err, ErrReadOnly) {
			t.Errorf("something to write: %v", err)
		}
		ok(t, s.RecordStates(t.Context(), time.Time{}, 0))
		ok(t, reader.RecordStates(t.Context(), time.Time{}, 0)) // nothing to write
		if n := len(history(t, reader, m.ID).Changes); n != 1 {
			t.Errorf("%d changes", n)
		}
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		cluster := pgtest.New(t)
		s := open(t, cluster)
		newMirror(t, s, "m")
		hole := newBlackhole(t, "127.0.0.1:1")
		away := openRaw(t, "postgres://x:y@"+hole.Addr().String()+"/z?sslmode=disable&connect_timeout=1", Options{})
		if err := away.RecordStates(t.Context(), time.Time{}, 0); !errors.Is(err, ErrUnreachable) {
			t.Errorf("away: %v", err)
		}
	})
}

func TestStatesAreBounded(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m, other := newMirror(t, s, "m"), newMirror(t, s, "other")
		fill := func(id mirror.ID, n int, age time.Duration) {
			t.Helper()
			ok(t, s.update(ctx, "test", func(x *tx) error {
				var rows [][]any
				for i := range n {
					at := time.Now().Add(time.Duration(i-n)*time.Minute - age).UnixNano()
					rows = append(rows, []any{int64(id), at, at, "up", ""})
				}
				return x.d.insert(ctx, x, "mirror_state", []string{"mirror", "at", "since", "state", "reason"}, rows)
			}))
		}
		fill(m.ID, maxStates+50, 0)
		fill(other.ID, 10, 2*keepStates)
		r := must[Retired](t)(s.CountRetired(ctx, 0, time.Hour))
		if r.States != 9 {
			t.Errorf("%d states would be retired", r.States)
		}
		if r = must[Retired](t)(s.Retire(ctx, time.Hour)); r.States != 9 {
			t.Errorf("%d states were retired", r.States)
		}
		if n := len(history(t, s, other.ID).Changes); n != 1 {
			t.Errorf("%d changes are left", n)
		}
		ok(t, s.RecordStates(ctx, time.Time{}, 0))
		var n int
		ok(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM mirror_state WHERE mirror = $1", int64(m.ID)).Scan(&n))
		if n != maxStates {
			t.Errorf("%d changes", n)
		}
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		b, a, gone := newMirror(t, s, "b"), newMirror(t, s, "a"), newMirror(t, s, "gone")
		putRuns(t, s, a.ID, true, 3*time.Hour, 2*time.Hour)
		putRuns(t, s, a.ID, false, time.Hour)
		putRuns(t, s, gone.ID, true, time.Hour)
		ok(t, s.RecordStates(ctx, time.Time{}, time.Hour))
		ok(t, s.DeleteMirror(ctx, gone.ID, "me"))
		today := mirror.DayOf(time.Now())
		must[[]mirror.Sums](t)(s.AddTraffic(ctx, []mirror.Traffic{
			{Mirror: a.ID, Day: today - 29, Requests: 1, Bytes: 10},
			{Mirror: a.ID, Day: today, Requests: 2, Bytes: 20},
			{Mirror: a.ID, Day: today - 30, Requests: 100, Bytes: 1000},
			{Mirror: b.ID, Day: today - 3, Requests: 1, Bytes: 70},
		}))
		_, err := s.UpdateMirror(ctx, b.ID, "me", "", func(m *mirror.Mirror) error { m.Enabled = true; return nil })
		ok(t, err)
		list, at, err := s.Status(ctx, time.Hour)
		ok(t, err)
		if len(list) != 2 || list[0].Mirror.Name != "a" || list[1].Mirror.Name != "b" || time.Since(at).Abs() > time.Minute {
			t.Fatalf("%+v at %v", list, at)
		}
		first, second := list[0], list[1]
		if first.State.State != mirror.StateDisabled || first.State.Reason != "switched off" || time.Since(first.State.Since) > time.Minute {
			t.Errorf("state %+v", first.State)
		}
		if second.State.State != mirror.StateNeverScanned || !second.State.Since.IsZero() {
			t.Errorf("a state that is not recorded yet: %+v", second.State)
		}
		if ago := at.Sub(first.LastRun.At).Round(time.Minute); first.LastRun.OK || ago != time.Hour {
			t.Errorf("last run %v ago: %+v", ago, first.LastRun)
		}
		if ago := at.Sub(first.LastGood.At).Round(time.Minute); !first.LastGood.OK || ago != 2*time.Hour || first.LastGood.Coverage() != 0.5 {
			t.Errorf("last good run %v ago: %+v", ago, first.LastGood)
		}
		if second.LastRun != (mirror.Run{}) || second.LastGood != (mirror.Run{}) {
			t.Errorf("runs out of nowhere: %+v", second)
		}
		if want := (mirror.Share{Requests: 3, Bytes: 30, OfRequests: 0.75, OfBytes: 0.3}); first.Share != want {
			t.Errorf("share %+v", first.Share)
		}
		all := must[map[mirror.ID]mirror.Share](t)(s.Shares(ctx))
		if diff := cmp.Diff(map[mirror.ID]mirror.Share{a.ID: first.Share, b.ID: second.Share}, all); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTrees(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		paths := []string{"a/b/c/1", "a/b/2", "a/\xff/3", "4"}
		for i := range 60 { // more than are looked up in one statement
			paths = append(paths, fmt.Sprintf("many/%d/x", i))
		}
		files := counted(t, s, paths...)
		folders := []string{"", "a", "a/b", "a/b/c", "a/\xff", "nowhere", "a/nowhere/at/all", "4"}
		for i := range 60 {
			folders = append(folders, fmt.Sprintf("many/%d", i))
		}
		trees := must[map[string]*roaring.Bitmap](t)(s.Trees(ctx, folders))
		if len(trees) != len(folders) {
			t.Errorf("%d trees", len(trees))
		}
		for f, ids := range trees {
			want := roaring.New()
			for p, row := range files {
				if mirror.Below(p, f) && p != f {
					want.Add(uint32(row.ID))
				}
			}
			if !ids.Equals(want) {
				t.Errorf("%q: %v, want %v", f, ids, want)
			}
		}
		ids := roaring.BitmapOf(uint32(files["4"].ID), 1<<30)
		seen := must[map[mirror.FileID]time.Time](t)(s.Seen(ctx, ids))
		if want := time.Unix(0, files["4"].Seen); len(seen) != 1 || !seen[files["4"].ID].Equal(want) {
			t.Errorf("seen %v, want %v", seen, want)
		}
	})
}

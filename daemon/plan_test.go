package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// well is a mirror that was scanned some time before noon.
func well(id mirror.ID, ago time.Duration) mirror.Mirror {
	at := noon.Add(-ago)
	return mirror.Mirror{ID: id, Name: fmt.Sprint("m", id), Enabled: true, Scan: mirror.ScanState{Succeeded: at, Attempted: at}}
}

func with(m mirror.Mirror, change func(*mirror.Mirror)) mirror.Mirror {
	change(&m)
	return m
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// show gives the tasks due at noon, or within the time to the hour where only
// the coarse time counts.
func show(tasks []task) (out []string) {
	for _, t := range tasks {
		if t.due.After(noon) {
			continue
		}
		s := t.key
		if t.kind != fullScan && len(t.mirrors) > 0 {
			var names []string
			for _, m := range t.mirrors {
				names = append(names, m.Name)
			}
			s += " " + strings.Join(names, ",")
		}
		for _, w := range t.wishes {
			s += fmt.Sprintf(" +%d", w.ID)
		}
		for _, m := range t.misses {
			s += " " + m.Folder
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	quiet := must(mirror.ParseWindow("11:00-13:00"))
	wish := func(w store.Wish, madeAgo, dueIn time.Duration) store.Wish {
		w.Kind = "scan"
		w.At, w.Due = noon.Add(-madeAgo), noon.Add(dueIn)
		return w
	}
	index := Job{Name: "index", Interval: 10 * time.Minute, Grants: store.WishIndex}
	miss := func(folder string, ago, dueIn time.Duration, scans int64) store.Miss {
		return store.Miss{Folder: folder, At: noon.Add(-ago), Due: noon.Add(dueIn), Scans: scans}
	}
	tests := []struct {
		name string
		w    world
		jobs []Job
		want []string
	}{
		{"each at its time", world{mirrors: []mirror.Mirror{
			well(1, 5*time.Minute),
			well(2, 7*hour),
			with(well(3, 2*hour), func(m *mirror.Mirror) { m.Rules.Interval = hour }),
			with(well(4, 7*hour), func(m *mirror.Mirror) { m.Rules.Interval = 24 * hour }),
			{ID: 5, Enabled: true},
			{ID: 6, EnableAfterScan: true},
			{ID: 7},
			with(well(8, 7*hour), func(m *mirror.Mirror) { m.Rules.Quiet = []mirror.Window{quiet} }),
			with(well(9, 16*time.Minute), func(m *mirror.Mirror) { m.Scan.Failures = 1 }),
			with(well(10, 16*time.Minute), func(m *mirror.Mirror) { m.Scan.Failures = 3 }),
			well(11, 7*hour),
		}, leased: map[string]bool{"scan/11/": true}}, nil, []string{"scan/2/", "scan/3/", "scan/5/", "scan/6/", "scan/9/"}},
		{"behind", world{
			mirrors: []mirror.Mirror{
				well(1, 100*time.Minute), well(2, 100*time.Minute),
				with(well(3, 100*time.Minute), func(m *mirror.Mirror) { m.Scan.Failures = 9 }),
				with(well(4, 15*time.Minute), func(m *mirror.Mirror) { m.Rules.Interval = hour }),
			},
			behind: map[mirror.ID]bool{1: true, 3: true, 4: true},
		}, nil, []string{"scan/1/"}},
		{"wishes for mirrors", world{
			mirrors: []mirror.Mirror{well(1, 2*time.Minute), well(2, 30*time.Second), well(3, hour), {ID: 4}, well(5, hour)},
			wishes: []store.Wish{
				wish(store.Wish{ID: 1, Mirror: 1}, time.Minute, 0),
				wish(store.Wish{ID: 2, Mirror: 2}, time.Minute, 0), // scanned a moment ago
				wish(store.Wish{ID: 3, Mirror: 3}, time.Minute, time.Minute),
				wish(store.Wish{ID: 4, Mirror: 4}, time.Minute, 0),  // disabled
				wish(store.Wish{ID: 5, Mirror: 99}, time.Minute, 0), // deleted
				wish(store.Wish{ID: 6, Mirror: 5, Subtree: "a"}, time.Minute, 0),
			},
		}, nil, []string{"folder/a m5 +6", "grant +4 +5", "scan/1/ +1"}},
		{"a wish for all", world{
			mirrors: []mirror.Mirror{well(1, 2*time.Minute), well(2, 20*time.Minute), {ID: 4}},
			wishes:  []store.Wish{wish(store.Wish{ID: 1}, 10*time.Minute, -10*time.Minute)},
		}, nil, []string{"scan/2/"}},
		{"granted for all", world{
			mirrors: []mirror.Mirror{well(1, 2*time.Minute), well(2, 3*time.Minute)},
			wishes:  []store.Wish{wish(store.Wish{ID: 1}, 10*time.Minute, -10*time.Minute)},
		}, nil, []string{"grant +1"}},
		{"folders", world{
			mirrors: []mirror.Mirror{
				well(1, hour),
				with(well(2, hour), func(m *mirror.Mirror) { m.Subtree = "a" }),
				with(well(3, hour), func(m *mirror.Mirror) { m.Subtree = "c" }),
				with(well(4, hour), func(m *mirror.Mirror) { m.Scan.Failures = 3 }),
				{ID: 5, Enabled: true, Name: "m5", Scan: mirror.ScanState{Attempted: noon, Failures: 1}},
				with(well(6, hour), func(m *mirror.Mirror) { m.Rules.Top = []string{"x"} }),
				with(well(7, hour), func(m *mirror.Mirror) { m.Rules.Top = []string{"a"} }),
				with(well(8, hour), func(m *mirror.Mirror) { m.Rules.Quiet = []mirror.Window{quiet} }),
				with(well(9, hour), func(m *mirror.Mirror) { m.Enabled = false }),
			},
			wishes: []store.Wish{
				wish(store.Wish{ID: 1, Subtree: "a/b"}, time.Minute, 0),
				wish(store.Wish{ID: 2, Subtree: "a/b", Mirror: 4}, time.Minute, 0),
				wish(store.Wish{ID: 3, Subtree: "a/b", Mirror: 9}, time.Minute, time.Minute),
				wish(store.Wish{ID: 4, Subtree: "a/c"}, time.Minute, time.Minute),
			},
		}, nil, []string{"folder/a/b m1,m2,m7,m4 +1 +2", "scan/4/"}},
		{"folders of mirrors that must wait", world{
			mirrors: []mirror.Mirror{
				well(1, hour),
				with(well(2, hour), func(m *mirror.Mirror) { m.Rules.Quiet = []mirror.Window{quiet} }),
				well(3, hour), well(4, hour),
				with(well(5, hour), func(m *mirror.Mirror) { m.Subtree = "a/b" }),
			},
			wishes: []store.Wish{
				wish(store.Wish{ID: 1, Subtree: "a", Mirror: 1}, time.Minute, 0),
				wish(store.Wish{ID: 2, Subtree: "a", Mirror: 2}, time.Minute, 0), // not granted yet
				wish(store.Wish{ID: 3, Subtree: "a", Mirror: 3}, time.Minute, 0), // likewise
				wish(store.Wish{ID: 4, Subtree: "a", Mirror: 4}, time.Minute, 0), // sees more than that scan
				wish(store.Wish{ID: 5, Subtree: "a", Mirror: 5}, time.Minute, 0),
			},
			leased: map[string]bool{"scan/3/a": true, "scan/4/": true, "scan/5/": true},
		}, nil, []string{"folder/a m1,m4 +1 +4"}},
		{"index first", world{
			mirrors: []mirror.Mirror{well(1, hour)},
			wishes: []store.Wish{
				{ID: 1, Kind: "index", Subtree: "a", At: noon, Due: noon},
				{ID: 3, Kind: "index", Subtree: "z", At: noon.Add(-hour), Due: noon.Add(-hour)}, // nobody does it
				wish(store.Wish{ID: 2, Subtree: "a/b"}, 0, 0),
				wish(store.Wish{ID: 4, Subtree: "z"}, 0, 0),
			},
		}, nil, []string{"folder/z m1 +4"}},
		{"jobs", world{
			wishes: []store.Wish{{ID: 1, Kind: "index", Subtree: "a", At: noon, Due: noon}},
			jobs: map[string]store.Job{
				"index": {Started: noon.Add(-time.Minute), Ended: noon},
				"hash":  {Started: noon.Add(-30 * time.Second)},
				"dead":  {Started: noon.Add(-2 * time.Minute)},
				"early": {Started: noon.Add(-time.Minute), Ended: noon},
			},
			leased: map[string]bool{"job/elsewhere": true},
		}, []Job{
			index,
			{Name: "hash", Interval: hour},
			{Name: "dead", Interval: hour},
			{Name: "early", Interval: hour},
			{Name: "new", Interval: hour},
			{Name: "elsewhere", Interval: hour},
		}, []string{"job/dead", "job/index +1", "job/new"}},
		{"misses", world{
			mirrors: []mirror.Mirror{well(1, hour), {ID: 2}},
			misses:  []store.Miss{miss("a", time.Second, 0, 0), miss("b", time.Second, time.Second, 0), miss("c", hour, 0, 1), miss("d", time.Second, 0, 1)},
		}, nil, []string{"missed m1 a d"}},
		{"no index yet", world{mirrors: []mirror.Mirror{{ID: 5, Enabled: true}}, misses: []store.Miss{miss("a", 0, 0, 0)}, began: noon}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.w.indexed = tt.w.began.IsZero()
			s := Settings{Scans: &Scans{}, Jobs: tt.jobs}.withDefaults()
			tasks := plan(&s, &tt.w, noon)
			if diff := cmp.Diff(tt.want, show(tasks)); diff != "" {
				t.Error(diff)
			}
			if !slices.IsSortedFunc(tasks, func(a, b task) int { return a.due.Compare(b.due) }) {
				t.Error("not in the order of their times")
			}
		})
	}
}

func TestGather(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   []string
		most int
		want []string
	}{
		{"none", nil, 3, nil},
		{"few", []string{"b", "a", "a"}, 3, []string{"a", "b"}},
		{"one within another", []string{"a/b", "a", "ab"}, 3, []string{"a", "ab"}},
		{"the deepest", []string{"a/b/c/1", "a/b/c/2", "x", "y"}, 3, []string{"a/b/c", "x", "y"}},
		{"the whole", []string{"a", "b", "c"}, 2, []string{""}},
		{"everything", []string{"", "b"}, 2, []string{""}},
		{"nothing allowed", []string{"a", "b"}, 0, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, gather(tt.in, tt.most)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	bad, good, old := outcome{first: true, failed: true}, outcome{good: true}, outcome{failed: true}
	tests := []struct {
		name string
		list []outcome
		want bool
	}{
		{"five of five", []outcome{bad, bad, bad, bad, bad}, true},
		{"four", []outcome{bad, bad, bad, bad}, false},
		{"three of five", []outcome{good, good, bad, bad, bad}, true},
		{"half", []outcome{good, good, good, good, good, bad, bad, bad, bad, bad}, false},
		{"more than half", []outcome{good, good, good, good, bad, bad, bad, bad, bad}, true},
		{"mirrors known to be down", []outcome{old, old, old, old, old, old}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d doubt
			var got bool
			for _, o := range tt.list {
				got = d.note(noon, o)
			}
			if got != tt.want || d.holds(noon.Add(time.Minute)) != tt.want || d.holds(noon.Add(time.Hour)) {
				t.Errorf("doubts: %v", got)
			}
		})
	}
	var d doubt
	for i := range 20 {
		if d.note(noon.Add(time.Duration(i)*5*time.Minute), bad) {
			t.Error("doubts though they failed long after one another")
		}
	}
}

package replay

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// files is an index in memory.
type files map[string]catalog.Entry

func (f files) Resolve(path string) (string, bool) {
	if path == "latest.iso" {
		return "a.iso", true
	}
	return path, false
}

func (f files) Lookup(path string) (catalog.Entry, catalog.Result) {
	e, ok := f[path]
	if !ok {
		return e, catalog.NotFound
	}
	return e, catalog.Found
}

var (
	day   = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	tree  = files{"a.iso": {ID: 1, Size: 1000}, "b.iso": {ID: 2, Size: 10}, "a.iso.asc": {ID: 3, Size: 5}}
	names = map[string]mirror.Place{"192.0.2.1": {Continent: "eu", Country: "de"}, "192.0.2.2": {Continent: "na", Country: "us"}}
)

func locate(addr netip.Addr) mirror.Client {
	return mirror.Client{Addr: addr, Place: names[addr.String()]}
}

func server(id int, name, country, continent string, score int) *mirror.Mirror {
	return &mirror.Mirror{
		ID: mirror.ID(id), Name: name, HTTP: []string{"https://" + name + ".example/"}, Enabled: true, Score: score,
		Place: mirror.Place{Country: country, Continent: continent}, Scan: mirror.ScanState{Succeeded: day},
	}
}

// world has two German mirrors, of which one has all, and an American one.
func threeMirrors(name string, change func(ms []*mirror.Mirror)) World {
	ms := []*mirror.Mirror{server(1, "one", "de", "eu", 200), server(2, "two", "de", "eu", 100), server(3, "three", "us", "na", 100)}
	if change != nil {
		change(ms)
	}
	return World{
		Name: name, Mirrors: Settled(ms, day, 0), Policy: redirector.DefaultPolicy(),
		Held: Held{nil, roaring.BitmapOf(1), roaring.BitmapOf(1, 2)},
	}
}

func download(path, addr, chosen string) *accesslog.Entry {
	return &accesslog.Entry{
		Time: day, Addr: netip.MustParseAddr(addr), Method: "GET", Path: path, Status: 302, Bytes: 0, Scheme: "https",
		Logged: true, Mirror: chosen,
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	const n = 6000
	for _, exact := range []bool{true, false} {
		run := New(Options{
			Files: tree, Locate: locate, Exact: exact,
			Worlds: []World{
				threeMirrors("now", nil),
				threeMirrors("without one", func(ms []*mirror.Mirror) { ms[0].Enabled = false }),
			},
		})
		for range n {
			run.Add(download("/a.iso", "192.0.2.1", "two"))
		}
		run.Add(download("/b.iso", "192.0.2.1", "one"))
		got := run.Report()
		if got.Counted != (Tally{n + 1, n*1000 + 10}) || !got.Then() {
			t.Errorf("counted %+v", got.Counted)
		}
		then, now, changed := &got.Columns[0], &got.Columns[1], &got.Columns[2]
		if then.Mirrors[1].Requests != n || then.Mirrors[0].Bytes != 10 {
			t.Errorf("then: %+v", then.Mirrors)
		}
		near := func(what string, got, want float64) {
			t.Helper()
			limit := 1e-6
			if !exact {
				limit = 5 * math.Sqrt(want) // five times the deviation
			}
			if math.Abs(got-want) > limit {
				t.Errorf("exact %v: %s: %v, want %v", exact, what, got, want)
			}
		}
		near("one", now.Mirrors[0].Requests, n*2/3+1)
		near("two", now.Mirrors[1].Requests, n/3)
		near("two the same as then", now.SameMirror, n/3+1)
		near("three", now.Mirrors[2].Requests, 0)
		near("same country", now.SameCountry, n+1)
		near("two alone", changed.Mirrors[1].Requests, n)
		near("three gets what two has not", changed.Mirrors[2].Requests, 1)
		near("compared", changed.ComparedCountry, n+1)
		near("same country without one", changed.SameCountry, n)
		near("in country", changed.Near.InCountry, n)
	}
}

// What is not touched by a change does not differ by luck.
func TestCommonNumbers(t *testing.T) {
	t.Parallel()
	run := New(Options{Files: tree, Locate: locate, Worlds: []World{
		threeMirrors("now", nil), threeMirrors("changed", func(ms []*mirror.Mirror) { ms[2].Score = 1 }),
	}})
	for range 1000 {
		run.Add(download("/a.iso", "192.0.2.1", ""))
	}
	got := run.Report()
	if diff := cmp.Diff(got.Columns[1].Mirrors, got.Columns[2].Mirrors); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCounts(t *testing.T) {
	t.Parallel()
	pattern, err := glob.Parse("/*.iso")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := redirector.CompileRules(redirector.RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(e *accesslog.Entry, o *Options)
		want   string // why it is left out; "": it counts
	}{
		{"a redirect", func(*accesslog.Entry, *Options) {}, ""},
		{"an alias", func(e *accesslog.Entry, _ *Options) { e.Path = "/latest.iso" }, ""},
		{"doubled slashes", func(e *accesslog.Entry, _ *Options) { e.Path = "//a.iso" }, ""},
		{"a part", func(e *accesslog.Entry, _ *Options) { e.Status = 206 }, ""},
		{"a query that means nothing", func(e *accesslog.Entry, _ *Options) { e.Query = "utm=1" }, ""},
		{"HEAD", func(e *accesslog.Entry, _ *Options) { e.Method = "HEAD" }, SkipMethod},
		{"an error", func(e *accesslog.Entry, _ *Options) { e.Status = 404 }, SkipStatus},
		{"not modified", func(e *accesslog.Entry, _ *Options) { e.Status = 304 }, SkipStatus},
		{"a list by query", func(e *accesslog.Entry, _ *Options) { e.Query = "mirrorlist" }, SkipDocument},
		{"another client", func(e *accesslog.Entry, _ *Options) { e.Query = "country=us" }, SkipDocument},
		{"a Metalink by suffix", func(e *accesslog.Entry, _ *Options) { e.Path = "/a.iso.meta4" }, SkipDocument},
		{"a document by the log's word", func(e *accesslog.Entry, _ *Options) { e.Document = true }, SkipDocument},
		{"a test", func(e *accesslog.Entry, _ *Options) { e.Simulated = true }, SkipSimulated},
		{"a folder", func(e *accesslog.Entry, _ *Options) { e.Path = "/a/" }, SkipFolder},
		{"the root", func(e *accesslog.Entry, _ *Options) { e.Path = "" }, SkipFolder},
		{"an unknown file", func(e *accesslog.Entry, _ *Options) { e.Path = "/c.iso" }, SkipUnknown},
		{"before", func(_ *accesslog.Entry, o *Options) { o.From = day.Add(1) }, SkipFilter},
		{"after", func(_ *accesslog.Entry, o *Options) { o.To = day }, SkipFilter},
		{"another site", func(_ *accesslog.Entry, o *Options) { o.Host = "dl" }, SkipFilter},
		{"another path", func(e *accesslog.Entry, o *Options) { e.Path, o.Path = "/a.iso.asc", pattern }, SkipFilter},
		{"that path", func(_ *accesslog.Entry, o *Options) { o.Path = pattern }, ""},
		{"below a folder", func(e *accesslog.Entry, o *Options) { e.Path, o.Strip = "/pub/a.iso", "pub" }, ""},
		{"outside the folder", func(_ *accesslog.Entry, o *Options) { o.Strip = "pub" }, SkipFolder},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Files: tree, Locate: locate, Rules: rules, Worlds: []World{threeMirrors("now", nil)}}
			e := download("/a.iso", "192.0.2.1", "two")
			test.change(e, &o)
			run := New(o)
			run.Add(e)
			got := run.Report()
			if test.want == "" && got.Counted.Requests != 1 || test.want != "" && (got.Skipped[test.want] != 1 || got.Counted.Requests != 0) {
				t.Errorf("counted %v, skipped %v", got.Counted, got.Skipped)
			}
		})
	}
}

func TestNoMirror(t *testing.T) {
	t.Parallel()
	rules, err := redirector.CompileRules(redirector.RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nobody := threeMirrors("now", func(ms []*mirror.Mirror) {
		for _, m := range ms {
			m.Enabled = false
		}
	})
	for _, test := range []struct {
		noMirror, path string
		want           func(c *Column) Tally
	}{
		{"", "/a.iso", func(c *Column) Tally { return c.Local }},
		{"fallback", "/a.iso", func(c *Column) Tally { return c.Fallback }},
		{"404", "/a.iso", func(c *Column) Tally { return c.Nowhere }},
		{"404", "/a.iso.asc", func(c *Column) Tally { return c.Exempt }},
	} {
		run := New(Options{
			Files: tree, Locate: locate, Rules: rules, NoMirror: test.noMirror, Worlds: []World{nobody},
			Fallbacks: redirector.Fallbacks{{URL: "https://f.example/"}},
		})
		run.Add(download(test.path, "192.0.2.1", "gone"))
		got := run.Report()
		if c := &got.Columns[1]; test.want(c).Requests != 1 || c.Compared != 0 {
			t.Errorf("%s %s: %+v", test.noMirror, test.path, c)
		}
		if last := got.Mirrors[len(got.Mirrors)-1]; last.Name != "gone" || !last.Unknown || got.Columns[0].Mirrors[3].Requests != 1 {
			t.Errorf("then: %+v, %+v", last, got.Columns[0])
		}
	}
}

// The log's word about the client counts where nothing else is known.
func TestPlaceOfLog(t *testing.T) {
	t.Parallel()
	run := New(Options{Files: tree, Worlds: []World{threeMirrors("now", nil)}, By: ByCountry})
	e := download("/a.iso", "198.51.100.1", "one")
	e.Country = "us"
	run.Add(e)
	e.Country, e.Addr = "", netip.Addr{}
	run.Add(e)
	got := run.Report()
	want := []GroupRow{{"us", Tally{1, 1000}}, {"unknown", Tally{1, 1000}}}
	if diff := cmp.Diff(want, got.Groups); diff != "" {
		t.Error(diff)
	}
	if got.Columns[1].Mirrors[2].Requests < 1 || got.Columns[1].Groups[0].Near.InCountry != 1 || got.Columns[0].Groups[0].Near.Mirrors != 1 {
		t.Errorf("%+v", got.Columns)
	}
}

func TestThen(t *testing.T) {
	t.Parallel()
	run := New(Options{Files: tree, Locate: locate, Worlds: []World{threeMirrors("now", nil)}})
	for _, change := range []func(e *accesslog.Entry){
		func(e *accesslog.Entry) { e.Logged, e.Mirror = false, "" },                    // a redirect, who knows where to
		func(e *accesslog.Entry) { e.Logged, e.Mirror, e.Status = false, "", 200 },     // from here
		func(e *accesslog.Entry) { e.Mirror, e.Status = "", 200 },                      // likewise
		func(e *accesslog.Entry) { e.Mirror, e.Fallback = "origin.example.org", true }, // a fallback
		func(e *accesslog.Entry) { e.Fallback = true },                                 // a mirror of last resort
		func(e *accesslog.Entry) { e.Mirror = "" },                                     // a redirect to something else
	} {
		e := download("/a.iso", "192.0.2.1", "one")
		change(e)
		run.Add(e)
	}
	c := run.Report().Columns[0]
	if c.Unknown.Requests != 2 || c.Local.Requests != 2 || c.Fallback.Requests != 1 || c.Mirrors[0].Requests != 1 {
		t.Errorf("%+v", c)
	}
}

// A mirror's state is that of now, and its hours without traffic are the log's.
func TestSettled(t *testing.T) {
	t.Parallel()
	window, err := mirror.ParseWindow("mon-sun 11:00-13:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	now := day.Add(30 * 24 * time.Hour)
	w := threeMirrors("now", nil)
	w.Mirrors[0].Scan.Succeeded, w.Mirrors[0].DisabledUntil = now, now.Add(-time.Hour)
	w.Mirrors[1].Scan.Succeeded, w.Mirrors[1].NoTraffic = now, []mirror.Window{window}
	w.Mirrors = Settled(w.Mirrors, now, mirror.DefaultMaxScanAge)
	if !w.Mirrors[0].Enabled || !w.Mirrors[1].Enabled || w.Mirrors[2].Enabled || len(w.Mirrors[1].NoTraffic) != 1 {
		t.Errorf("%+v", w.Mirrors)
	}
	if up := AllUp(w.Mirrors, now); !up[2].Enabled || w.Mirrors[2].Enabled {
		t.Error("not all are up, or those that were given changed")
	}
}

func TestRangeLength(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field string
		want  int64 // -1: the whole file
	}{
		{"bytes=0-0", 1},
		{"bytes=0-", 100},
		{"bytes=10-19", 10},
		{"Bytes= 90-200", 10},
		{"bytes=-5", 5},
		{"bytes=-500", 100},
		{"bytes=-0", -1},
		{"bytes=100-", -1},
		{"bytes=5-4", -1},
		{"bytes=0-1,5-6", -1},
		{"bytes=99999999999999999999-", -1},
		{"lines=1-2", -1},
		{"", -1},
	} {
		got, ok := rangeLength(test.field, 100)
		if !ok {
			got = -1
		}
		if got != test.want {
			t.Errorf("%q: %d, want %d", test.field, got, test.want)
		}
	}
}

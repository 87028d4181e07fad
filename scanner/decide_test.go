package scanner

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	s      = int64(time.Second)
	minute = 60 * s
	day    = 24 * 60 * minute
)

// at is the day of the tests.
var at = time.Date(2026, 5, 20, 12, 0, 30, 0, time.UTC).UnixNano()

// ver makes a version with a time known to the nanosecond.
func ver(id mirror.FileID, size, mtime int64) mirror.Version {
	return mirror.Version{ID: id, Size: size, MTime: mtime, Precision: 1, Seen: mtime + minute}
}

func gone(v mirror.Version, when int64) mirror.Version { v.Gone = when; return v }

func listed(size, mtime int64, precision time.Duration) listing.Entry {
	return listing.Entry{Path: "f", SizeMin: size, SizeMax: size, MTime: mtime, Precision: precision}
}

func rounded(low, high, mtime int64) listing.Entry {
	e := listed(low, mtime-mtime%minute, time.Minute)
	e.SizeMax = high
	return e
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	one := []mirror.Version{ver(1, 100, at)}
	// Replaced by another size, by the same size later, by the same size earlier.
	grown := []mirror.Version{gone(ver(1, 100, at), at+day), ver(2, 200, at+day)}
	later := []mirror.Version{gone(ver(1, 100, at), at+day), ver(2, 100, at+day)}
	earlier := []mirror.Version{gone(ver(1, 100, at), at+day), {ID: 2, Size: 100, MTime: at - day, Precision: 1, Seen: at + day}}
	removed := []mirror.Version{gone(ver(1, 100, at), at+day)}
	touched := []mirror.Version{ver(1, 100, at+day), {ID: 1, Size: 100, MTime: at, Precision: 1, Seen: at + minute}}
	timeless := []mirror.Version{{ID: 1, Size: 100}}
	bigs := []mirror.Version{gone(ver(1, 5*mib+1, at), at+day), ver(2, 5*mib+2, at+day)}
	// Versions of one minute, which an index page cannot tell apart.
	hasty := []mirror.Version{gone(ver(1, 5*mib+1, at), at+s), ver(2, 5*mib+2, at+s)}
	coarse := []mirror.Version{{ID: 1, Size: 100, MTime: at - at%minute, Precision: time.Minute, Seen: at}}

	for name, c := range map[string]struct {
		versions []mirror.Version
		e        listing.Entry
		want     Verdict
		id       mirror.FileID
	}{
		"never heard of":              {nil, listed(100, at, time.Second), Unknown, 0},
		"same size and time":          {one, listed(100, at, 1), Held, 1},
		"same second":                 {one, listed(100, at-at%s, time.Second), Held, 1},
		"same minute":                 {one, listed(100, at-at%minute, time.Minute), Held, 1},
		"same day":                    {one, listed(100, at-at%day, 24*time.Hour), Held, 1},
		"other size":                  {one, listed(99, at, time.Second), Stale, 0},
		"other size, newer":           {one, listed(101, at+day, time.Second), Stale, 0},
		"older":                       {one, listed(100, at-s, time.Second), Stale, 0},
		"newer, nothing else fits":    {one, listed(100, at+s, time.Second), Held, 1},
		"newer than a replaced one":   {grown, listed(100, at+2*day, time.Second), Stale, 0},
		"the replaced one":            {grown, listed(100, at, time.Second), Held, 1},
		"the replacing one":           {grown, listed(200, at+day, time.Second), Held, 2},
		"replaced time, new size":     {grown, listed(200, at, time.Second), Stale, 0},
		"new time, replaced size":     {grown, listed(100, at+day, time.Second), Stale, 0},
		"newer, the new size":         {grown, listed(200, at+2*day, time.Second), Held, 2},
		"between, the new size":       {grown, listed(200, at+day/2, time.Second), Stale, 0},
		"same sizes, by time":         {later, listed(100, at, time.Second), Held, 1},
		"same sizes, by new time":     {later, listed(100, at+day, time.Second), Held, 2},
		"same sizes, before seen":     {later, listed(100, at+day+s, time.Second), Doubtful, 0},
		"same sizes, after seen":      {later, listed(100, at+day+minute, time.Second), Held, 2},
		"newer was replaced by older": {earlier, listed(100, at, time.Second), Held, 1},
		"the older replacement":       {earlier, listed(100, at-day, time.Second), Held, 2},
		"neither, before seen":        {earlier, listed(100, at+s, time.Second), Doubtful, 0},
		"removed, as it was":          {removed, listed(100, at, time.Second), Held, 1},
		"removed, another time":       {removed, listed(100, at+day, time.Second), Stale, 0},
		"touched, old time":           {touched, listed(100, at, time.Second), Held, 1},
		"touched, new time":           {touched, listed(100, at+day, time.Second), Held, 1},
		"touched, between":            {touched, listed(100, at+s, time.Second), Stale, 0},
		"touched, newer":              {touched, listed(100, at+2*day, time.Second), Held, 1},
		"size not told":               {one, listed(-1, at, time.Second), Ask, 0},
		"time not told":               {one, listed(100, 0, 0), Ask, 0},
		"time not told, other size":   {one, listed(99, 0, 0), Stale, 0},
		"origin has no times":         {timeless, listed(100, at, time.Second), Ask, 0},
		"rounded, small":              {[]mirror.Version{ver(1, 1234, at)}, rounded(1178, 1279, at), Held, 1},
		"rounded, small, not it":      {[]mirror.Version{ver(1, 1234, at)}, rounded(1280, 1381, at), Stale, 0},
		"rounded, large":              {[]mirror.Version{ver(1, 5*mib, at)}, rounded(5*mib-50000, 5*mib+50000, at), AskSize, 1},
		"rounded, large, two sizes":   {bigs, rounded(5*mib-50000, 5*mib+50000, at), AskSize, 1},
		"rounded, one minute":         {hasty, rounded(5*mib-50000, 5*mib+50000, at), Ask, 0},
		"rounded, newer, two sizes":   {bigs, rounded(5*mib-50000, 5*mib+50000, at+day+minute), Ask, 0},
		"origin known to the minute":  {coarse, listed(100, at, time.Second), Held, 1},
		"coarse origin, next minute":  {coarse, listed(100, at+minute, time.Second), Held, 1},
		"coarse origin, minute ago":   {coarse, listed(100, at-minute, time.Second), Stale, 0},
	} {
		e := c.e
		got := decide(question{e: &e, times: []int64{e.MTime}}, c.versions)
		if got.verdict != c.want || got.version.ID != c.id {
			t.Errorf("%s: verdict %d of version %d, want %d of %d", name, got.verdict, got.version.ID, c.want, c.id)
		}
	}
}

// TestDecideAsked is about what is left to say after a HEAD.
func TestDecideAsked(t *testing.T) {
	t.Parallel()
	one := []mirror.Version{ver(1, 100, at)}
	two := []mirror.Version{gone(ver(1, 100, at), at+day), ver(2, 100, at+day)}
	removed := []mirror.Version{gone(ver(1, 100, at), at+day)}
	for name, c := range map[string]struct {
		versions []mirror.Version
		e        listing.Entry
		want     Verdict
	}{
		"no time, one version":  {one, listed(100, 0, 0), Held},
		"no time, two versions": {two, listed(100, 0, 0), Doubtful},
		"no time, removed":      {removed, listed(100, 0, 0), Doubtful},
		"no time, other size":   {one, listed(101, 0, 0), Stale},
		"older":                 {one, listed(100, at-day, time.Second), Stale},
	} {
		e := c.e
		if got := decide(question{e: &e, times: []int64{e.MTime}, asked: true}, c.versions); got.verdict != c.want {
			t.Errorf("%s: verdict %d, want %d", name, got.verdict, c.want)
		}
	}
}

// FuzzDecide holds the promise: what is held has the version's size, and a
// time that is the version's or, of the current version alone, newer.
func FuzzDecide(f *testing.F) {
	f.Add(int64(100), int64(100), int64(0), int64(1), uint8(3), false)
	f.Fuzz(func(t *testing.T, low, high, dt, dt2 int64, prec uint8, asked bool) {
		precision := []time.Duration{0, 1, time.Second, time.Minute, 24 * time.Hour}[prec%5]
		bound := func(n int64) int64 { return n % (30 * day) }
		e := listing.Entry{SizeMin: low, SizeMax: max(low, high), MTime: at + bound(dt), Precision: precision}
		versions := []mirror.Version{gone(ver(1, 100, at), at+day), ver(2, 100+dt2%2, at+bound(dt2))}
		got := decide(question{e: &e, times: []int64{e.MTime}, asked: asked}, versions)
		if got.verdict != Held && got.verdict != AskSize {
			return
		}
		v := got.version
		if !e.SizeFits(v.Size) {
			t.Fatalf("%+v held as %+v", e, v)
		}
		if precision > 0 && !v.SameTime(e.MTime, precision) && (!v.Current() || e.MTime < v.MTime) {
			t.Fatalf("%+v, older, held as %+v", e, v)
		}
		if precision == 0 && !asked {
			t.Fatalf("%+v held without a question", e)
		}
	})
}

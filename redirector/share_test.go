package redirector

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// placedMirrors gives mirrors of one place that differ in score, with numbers of
// their own.
func placedMirrors(p mirror.Place, scores ...int) []*mirror.Mirror {
	ms := upMirrors(scores...)
	for i, m := range ms {
		m.ID, m.Name, m.Place = mirror.ID(i+1), "m"+strconv.Itoa(i), p
	}
	return ms
}

// manyFiles and manyClients make the nth query another one.
func manyFiles(q *Query, n int) {
	q.Path = "pub/" + strconv.Itoa(n%977) + "/" + strconv.Itoa(n) + ".iso"
}

func manyClients(q *Query, n int) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], 0x20010db8_00000000|uint64(n))
	b[15] = byte(n)
	q.Client.Addr = netip.AddrFrom16(b)
	if n%2 == 0 {
		q.Client.Addr = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	}
}

// TestSharesAreInProportion draws often and compares how often each mirror is
// chosen with its weight, by chi-square, for each policy. Files, clients and the
// source of chance are fixed, so it passes always or never.
func TestSharesAreInProportion(t *testing.T) {
	t.Parallel()
	draws := 100_000
	if raceEnabled {
		draws /= 5
	}
	berlin := mirror.Place{Continent: "eu", Country: "de", Lat: 52.5, Lng: 13.4, HasCoords: true}
	scores := []int{100, 200, 50, 300, 10, 120}
	for _, tc := range []struct {
		name   string
		change func(*Policy)
		vary   func(*Query, int)
		edit   func([]*mirror.Mirror, *Query)
		held   holdsList
	}{
		{name: "default", vary: manyFiles},
		{name: "spill", change: func(p *Policy) { p.Spill = 6 }, edit: func(ms []*mirror.Mirror, _ *Query) {
			for _, m := range ms[2:] {
				m.Country = "fr"
			}
		}},
		{name: "distance", change: func(p *Policy) { p.Order = OrderDistance }, edit: func(ms []*mirror.Mirror, _ *Query) {
			ms[1].Place = mirror.Place{Continent: "eu", Country: "pl", Lat: 52.4, Lng: 14.5, HasCoords: true}
			ms[3].Place = mirror.Place{Continent: "as", Country: "cn", Lat: 52.5, Lng: 14, HasCoords: true}
		}},
		{name: "affinity", change: func(p *Policy) { p.Affinity.Copies = 2 }, vary: manyFiles},
		{name: "affinity, some without the file", change: func(p *Policy) { p.Affinity.Copies = 3 }, vary: manyFiles, held: holdsList{true, false, true, true, false, true}},
		{name: "affinity by folder", change: func(p *Policy) { p.Affinity = Affinity{Copies: 1, FolderBelow: 1000} }, vary: func(q *Query, n int) {
			q.Path = strconv.Itoa(n) + "/x"
		}},
		{name: "affinity by version", change: func(p *Policy) { p.Affinity.Copies = 1 }},
		{name: "sticky", change: func(p *Policy) { p.Sticky = time.Hour }, vary: manyClients},
		{name: "sticky over time", change: func(p *Policy) { p.Sticky = time.Minute }, vary: func(q *Query, n int) {
			manyClients(q, 7)
			q.Now = worldNow.Add(time.Duration(n) * time.Minute).UnixNano()
		}},
		{name: "affinity and sticky", change: func(p *Policy) { p.Affinity.Copies, p.Sticky = 2, time.Hour }, vary: func(q *Query, n int) {
			manyFiles(q, n)
			manyClients(q, n/3)
		}},
		{name: "weights", edit: func(_ []*mirror.Mirror, q *Query) {
			q.Load = &worldLoad{full: make([]bool, 6), weights: []uint32{7, 1, 2, 3, 900, 500}}
		}},
		{name: "affinity with weights", change: func(p *Policy) { p.Affinity.Copies = 2 }, vary: manyFiles, edit: func(_ []*mirror.Mirror, q *Query) {
			q.Load = &worldLoad{full: make([]bool, 6), weights: []uint32{7, 1, 2, 3, 9, 5}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ms := placedMirrors(berlin, scores...)
			p := DefaultPolicy()
			p.Key, p.MaxScanAge = [16]byte{3, 1, 4, 1, 5, 9}, 0
			if tc.change != nil {
				tc.change(&p)
			}
			base := Query{File: 7, Size: 500, TLS: true, Now: worldNow.UnixNano(), Client: mirror.Client{Place: berlin}}
			if tc.edit != nil {
				tc.edit(ms, &base)
			}
			held := tc.held
			if held == nil {
				held = holdsList{true, true, true, true, true, true}
			}
			s, rnd := Compile(ms, p), rand.New(rand.NewPCG(27, 18))
			counts := make([]int, len(ms))
			var d Decision
			for n := range draws {
				q := base
				if tc.vary != nil {
					tc.vary(&q, n)
				}
				if tc.name == "affinity by version" {
					q.File = mirror.FileID(n)
					s.Choose(&q, everything{}, rnd, &d)
				} else {
					s.Choose(&q, held, rnd, &d)
				}
				counts[d.Picks[0].Mirror]++
			}
			weights := make([]float64, len(ms))
			for i := range ms {
				if held[i] {
					weights[i] = float64(ms[i].Score)
				}
				if base.Load != nil {
					weights[i] = float64(base.Load.Weights()[i])
				}
			}
			proportional(t, counts, weights)
		})
	}
}

// proportional compares counts with weights by chi-square.
func proportional(t *testing.T, counts []int, weights []float64) {
	t.Helper()
	total, sum, chi2, df := 0, 0.0, 0.0, -1.0
	for i, n := range counts {
		total += n
		sum += weights[i]
	}
	for i, n := range counts {
		want := weights[i] / sum * float64(total)
		if want == 0 {
			if n > 0 {
				t.Errorf("mirror %d was chosen %d times without a share", i, n)
			}
			continue
		}
		chi2 += (float64(n) - want) * (float64(n) - want) / want
		df++
	}
	// 0.999 quantile by Wilson and Hilferty.
	if limit := df * math.Pow(1-2/(9*df)+3.09*math.Sqrt(2/(9*df)), 3); chi2 > limit {
		t.Errorf("chi-square %.1f with %.0f degrees of freedom, limit %.1f: %v for %v", chi2, df, limit, counts, weights)
	}
}

// fixedLot always draws the same.
type fixedLot uint64

func (l fixedLot) Uint64N(n uint64) uint64 { return uint64(l) % n }

// TestAffinityMovesOnlyOnesShare: when a mirror leaves, every order stays as it
// was without it; nothing moves between two others.
func TestAffinityMovesOnlyOnesShare(t *testing.T) {
	t.Parallel()
	all := placedMirrors(mirror.Place{}, 100, 200, 50, 300, 10, 120, 80, 90, 500, 60, 70, 30)
	const gone = 3
	fewer := append(append([]*mirror.Mirror{}, all[:gone]...), all[gone+1:]...)
	p := DefaultPolicy()
	p.Affinity.Copies = 3
	before, after := Compile(all, p), Compile(fewer, p)
	var x, y Decision
	moved, firsts := 0, 0
	for n := range 2000 {
		for copy := range fixedLot(3) {
			q := Query{File: 7, TLS: true, Now: worldNow.UnixNano(), Limit: -1}
			manyFiles(&q, n)
			before.Choose(&q, everything{}, copy, &x)
			after.Choose(&q, everything{}, copy, &y)
			firsts++
			if x.Picks[0].Name == all[gone].Name {
				moved++
			}
			at := 0
			for _, pick := range x.Picks {
				if pick.Name == all[gone].Name {
					continue
				}
				if y.Picks[at].Name != pick.Name {
					t.Fatalf("file %d: place %d was %s, is %s", n, at, pick.Name, y.Picks[at].Name)
				}
				at++
			}
			q.Limit = 1
			if after.Choose(&q, everything{}, copy, &x); x.Picks[0].Name != y.Picks[0].Name {
				t.Fatalf("file %d: %s comes first of one, %s of all", n, x.Picks[0].Name, y.Picks[0].Name)
			}
		}
	}
	if share := float64(moved) / float64(firsts); !near(share, 300.0/1610, 0.02) {
		t.Errorf("%.3f of the files moved", share)
	}
}

// TestAffinityFindsFew: a file goes to no more mirrors than it has copies, its
// next version to the same ones, and small files go by folder.
func TestAffinityFindsFew(t *testing.T) {
	t.Parallel()
	ms := placedMirrors(mirror.Place{}, 100, 100, 100, 100, 100, 100, 100, 100)
	p := DefaultPolicy()
	p.Affinity = Affinity{Copies: 2, MinSize: 100, FolderBelow: 1000}
	s := Compile(ms, p)
	rnd := rand.New(rand.NewPCG(1, 1))
	firsts := func(sizes []int64, paths ...string) int {
		seen := map[int]bool{}
		var d Decision
		for n := range 200 {
			s.Choose(&Query{
				File: mirror.FileID(n), Size: sizes[n%len(sizes)], Path: paths[n%len(paths)], TLS: true, Now: worldNow.UnixNano(),
			}, everything{}, rnd, &d)
			seen[d.Picks[0].Mirror] = true
		}
		return len(seen)
	}
	if n := firsts([]int64{5000}, "a/b/x.iso"); n > 2 {
		t.Errorf("one file goes to %d mirrors", n)
	}
	if n := firsts([]int64{999, 100}, "a/b/x", "a/b/y", "a/b/z", "a/b/u"); n > 2 {
		t.Errorf("small files of a folder go to %d mirrors", n)
	}
	if n := firsts([]int64{1000}, "a/b/x", "a/b/y", "a/b/z", "a/b/u", "a/b/v", "a/b/w"); n < 4 {
		t.Errorf("large files of a folder go to %d mirrors", n)
	}
	if n := firsts([]int64{99}, "a/b/x"); n != 8 {
		t.Errorf("a file below min_size goes to %d mirrors", n)
	}
}

// TestSticky: a client stays for the time that is set, with all of its /64; not
// all clients move at once; and without an address nobody stays.
func TestSticky(t *testing.T) {
	t.Parallel()
	ms := placedMirrors(mirror.Place{}, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100)
	p := DefaultPolicy()
	p.Sticky = time.Hour
	s := Compile(ms, p)
	var d Decision
	pick := func(addr string, after time.Duration) int {
		q := Query{File: 7, TLS: true, Now: worldNow.Add(after).UnixNano()}
		if addr != "" {
			q.Client.Addr = netip.MustParseAddr(addr)
		}
		s.Choose(&q, everything{}, nil, &d)
		return d.Picks[0].Mirror
	}
	changes, anybody := map[int]int{}, map[int]bool{}
	for n := range 100 {
		addr := "192.0.2." + strconv.Itoa(n)
		moves, last := 0, pick(addr, 0)
		for minute := 1; minute < 600; minute++ {
			if now := pick(addr, time.Duration(minute)*time.Minute); now != last {
				last = now
				moves++
				changes[minute%60]++
			}
		}
		if moves < 4 || moves > 10 {
			t.Errorf("%s moved %d times in 10 hours", addr, moves)
		}
		if pick("2001:db8:1:2::"+strconv.Itoa(n), 0) != pick("2001:db8:1:2:ffff::1", 0) {
			t.Error("a /64 does not stay together")
		}
		anybody[pick("", 0)] = true
	}
	if len(changes) < 30 {
		t.Errorf("clients move in %d minutes of the hour only", len(changes))
	}
	if len(anybody) < 8 {
		t.Errorf("clients without an address get %d mirrors", len(anybody))
	}
}

// TestTried: the one who comes back gets another, and the one of longest ago
// when all were tried.
func TestTried(t *testing.T) {
	t.Parallel()
	s := Compile(placedMirrors(mirror.Place{}, 100, 100, 100), DefaultPolicy())
	for _, tc := range []struct {
		tried []mirror.ID
		want  string // in this order; ? any
	}{
		{nil, "???"},
		{[]mirror.ID{2}, "??1"},
		{[]mirror.ID{2, 1}, "210"},
		{[]mirror.ID{3, 1, 2}, "201"},
		{[]mirror.ID{3, 1, 3, 2}, "021"},
		{[]mirror.ID{77}, "???"},
	} {
		var d Decision
		s.Choose(&Query{File: 7, TLS: true, Now: worldNow.UnixNano(), Tried: tc.tried}, everything{}, nil, &d)
		got := ""
		for i, p := range d.Picks {
			if tc.want[i] == '?' {
				got += "?"
			} else {
				got += strconv.Itoa(p.Mirror)
			}
		}
		if got != tc.want {
			t.Errorf("tried %v: %s, want %s", tc.tried, got, tc.want)
		}
	}
}

// TestWaysDown: each scheme and IP version has a state of its own.
func TestWaysDown(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, tc := range []struct {
		down []mirror.HTTPWay
		q    Query
		want string
	}{
		{nil, Query{TLS: true, Client: mirror.Client{Addr: v6}}, "https://m/"},
		{[]mirror.HTTPWay{mirror.HTTPSOverIPv6}, Query{TLS: true, Client: mirror.Client{Addr: v6}}, ""},
		{[]mirror.HTTPWay{mirror.HTTPSOverIPv6}, Query{TLS: true, Client: mirror.Client{Addr: v4}}, "https://m/"},
		{[]mirror.HTTPWay{mirror.HTTPSOverIPv6}, Query{TLS: true}, "https://m/"},
		{[]mirror.HTTPWay{mirror.HTTPSOverIPv6, mirror.HTTPSOverIPv4}, Query{TLS: true}, ""},
		{[]mirror.HTTPWay{mirror.HTTPOverIPv6}, Query{Client: mirror.Client{Addr: v6}}, ""},
		{[]mirror.HTTPWay{mirror.HTTPOverIPv6}, Query{HTTPSUpgrade: true, Client: mirror.Client{Addr: v6}}, "https://m/"},
		{[]mirror.HTTPWay{mirror.HTTPOverIPv6}, Query{HTTPSUpgrade: true, Client: mirror.Client{Addr: v4}}, "http://m/"},
		{[]mirror.HTTPWay{0, 1, 2, 3}, Query{HTTPSUpgrade: true}, ""},
	} {
		m := placedMirrors(mirror.Place{}, 100)[0]
		m.HTTP = []string{"http://m/", "https://m/"}
		for _, w := range tc.down {
			m.Probe.Ways[w].Down = true
		}
		s := Compile([]*mirror.Mirror{m}, DefaultPolicy())
		tc.q.File, tc.q.Now = 7, worldNow.UnixNano()
		var d Decision
		s.Choose(&tc.q, everything{}, nil, &d)
		got := ""
		if d.Found() {
			got = d.Picks[0].BaseURL
		}
		if got != tc.want {
			t.Errorf("%v down, %+v: %q, want %q", tc.down, tc.q, got, tc.want)
		}
	}
}

// TestContinentKeys: where a code is a continent's and a country's, an edge is
// the continent's.
func TestContinentKeys(t *testing.T) {
	t.Parallel()
	ms := placedMirrors(mirror.Place{}, 100, 100)
	ms[0].Continent, ms[1].Continent = "eu", "na"
	p := DefaultPolicy()
	p.Edges = &mirror.Edges{Continents: map[string][]string{"sa": {"na"}, "as": {"eu"}}}
	s := Compile(ms, p)
	var d Decision
	for place, want := range map[mirror.Place]int{
		{Country: "sa", Continent: "as"}: 0, // Saudi Arabia
		{Country: "br", Continent: "sa"}: 1,
	} {
		s.Choose(&Query{File: 7, TLS: true, Now: worldNow.UnixNano(), Client: mirror.Client{Place: place}}, everything{}, nil, &d)
		if d.Picks[0].Mirror != want || d.Tier != mirror.TierWorld {
			t.Errorf("%+v: %+v", place, d.Picks)
		}
	}
}

package redirector

import (
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// upMirrors gives mirrors that differ in nothing but score.
func upMirrors(scores ...int) []*mirror.Mirror {
	ms := make([]*mirror.Mirror, len(scores))
	for i, score := range scores {
		ms[i] = &mirror.Mirror{
			Name: string(rune('a' + i)), HTTP: []string{"https://m/"}, Score: score, Enabled: true,
			Scan: mirror.ScanState{Succeeded: worldNow},
		}
	}
	return ms
}

// allLots goes through every outcome a random source can have. Each run draws
// the next outcome not yet seen; odds is the probability of the last one.
type allLots struct {
	lots, of []uint64
	at       int
}

func (a *allLots) Uint64N(n uint64) uint64 {
	if a.at == len(a.lots) {
		a.lots, a.of = append(a.lots, 0), append(a.of, n)
	}
	a.of[a.at] = n
	a.at++
	return a.lots[a.at-1]
}

func (a *allLots) odds() *big.Rat {
	p := big.NewRat(1, 1)
	for _, n := range a.of {
		p.Mul(p, big.NewRat(1, int64(n)))
	}
	return p
}

// next goes on to the next outcome; false when all have been seen.
func (a *allLots) next() bool {
	a.at = 0
	for n := len(a.lots); n > 0; n = len(a.lots) {
		if a.lots[n-1]+1 < a.of[n-1] {
			a.lots[n-1]++
			return true
		}
		a.lots, a.of = a.lots[:n-1], a.of[:n-1]
	}
	return false
}

// TestDrawIsExact goes through all outcomes of the random source and compares
// the probability of each mirror with its score as fractions, with files that
// not all mirrors hold.
func TestDrawIsExact(t *testing.T) {
	t.Parallel()
	scores := []int{1, 2, 3, 5, 2}
	for _, held := range []holdsList{
		{true, true, true, true, true},
		{true, false, true, false, true},
		{false, false, false, false, true},
		{false, true, true, false, false},
	} {
		s := Compile(upMirrors(scores...), Policy{Duplicates: 1})
		got := make([]*big.Rat, len(scores))
		for i := range got {
			got[i] = new(big.Rat)
		}
		var d Decision
		lots := &allLots{}
		for more := true; more; more = lots.next() {
			s.Choose(&Query{File: 7, TLS: true, Now: worldNow.UnixNano()}, held, lots, &d)
			if len(d.Picks) != 1 {
				t.Fatalf("held %v: %d picks", held, len(d.Picks))
			}
			got[d.Picks[0].Mirror].Add(got[d.Picks[0].Mirror], lots.odds())
		}
		total := 0
		for i, h := range held {
			if h {
				total += scores[i]
			}
		}
		for i, h := range held {
			want := new(big.Rat)
			if h {
				want.SetFrac64(int64(scores[i]), int64(total))
			}
			if got[i].Cmp(want) != 0 {
				t.Errorf("held %v: mirror %d has probability %s, want %s", held, i, got[i], want)
			}
		}
	}
}

// TestDistribution draws often and compares with the scores by chi-square.
func TestDistribution(t *testing.T) {
	t.Parallel()
	const draws = 200_000
	for _, tc := range []struct {
		name   string
		scores []int
		held   holdsList
	}{
		{"equal", []int{100, 100, 100, 100}, holdsList{true, true, true, true}},
		{"one far ahead", []int{1, 1000, 10, 100}, holdsList{true, true, true, true}},
		{"some without the file", []int{50, 60, 70, 80, 90, 100}, holdsList{true, false, true, true, false, true}},
		{"huge", []int{math.MaxUint32, math.MaxUint32 / 2, math.MaxInt}, holdsList{true, true, true}},
	} {
		s := Compile(upMirrors(tc.scores...), DefaultPolicy())
		q := &Query{File: 7, TLS: true, Now: worldNow.UnixNano()}
		rnd := rand.New(rand.NewPCG(3, 14))
		counts := make([]int, len(tc.scores))
		var d Decision
		for range draws {
			s.Choose(q, tc.held, rnd, &d)
			counts[d.Picks[0].Mirror]++
		}
		chi2, df := 0.0, -1
		for _, c := range s.Shares(q, tc.held) {
			want := c.Share * draws
			chi2 += (float64(counts[c.Mirror]) - want) * (float64(counts[c.Mirror]) - want) / want
			df++
			counts[c.Mirror] = 0
		}
		for i, n := range counts {
			if n != 0 {
				t.Errorf("%s: mirror %d without share was chosen %d times", tc.name, i, n)
			}
		}
		// 0.999 quantile by Wilson and Hilferty.
		z, k := 3.09, float64(df)
		if limit := k * math.Pow(1-2/(9*k)+z*math.Sqrt(2/(9*k)), 3); chi2 > limit {
			t.Errorf("%s: chi-square %.1f with %d degrees of freedom, limit %.1f", tc.name, chi2, df, limit)
		}
	}
}

// TestFewAsked: mirrors are asked tier by tier, and no more than needed.
func TestFewAsked(t *testing.T) {
	t.Parallel()
	mirrors, queries := benchWorld(500)
	s := Compile(mirrors, DefaultPolicy())
	var d Decision
	for i := range queries {
		s.Choose(&queries[i], spread(100), nil, &d)
		// The nearest of a tier is asked, but need not be among the five drawn.
		if d.Considered > 7 {
			t.Fatalf("%d mirrors asked for %d picks", d.Considered, len(d.Picks))
		}
	}
}

func TestChooseDoesNotAllocate(t *testing.T) {
	mirrors, queries := benchWorld(200)
	for _, m := range mirrors[:20] {
		m.NoTraffic, m.MaxShare = worldWindows[2:], 100
	}
	load := &worldLoad{full: make([]bool, 200), weights: make([]uint32, 200)}
	for name, p := range benchPolicies() {
		s := Compile(mirrors, p)
		var d Decision
		i := 0
		choose := func() {
			q := queries[i%len(queries)] // a copy: the query itself stays on the stack
			q.Avoid, q.Path, q.Tried, q.Load = avoid, longPath, tried, load
			q.Now += int64(i) * int64(time.Second)
			s.Choose(&q, spread(60), GlobalRand{}, &d)
			i++
		}
		for range 2000 { // let the decision's memory grow to what it takes
			choose()
		}
		if n := testing.AllocsPerRun(2000, choose); n != 0 {
			t.Errorf("%s: %v allocations a choice", name, n)
		}
	}
}

var (
	longPath = strings.Repeat("a folder/", 30) + "b.iso"
	tried    = []mirror.ID{3, 4, 5}
)

var avoid = []string{"mirror3"}

// TestDecisionIsReusable: a decision goes from one set to a larger and a
// smaller one, and its counter wraps.
func TestDecisionIsReusable(t *testing.T) {
	t.Parallel()
	var d Decision
	d.scratch.turn = math.MaxUint32 - 2
	d.scratch.seen = make([]uint32, 3)
	for _, n := range []int{1, 3, 2, 70, 1, 0, 3} {
		scores := make([]int, n)
		held := make(holdsList, n)
		for i := range scores {
			scores[i], held[i] = 10, true
		}
		Compile(upMirrors(scores...), DefaultPolicy()).
			Choose(&Query{File: 7, TLS: true, Limit: -1, Now: worldNow.UnixNano()}, held, nil, &d)
		if len(d.Picks) != n {
			t.Errorf("%d mirrors, %d picks", n, len(d.Picks))
		}
	}
}

// TestScoreTakesOut: score 0 and below is never chosen.
func TestScoreTakesOut(t *testing.T) {
	t.Parallel()
	s := Compile(upMirrors(0, -5, 1), DefaultPolicy())
	var d Decision
	for range 100 {
		s.Choose(&Query{File: 7, TLS: true, Limit: -1, Now: worldNow.UnixNano()}, holdsList{true, true, true}, nil, &d)
		if len(d.Picks) != 1 || d.Picks[0].Mirror != 2 {
			t.Fatalf("picks %+v", d.Picks)
		}
	}
}

// TestMappedAddresses: an IPv4 address or prefix within IPv6 counts as IPv4.
func TestMappedAddresses(t *testing.T) {
	t.Parallel()
	ms := upMirrors(1)
	ms[0].Prefixes = []netip.Prefix{netip.MustParsePrefix("::ffff:192.0.2.0/120")}
	ms[0].PrefixOnly, ms[0].Families = true, mirror.IPv4
	s := Compile(ms, DefaultPolicy())
	var d Decision
	for _, addr := range []string{"192.0.2.9", "::ffff:192.0.2.9"} {
		q := &Query{File: 7, TLS: true, Now: worldNow.UnixNano(), Client: mirror.Client{Addr: netip.MustParseAddr(addr)}}
		if s.Choose(q, holdsList{true}, nil, &d); !d.Found() || d.Tier != mirror.TierPrefix {
			t.Errorf("client %s: %+v", addr, d.Picks)
		}
	}
}

// TestModelExact goes through all outcomes of the random source in small
// random worlds, coordinates included, and compares how often each mirror is
// chosen with the model.
func TestModelExact(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 8))
	var d Decision
	several := 0
	for n := range 20_000 {
		w := makeWorld(rnd, 12)
		w.query.Limit = 1
		for _, m := range w.mirrors {
			m.Score /= 50
			m.Prefixes, m.ASNs = nil, nil // they would make most groups small
		}
		w.query.Tried = nil
		q := w.ask()
		want := model(&w)
		if !want.ok {
			continue
		}
		s := Compile(w.mirrors, w.policy)
		got := make([]float64, len(w.mirrors))
		lots := &allLots{}
		outcomes := 0
		for more := true; more && outcomes < 2000; more = lots.next() {
			outcomes++
			s.Choose(q, w.held, lots, &d)
			if d.Found() {
				p, _ := lots.odds().Float64()
				got[d.Picks[0].Mirror] += p
			}
		}
		if outcomes == 2000 {
			continue
		}
		sharing := 0
		for _, c := range want.candidates {
			if c.share > 0 {
				sharing++
			}
			if !near(got[c.mirror], c.share, 1e-9) {
				t.Fatalf("world %d: mirror %d is chosen with probability %v, want %v: %+v", n, c.mirror, got[c.mirror], c.share, w.query)
			}
		}
		if sharing > 1 && w.query.Client.HasCoords {
			several++
		}
	}
	if t.Logf("%d worlds where several near mirrors share", several); several < 100 {
		t.Errorf("only %d worlds were worth comparing", several)
	}
}

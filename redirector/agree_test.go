package redirector

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// met counts what was met in random worlds.
type met struct {
	mu       sync.Mutex
	tiers    map[mirror.Tier]int // of chosen mirrors
	reasons  map[Reason]int
	lots     map[Lot]int // of decisions that had a choice
	features map[string]int
}

func (m *met) note(w *world, a *modelAnswer, d *Decision) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, why := range a.reasons {
		m.reasons[why]++
	}
	if !d.Found() {
		return
	}
	m.tiers[d.Tier]++
	if len(a.candidates) > 1 && a.candidates[0].group == a.candidates[1].group {
		m.lots[a.lot]++
	}
	for feature, on := range map[string]bool{
		"distance":        w.policy.Order == OrderDistance && w.query.Client.HasCoords && d.Tier >= mirror.TierCountry,
		"joined tiers":    len(a.candidates) > 1 && slices.ContainsFunc(a.candidates, func(c modelCandidate) bool { return c.group == 1 && c.step != a.candidates[0].step }),
		"edges":           slices.ContainsFunc(a.candidates, func(c modelCandidate) bool { return c.step >= modelEdges && c.step < modelNeighbours }),
		"neighbours":      slices.ContainsFunc(a.candidates, func(c modelCandidate) bool { return c.step >= modelNeighbours && c.step < modelWorld }),
		"only tried":      len(a.candidates) == 0,
		"tried at last":   len(a.candidates) > 0 && len(d.Picks) > len(a.candidates),
		"weights":         w.load.weights != nil && len(a.candidates) > 1,
		"by folder":       a.lot == LotFile && w.query.Path != "" && w.query.Size < w.policy.Affinity.FolderBelow,
		"by version":      a.lot == LotFile && w.query.Path == "",
		"another scheme":  w.query.HTTPSUpgrade && !w.query.TLS && d.Picks[0].BaseURL[:5] == "https" && modelBase(w.mirrors[d.Picks[0].Mirror], "http://") != "",
		"far and drawn":   slices.ContainsFunc(a.candidates, func(c modelCandidate) bool { return c.group == 1 && c.standing == StandingFar }),
		"without a place": slices.ContainsFunc(a.candidates, func(c modelCandidate) bool { return c.standing == StandingUnplaced }),
	} {
		if on {
			m.features[feature]++
		}
	}
}

// TestModel compares the choice with the model on random worlds: who could
// serve, in which group, how they stand, with which probability, and why the
// others cannot; and whether the picks are in an order that these allow.
func TestModel(t *testing.T) {
	t.Parallel()
	worlds, shards := 100_000, 8
	if raceEnabled || testing.Short() {
		worlds /= 20
	}
	m := met{tiers: map[mirror.Tier]int{}, reasons: map[Reason]int{}, lots: map[Lot]int{}, features: map[string]int{}}
	var wg sync.WaitGroup
	for shard := range shards {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(11, uint64(shard)))
			var d Decision
			for n := range worlds / shards {
				w := makeWorld(rnd, 30)
				if !agrees(t, &w, rnd, &d, &m) {
					t.Errorf("world %d of shard %d: %+v %+v", n, shard, w.policy, w.query)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("tiers %v, lots %v, features %v, reasons %v", m.tiers, m.lots, m.features, m.reasons)
	for tier := range mirror.Tiers {
		atLeast(t, "tier "+tier.String(), m.tiers[tier], worlds/200)
	}
	for why := range reasons {
		atLeast(t, "reason "+why.String(), m.reasons[why], worlds/50)
	}
	for lot := range LotFileAndClient + 1 {
		atLeast(t, "lot "+lot.String(), m.lots[lot], worlds/200)
	}
	for feature, n := range m.features {
		atLeast(t, feature, n, worlds/500)
	}
	if len(m.features) != 12 {
		t.Errorf("only these were met: %v", m.features)
	}
}

func atLeast(t *testing.T, what string, got, want int) {
	t.Helper()
	if got < want {
		t.Errorf("%s was hardly tested: %d times, not %d", what, got, want)
	}
}

// agrees compares one world with the model.
func agrees(t *testing.T, w *world, rnd Rand, d *Decision, m *met) bool {
	t.Helper()
	q := w.ask()
	a := model(w)
	s := Compile(w.mirrors, w.policy)
	q.Explain = true
	s.Choose(q, w.held, rnd, d)
	if m != nil {
		m.note(w, &a, d)
	}
	if !a.ok {
		return true
	}
	if !sameExplanation(t, w, &a, d) || !possible(t, s, w, d, &a) || !sameEveryone(t, s, w) {
		return false
	}
	q.Explain = false
	for range 2 {
		if s.Choose(q, w.held, rnd, d); !possible(t, s, w, d, &a) {
			return false
		}
	}
	return true
}

// sameExplanation compares candidates and rejections with the model's.
func sameExplanation(t *testing.T, w *world, a *modelAnswer, d *Decision) bool {
	t.Helper()
	if len(d.Candidates)+len(d.Rejected) != len(w.mirrors) {
		t.Errorf("%d candidates and %d rejections of %d mirrors", len(d.Candidates), len(d.Rejected), len(w.mirrors))
		return false
	}
	for _, r := range d.Rejected {
		if a.reasons[r.Mirror] != r.Reason {
			t.Errorf("mirror %d: %v, want %v", r.Mirror, r.Reason, a.reasons[r.Mirror])
			return false
		}
	}
	if len(a.candidates) == 0 {
		return sameTried(t, a, d)
	}
	if len(d.Candidates) != len(a.candidates) {
		t.Errorf("%d candidates, want %d", len(d.Candidates), len(a.candidates))
		return false
	}
	byMirror := map[int]modelCandidate{}
	for _, c := range a.candidates {
		byMirror[c.mirror] = c
	}
	for i, g := range d.Candidates {
		c, ok := byMirror[g.Mirror]
		if !ok || c.tier != g.Tier || c.group != g.Group || c.standing != g.Standing || uint64(c.weight) != g.Weight ||
			g.Score != w.mirrors[c.mirror].Score || (g.Lot != a.lot && g.Standing != StandingFar) ||
			!near(c.km, g.DistanceKm, 0.001) || !near(c.share, g.Share, 1e-12) {
			t.Errorf("candidate %+v, want %+v, %v", g, c, a.lot)
			return false
		}
		if at := a.candidates[i]; at.group != g.Group || at.standing != g.Standing {
			t.Errorf("candidate %d is %+v, want one as %+v", i, g, at)
			return false
		}
		if len(a.orders) == 1 && a.orders[0][i] != g.Mirror {
			t.Errorf("candidate %d is mirror %d, want %v", i, g.Mirror, a.orders[0])
			return false
		}
	}
	return true
}

// sameTried: those who are left were all tried.
func sameTried(t *testing.T, a *modelAnswer, d *Decision) bool {
	t.Helper()
	for i, c := range d.Candidates {
		share := 0.0
		if i == 0 {
			share = 1
		}
		if len(d.Candidates) != len(a.tried) || c.Mirror != a.tried[i] || c.Standing != StandingTried || c.Share != share {
			t.Errorf("candidates %+v, want those tried: %v", d.Candidates, a.tried)
			return false
		}
	}
	return len(d.Candidates) == len(a.tried)
}

func near(a, b, by float64) bool { return a-b < by && b-a < by }

// possible checks a decision against the model: complete, without repetition,
// of mirrors that could serve, in an order that the groups, standings and lots
// allow.
func possible(t *testing.T, s *Set, w *world, d *Decision, a *modelAnswer) bool {
	t.Helper()
	limit := s.limit(&w.query)
	if want := min(limit, len(a.candidates)+len(a.tried)); len(d.Picks) != want {
		t.Errorf("%d picks, want %d", len(d.Picks), want)
		return false
	}
	var order []int
	for _, p := range d.Picks {
		m := w.mirrors[p.Mirror]
		order = append(order, p.Mirror)
		if p.Tier != a.tiers[p.Mirror] || p.Name != m.Name || p.Country != m.Country || p.BaseURL != modelURL(m, &w.query) ||
			!near(p.DistanceKm, mirror.DistanceKm(m.Place, w.query.Client.Place), 0.001) {
			t.Errorf("pick %+v of %+v", p, m)
			return false
		}
	}
	if d.Found() && d.Tier != d.Picks[0].Tier {
		t.Errorf("tier %v, but the first pick has %v", d.Tier, d.Picks[0].Tier)
		return false
	}
	if n := len(a.candidates); len(order) > n {
		if !slices.Equal(order[n:], a.tried[:len(order)-n]) {
			t.Errorf("picks %v end in others than those tried %v", order, a.tried)
			return false
		}
		order = order[:n]
	}
	if a.lot == LotChance {
		return inOrder(t, order, a.candidates)
	}
	if !slices.ContainsFunc(a.orders, func(o []int) bool { return slices.Equal(o[:len(order)], order) }) {
		t.Errorf("picks %v are in none of the orders %v", order, a.orders)
		return false
	}
	return true
}

// inOrder checks that the picks go from group to group and standing to standing,
// and by distance where the standing says so.
func inOrder(t *testing.T, order []int, cs []modelCandidate) bool {
	t.Helper()
	left := slices.Clone(cs)
	for n, i := range order {
		at := slices.IndexFunc(left, func(c modelCandidate) bool { return c.mirror == i })
		if at < 0 {
			t.Errorf("pick %d, mirror %d, cannot serve, or does already", n, i)
			return false
		}
		c := left[at]
		for _, o := range left {
			if o.group < c.group || o.group == c.group && (o.standing < c.standing ||
				o.standing == c.standing && c.standing == StandingFar && o.km < c.km-0.001) {
				t.Errorf("pick %d: %+v comes before %+v", n, o, c)
				return false
			}
		}
		left = slices.Delete(left, at, at+1)
	}
	return true
}

// sameEveryone compares the list for everybody with the rules that do not hang
// on the client.
func sameEveryone(t *testing.T, s *Set, w *world) bool {
	t.Helper()
	anybody := *w
	q := &anybody.query
	q.Client, q.Avoid, q.AvoidCountries, q.Tried = mirror.Client{}, nil, nil, nil
	got := map[int]string{}
	for _, p := range s.Everyone(&w.query, w.held) {
		got[p.Mirror] = p.BaseURL
	}
	want := 0
	for i, m := range w.mirrors {
		url := modelURL(m, q)
		for _, other := range []Query{{HTTPSUpgrade: true}, {TLS: true}} {
			if url == "" {
				url = modelURL(m, &other)
			}
		}
		anybody.query.TLS, anybody.query.HTTPSUpgrade = false, true
		if why := modelReason(&anybody, i, true); why != ReasonNone || url == "" {
			url = ""
		} else {
			want++
		}
		anybody.query = w.query
		q.Client, q.Avoid, q.AvoidCountries, q.Tried = mirror.Client{}, nil, nil, nil
		if got[i] != url {
			t.Errorf("mirror %d is listed for everybody with %q, want %q", i, got[i], url)
			return false
		}
	}
	return want == len(got)
}

// FuzzChoose builds a world out of the fuzzer's bytes.
func FuzzChoose(f *testing.F) {
	f.Add([]byte("a world"), uint64(1))
	seed := make([]byte, 6000)
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range seed {
		seed[i] = byte(rnd.Uint32())
	}
	f.Add(seed, uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, n uint64) {
		w := makeWorld(&bytesDice{b}, 80)
		var d Decision
		agrees(t, &w, rand.New(rand.NewPCG(n, 1)), &d, nil)
	})
}

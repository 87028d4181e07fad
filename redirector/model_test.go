package redirector

import (
	"encoding/binary"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dchest/siphash"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// This file is the slow, obvious model of the choice that the real one is
// compared with. It is written from docs/choice.md and docs/policies.md.

// modelCandidate is a mirror that could serve, as the model sees it.
type modelCandidate struct {
	mirror   int
	tier     mirror.Tier
	step     int
	group    int
	standing Standing
	km       float64
	weight   int
	share    float64
}

// modelAnswer is all that the model says of a query.
type modelAnswer struct {
	reasons    []Reason         // by mirror
	candidates []modelCandidate // in the order of groups and standings
	tried      []int            // those who would serve but were tried, in the order of their trial
	tiers      []mirror.Tier    // by mirror
	lot        Lot
	orders     [][]int // the orders that are possible, where the lot is not chance
	// ok is false where something is so close to a limit that rounding decides.
	ok bool
}

// model says who could serve q, how and with which probability.
func model(w *world) (a modelAnswer) {
	q, p := &w.query, &w.policy
	a.ok = true
	for i, m := range w.mirrors {
		tier, step, allowed := modelStep(m, p, q)
		a.tiers = append(a.tiers, tier)
		why := modelReason(w, i, allowed)
		a.reasons = append(a.reasons, why)
		if why == ReasonNone {
			a.candidates = append(a.candidates, modelCandidate{
				mirror: i, tier: tier, step: step, km: mirror.DistanceKm(m.Place, q.Client.Place), weight: modelWeight(w, i),
			})
		}
	}
	for n := range q.Tried {
		for i, why := range a.reasons {
			if why == ReasonTried && q.Tried[n] == w.mirrors[i].ID && !slices.Contains(q.Tried[n+1:], q.Tried[n]) {
				a.tried = append(a.tried, i)
			}
		}
	}
	a.group(p, q)
	a.stand(w)
	a.order(w)
	return a
}

func modelWeight(w *world, i int) int {
	if w.load.weights != nil {
		return int(w.load.weights[i])
	}
	return w.mirrors[i].Score
}

// The steps of the model: those of tiers are their numbers, those of edges are
// between.
const (
	modelEdges      = 10
	modelNeighbours = 50
	modelWorld      = 100
	modelReserve    = 200
)

// modelStep gives a mirror's tier and step, and whether its *_only rules allow
// that.
func modelStep(m *mirror.Mirror, p *Policy, q *Query) (mirror.Tier, int, bool) {
	c := q.Client
	e := p.Edges
	if e == nil {
		e = &mirror.Edges{}
	}
	inPrefix := slices.ContainsFunc(m.Prefixes, func(p netip.Prefix) bool { return p.Contains(c.Addr) })
	inAS := c.ASN != 0 && slices.Contains(m.ASNs, c.ASN)
	inCountry := c.Country != "" && m.Country == c.Country
	inOther := c.Country != "" && slices.Contains(m.OtherCountries, c.Country)
	if c.Country != "" && m.Country != "" && !m.LastResort && slices.Contains(e.Countries[c.Country], m.Country) {
		inOther = true
	}
	inRegion := c.Continent != "" && m.Continent == c.Continent
	allowed := (!m.PrefixOnly || inPrefix) &&
		(!m.ASOnly || inPrefix || inAS) &&
		(!m.CountryOnly || inPrefix || inAS || inCountry || inOther) &&
		(!m.RegionOnly || inPrefix || inAS || inCountry || inOther || inRegion)
	switch {
	case m.LastResort:
		return mirror.TierLastResort, modelReserve, allowed
	case inPrefix:
		return mirror.TierPrefix, 0, allowed
	case inAS:
		return mirror.TierAS, 1, allowed
	case inCountry:
		return mirror.TierCountry, 2, allowed
	case inOther:
		return mirror.TierOtherCountry, 3, allowed
	case inRegion:
		return mirror.TierRegion, 4, allowed
	}
	beyond, own := e.Continents[c.Country]
	if !own || c.Country == "" {
		beyond = e.Continents[c.Continent]
		if c.Continent == "" {
			beyond = nil // an unknown place matches nothing
		}
	}
	if n := slices.Index(beyond, m.Continent); n >= 0 && m.Continent != "" {
		return mirror.TierWorld, modelEdges + n, allowed
	}
	if n := slices.Index(e.Neighbours[c.Continent], m.Continent); n >= 0 && m.Continent != "" && !c.HasCoords {
		return mirror.TierWorld, modelNeighbours + n, allowed
	}
	return mirror.TierWorld, modelWorld, allowed
}

// modelReason gives the first reason that speaks against a mirror, in the order
// of the reasons.
func modelReason(w *world, i int, allowed bool) Reason {
	m, q, now := w.mirrors[i], &w.query, time.Unix(0, w.query.Now)
	e := w.policy.Edges
	if e == nil {
		e = &mirror.Edges{}
	}
	country := q.Client.Country
	https, http := modelBase(m, "https://"), modelBase(m, "http://")
	suits := https != "" && (q.TLS || q.HTTPSUpgrade) || http != "" && !q.TLS
	holds := [reasons]bool{
		ReasonDisabled:        !m.Enabled || now.Before(m.DisabledUntil),
		ReasonDown:            m.Probe.Down,
		ReasonNeverScanned:    m.Scan.Succeeded.IsZero(),
		ReasonQuotaSpent:      m.Quota.Spent,
		ReasonScore:           m.Score <= 0,
		ReasonScanTooOld:      w.policy.MaxScanAge > 0 && now.Sub(m.Scan.Succeeded) > w.policy.MaxScanAge,
		ReasonPrefixOnly:      !allowed && m.PrefixOnly,
		ReasonASOnly:          !allowed && m.ASOnly,
		ReasonCountryOnly:     !allowed && m.CountryOnly,
		ReasonRegionOnly:      !allowed && m.RegionOnly,
		ReasonExcludedCountry: country != "" && slices.Contains(m.ExcludeCountries, country),
		ReasonReserved:        q.NoReserved && (m.ASOnly || m.PrefixOnly),
		ReasonScheme:          !suits,
		ReasonFamily:          !m.Families.Has(q.Client.Addr),
		ReasonMaxSize:         m.MaxSize > 0 && q.Size > m.MaxSize,
		ReasonSubtree:         q.Path != "" && !mirror.Below(q.Path, m.Subtree),
		ReasonResting:         m.Resting(now),
		ReasonWayDown:         modelURL(m, q) == "",
		ReasonFull:            w.load.full != nil && w.load.full[i] && (m.MaxShare > 0 || m.Quota.Bytes > 0),
		ReasonAvoidedEdge:     country != "" && m.Country != "" && slices.Contains(e.Avoid[country], m.Country),
		ReasonAvoided:         slices.Contains(q.Avoid, m.Name),
		ReasonAvoidedCountry:  m.Country != "" && slices.Contains(q.AvoidCountries, m.Country),
		ReasonNotHeld:         !w.held.Holds(i, q.File),
		ReasonTried:           slices.Contains(q.Tried, m.ID),
	}
	for why := range reasons {
		if holds[why] {
			return why
		}
	}
	return ReasonNone
}

func modelBase(m *mirror.Mirror, scheme string) string {
	for _, u := range m.HTTP {
		if strings.HasPrefix(u, scheme) {
			return u
		}
	}
	return ""
}

// modelURL gives the base URL that the client of q is sent to; "" none.
func modelURL(m *mirror.Mirror, q *Query) string {
	up := func(v4, v6 mirror.HTTPWay) bool {
		over4 := m.Families.Has(exampleAddrs[1]) && !m.Probe.Ways[v4].Down
		over6 := m.Families.Has(exampleAddrs[2]) && !m.Probe.Ways[v6].Down
		switch addr := q.Client.Addr; {
		case !addr.IsValid():
			return over4 || over6
		case addr.Is4():
			return over4
		default:
			return over6
		}
	}
	https, http := modelBase(m, "https://"), modelBase(m, "http://")
	if !q.TLS && http != "" && up(mirror.HTTPOverIPv4, mirror.HTTPOverIPv6) {
		return http
	}
	if (q.TLS || q.HTTPSUpgrade) && https != "" && up(mirror.HTTPSOverIPv4, mirror.HTTPSOverIPv6) {
		return https
	}
	return ""
}

// group numbers the groups of candidates and sorts by them: step by step, a
// step joining those before it where there are too few, or where borders do not
// count.
func (a *modelAnswer) group(p *Policy, q *Query) {
	borderless := p.Order == OrderDistance && q.Client.HasCoords
	var done []modelCandidate
	for step, group, size, open := 0, 0, 0, false; step <= modelReserve; step++ {
		var here []modelCandidate
		for _, c := range a.candidates {
			if c.step == step {
				here = append(here, c)
			}
		}
		if len(here) == 0 {
			continue
		}
		if joins := open && step <= modelWorld && (borderless || size < p.Spill); !joins {
			group, size = group+1, 0
		}
		open = step >= 2 && step <= modelWorld
		size += len(here)
		for i := range here {
			here[i].group = 1000 * group
			if borderless && open && here[i].km < 0 {
				here[i].group += step + 1 // behind those with coordinates, by itself
			}
		}
		done = append(done, here...)
	}
	slices.SortStableFunc(done, func(a, b modelCandidate) int { return a.group - b.group })
	last, number := -1, 0
	for i := range done {
		if done[i].group != last {
			last = done[i].group
			number++
		}
		done[i].group = number
	}
	a.candidates = done
}

// stand gives the candidates of each group their standings, and sorts by them.
func (a *modelAnswer) stand(w *world) {
	p := &w.policy
	for i := range a.candidates {
		c := &a.candidates[i]
		nearest, first := -1.0, 0
		for _, o := range a.candidates {
			if o.group == c.group && o.km >= 0 && (nearest < 0 || o.km < nearest) {
				nearest, first = o.km, o.mirror
			}
		}
		limit := max(nearest*p.DistanceFactor, nearest+p.DistanceSlackKm)
		switch {
		case nearest < 0:
			c.standing = StandingDrawn
		case c.km < 0:
			c.standing = StandingUnplaced
		case c.km > limit:
			c.standing = StandingFar
		}
		// Places that are as far may differ, as two at a pole do.
		same := w.mirrors[c.mirror].Lat == w.mirrors[first].Lat && w.mirrors[c.mirror].Lng == w.mirrors[first].Lng
		if d := c.km - limit; !same && d > -0.001 && d < 0.001 {
			a.ok = false
		}
	}
	slices.SortStableFunc(a.candidates, func(a, b modelCandidate) int {
		return 100*(a.group-b.group) + int(a.standing) - int(b.standing)
	})
}

// order works out the possible orders and the shares.
func (a *modelAnswer) order(w *world) {
	q, p := &w.query, &w.policy
	affine := p.Affinity.Copies > 0 && q.Size >= p.Affinity.MinSize
	sticky := p.Sticky > 0 && q.Client.Addr.IsValid()
	first := func(c modelCandidate) bool {
		return c.group == a.candidates[0].group && c.standing == a.candidates[0].standing
	}
	var seeds []uint64
	switch {
	case affine && sticky:
		a.lot = LotFileAndClient
		seeds = []uint64{modelFileSeed(w, modelPart(modelMix(modelClientSeed(w)), p.Affinity.Copies))}
	case affine:
		a.lot = LotFile
		for copy := range p.Affinity.Copies {
			seeds = append(seeds, modelFileSeed(w, copy))
		}
	case sticky:
		a.lot = LotClient
		seeds = []uint64{modelClientSeed(w)}
	default:
		total := 0
		for _, c := range a.candidates {
			if first(c) {
				total += c.weight
			}
		}
		for i := range a.candidates {
			if c := &a.candidates[i]; first(*c) {
				c.share = float64(c.weight) / float64(total)
			}
		}
	}
	for _, seed := range seeds {
		a.race(w, seed)
		if len(a.candidates) > 0 {
			a.candidates[0].share += 1 / float64(len(seeds))
		}
	}
}

// race sorts the candidates by arrival where they are drawn, and by distance
// where they are not, and adds the order.
func (a *modelAnswer) race(w *world, seed uint64) {
	arrivals := map[int]float64{}
	for _, c := range a.candidates {
		u := (float64(modelMix(modelMix(seed^modelSip(w, "m", modelNumber(uint64(w.mirrors[c.mirror].ID))))+0x9e3779b97f4a7c15)>>12) + 0.5) / math.Pow(2, 52)
		arrivals[c.mirror] = -math.Log(u) / float64(c.weight)
	}
	for i := range a.candidates {
		for j := i + 1; j < len(a.candidates); j++ {
			x, y := &a.candidates[i], &a.candidates[j]
			if x.group != y.group || x.standing != y.standing {
				continue
			}
			var swap bool
			if x.standing == StandingFar {
				swap = y.km < x.km
				m, o := w.mirrors[x.mirror], w.mirrors[y.mirror]
				if m.Lat == o.Lat && m.Lng == o.Lng {
					swap = y.mirror < x.mirror
				} else if near(x.km, y.km, 0.001) {
					a.ok = false
				}
			} else {
				swap = arrivals[y.mirror] < arrivals[x.mirror]
			}
			if swap {
				*x, *y = *y, *x
			}
		}
	}
	var order []int
	for _, c := range a.candidates {
		order = append(order, c.mirror)
	}
	a.orders = append(a.orders, order)
}

// modelFileSeed is what a file's copy is shared by.
func modelFileSeed(w *world, copy int) uint64 {
	q := &w.query
	var hash uint64
	switch folder, _, _ := cutLast(q.Path); {
	case q.Path == "":
		hash = modelSip(w, "i", modelNumber(uint64(q.File)))
	case q.Size < w.policy.Affinity.FolderBelow:
		hash = modelSip(w, "d", folder)
	default:
		hash = modelSip(w, "f", q.Path)
	}
	for range copy + 1 {
		hash += 0x9e3779b97f4a7c15
	}
	return modelMix(hash)
}

func cutLast(path string) (folder, name string, ok bool) {
	parts := strings.Split(path, "/")
	n := len(parts) - 1
	return strings.Join(parts[:n], "/"), parts[n], n > 0
}

// modelClientSeed is what a client is sent by for some time.
func modelClientSeed(w *world) uint64 {
	var hash uint64
	if addr := w.query.Client.Addr; addr.Is4() {
		hash = modelSip(w, "4", string(addr.AsSlice()))
	} else {
		hash = modelSip(w, "6", string(addr.AsSlice()[:8]))
	}
	sticky := int64(w.policy.Sticky)
	cell := (w.query.Now + int64(modelPart(modelMix(hash), int(sticky)))) / sticky
	return modelMix(hash + uint64(cell)*0x9e3779b97f4a7c15)
}

// modelPart gives the part of n equal ones that a hash is in.
func modelPart(hash uint64, n int) int {
	v := new(big.Int).SetUint64(hash)
	v.Mul(v, big.NewInt(int64(n)))
	return int(v.Rsh(v, 64).Int64())
}

func modelNumber(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[:])
}

func modelSip(w *world, kind, what string) uint64 {
	h := siphash.New(w.policy.Key[:])
	_, _ = h.Write([]byte(kind + what))
	return h.Sum64()
}

// modelMix is the finalizer of SplitMix64.
func modelMix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}

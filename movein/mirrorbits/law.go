package mirrorbits

import (
	"math"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// Law is how Mirrorbits chooses: by distance, country and AS, with its default
// WeightDistributionRange of 1.5.
type Law struct{}

const rangeFactor = 1.5

// About implements movein.Law.
func (Law) About() string {
	return "before: Mirrorbits with WeightDistributionRange 1.5, for a client in the middle of the country's mirrors, or one that cannot be located"
}

// Client implements movein.Law: somebody in the middle of the mirrors of r's
// country, or at r itself where nothing is known of others.
func (Law) Client(all []movein.Record, r *movein.Record) mirror.Client {
	m := &r.Mirror
	c := mirror.Client{Place: mirror.Place{Continent: m.Continent, Country: m.Country}}
	if m.ASOnly && len(m.ASNs) > 0 {
		c.ASN = m.ASNs[0]
	}
	// The mean of directions, not of degrees, which wrap.
	var x, y, z float64
	for i := range all {
		o := &all[i].Mirror
		if !o.HasCoords || m.Country == "" || o.Country != m.Country {
			continue
		}
		lat, lng := o.Lat*math.Pi/180, o.Lng*math.Pi/180
		x += math.Cos(lat) * math.Cos(lng)
		y += math.Cos(lat) * math.Sin(lng)
		z += math.Sin(lat)
	}
	switch {
	case math.Hypot(math.Hypot(x, y), z) > 1e-6:
		c.HasCoords = true
		c.Lat = math.Atan2(z, math.Hypot(x, y)) * 180 / math.Pi
		c.Lng = math.Atan2(y, x) * 180 / math.Pi
	case m.HasCoords:
		c.HasCoords, c.Lat, c.Lng = true, m.Lat, m.Lng
	}
	return c
}

// runner is a mirror that may serve a client.
type runner struct {
	record   int
	distance float64 // km
	score    float64
}

// Shares implements movein.Law.
func (Law) Shares(all []movein.Record, c *mirror.Client) []float64 {
	shares := make([]float64, len(all))
	var fit []runner
	near, far := math.Inf(1), 0.0
	for i := range all {
		if r := &all[i]; fits(r, c) {
			d := distance(&r.Mirror, c)
			near, far = min(near, d), max(far, d)
			fit = append(fit, runner{i, d, 0})
		}
	}
	if c.Country == "" { // not located: all alike
		for _, f := range fit {
			shares[f.record] = 1 / float64(len(fit))
		}
		return shares
	}
	base := math.Floor(far)
	total, best := 0.0, 0
	for k := range fit {
		fit[k].score = score(&all[fit[k].record], c, fit[k].distance, near, base)
		total += max(fit[k].score-base, 0)
		if fit[k].score > fit[best].score {
			best = k
		}
	}
	switch {
	case len(fit) == 0:
	case total == 0: // nobody in the draw: the best score
		shares[fit[best].record] = 1
	default:
		for _, f := range fit {
			shares[f.record] = max(f.score-base, 0) / total
		}
	}
	return shares
}

func fits(r *movein.Record, c *mirror.Client) bool {
	m := &r.Mirror
	switch {
	case !r.Enabled || r.Unusable != "",
		m.RegionOnly && (c.Continent == "" || m.Continent != c.Continent),
		m.CountryOnly && m.Country != c.Country && !slices.Contains(m.OtherCountries, c.Country),
		m.ASOnly && !slices.Contains(asns(m), c.ASN),
		slices.Contains(m.ExcludeCountries, c.Country):
		return false
	}
	return true
}

// asns are a mirror's AS numbers; one that is not known is 0, the same as an
// unknown client's.
func asns(m *mirror.Mirror) []uint32 {
	if len(m.ASNs) == 0 {
		return []uint32{0}
	}
	return m.ASNs
}

// distance is what Mirrorbits works with: what is not known is at 0, 0.
func distance(m *mirror.Mirror, c *mirror.Client) float64 {
	if c.Country == "" {
		return 0
	}
	a, b := m.Place, c.Place
	a.HasCoords, b.HasCoords = true, true
	return mirror.DistanceKm(a, b)
}

func score(r *movein.Record, c *mirror.Client, d, near, base float64) float64 {
	m := &r.Mirror
	s := base - math.Floor(d) + 1
	first := m.Country == c.Country
	switch {
	case d <= max(near, 1e-9)*rangeFactor && first:
		s += base - d
	case d <= max(near, 1e-9)*rangeFactor:
		s += (base - d) / 2
	case first:
		s += base - 5*d
	case slices.Contains(m.OtherCountries, c.Country):
		s += base - near
	}
	if slices.Contains(asns(m), c.ASN) {
		s += base / 2
	}
	s += s*float64(r.Score)/100 + 0.5
	return max(math.Floor(s), 1)
}

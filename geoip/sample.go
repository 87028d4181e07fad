package geoip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// The extent of sample: enough to notice a file of the wrong kind or one that
// was overwritten by half, little enough to cost milliseconds. The library's
// Verify reads everything and refuses files that work.
const (
	sampleNetworks  = 10_000 // in order, until one has what is looked for
	sampleSteps     = 1e6    // networks without data among them: a small tree can have endlessly many
	sampleAddresses = 2_000  // at random, none may be unreadable
)

// sample looks at a part of the database and reports whether any record has
// what has looks for. A record that cannot be read is an error.
func sample(r *maxminddb.Reader, has func(maxminddb.Result) (bool, error)) (bool, error) {
	found, seen, steps := false, 0, 0
	for res := range r.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if steps++; steps > sampleSteps {
			break
		}
		if res.Err() == nil && !res.Found() {
			continue
		}
		ok, err := hasSafe(res, has)
		if err != nil {
			return false, err
		}
		if seen++; ok || seen >= sampleNetworks {
			found = ok
			break
		}
	}
	// The same addresses each time: a file is good or it is not.
	random := rand.New(rand.NewPCG(1, 2))
	for i := range sampleAddresses {
		addr := randomAddr(random, r.Metadata.IPVersion == 6 && i%2 == 1)
		res := r.Lookup(addr)
		if res.Err() == nil && !res.Found() {
			continue
		}
		ok, err := hasSafe(res, has)
		if err != nil {
			return false, err
		}
		found = found || ok
	}
	return found, nil
}

func hasSafe(res maxminddb.Result, has func(maxminddb.Result) (bool, error)) (bool, error) {
	if err := res.Err(); err != nil {
		return false, fmt.Errorf("broken search tree: %w", err)
	}
	ok, err := has(res)
	if err != nil {
		return false, fmt.Errorf("unreadable record: %w", err)
	}
	return ok, nil
}

func randomAddr(random *rand.Rand, v6 bool) netip.Addr {
	if !v6 {
		n := random.Uint32()
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	// Within 2000::/3, where the public addresses are.
	var b [16]byte
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	b[0] = 0x20 | b[0]&0x0f
	return netip.AddrFrom16(b)
}

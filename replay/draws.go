package replay

import "math/bits"

// draws are the random numbers of one request: SplitMix64 (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", 2014) from a start of its own, so
// that what one request draws does not depend on those before it.
type draws struct{ state uint64 }

// golden is 2^64 divided by the golden ratio, made odd.
const golden = 0x9e3779b97f4a7c15

func newDraws(seed, request uint64) draws { return draws{mix(seed ^ mix(request*golden))} }

// Uint64N implements redirector.Rand. What it lacks in evenness is below n in 2^64.
func (d *draws) Uint64N(n uint64) uint64 {
	d.state += golden
	hi, _ := bits.Mul64(mix(d.state), n)
	return hi
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

package catalog

import (
	"math/bits"
	"time"
)

// precisions are the ones that protocols and file systems have. They are kept
// exactly; any other is rounded up to a power of two nanoseconds, because a
// time known too coarsely is only compared less strictly.
var precisions = [...]time.Duration{
	0, time.Nanosecond, 100 * time.Nanosecond, time.Microsecond, time.Millisecond,
	time.Second, 2 * time.Second, time.Minute, time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// firstPower is the code of 1<<0 ns; those below are indices into precisions.
const firstPower = 64

// packPrecision folds a precision into a byte. Negative ones count as unknown.
func packPrecision(d time.Duration) uint8 {
	for i, p := range precisions {
		if d <= p {
			if d == p || i == 0 {
				return uint8(i)
			}
			break
		}
	}
	return uint8(firstPower + min(bits.Len64(uint64(d-1)), 62))
}

// unpackPrecision is the reverse. Codes that packPrecision never gives are an
// unknown time.
func unpackPrecision(c uint8) time.Duration {
	switch {
	case int(c) < len(precisions):
		return precisions[c]
	case c >= firstPower && c <= firstPower+62:
		return 1 << (c - firstPower)
	}
	return 0
}

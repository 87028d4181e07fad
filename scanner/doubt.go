package scanner

import (
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// minDoubt is how many mirrors must have been scanned for their failures to say
// something about us.
const minDoubt = 5

// wasWell reports whether a failure of the mirror is news. One that has failed
// for long tells nothing about us.
func wasWell(m *mirror.Mirror) bool { return m.Scan.FailingSince.IsZero() }

// tally counts how the scans of mirrors end that had not failed before.
type tally struct{ all, open, good, failed int }

// doubts reports whether so many failed at once that the fault is likely ours.
func (t tally) doubts() bool {
	n := t.good + t.failed
	return n >= minDoubt && t.failed*2 > n
}

// mayDoubt reports whether it may still come to that.
func (t tally) mayDoubt() bool {
	return t.good+t.failed+t.open >= minDoubt && t.failed+t.open > t.good
}

func (t tally) text() string {
	return fmt.Sprintf("%d of %d mirrors that had not failed before did so at once, so the fault is likely here and nothing was remembered of it: ",
		t.failed, t.good+t.failed)
}

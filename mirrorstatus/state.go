package mirrorstatus

import (
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// states in the order in which they are sorted and offered.
var states = [...]mirror.State{
	mirror.StateUp, mirror.StateResting, mirror.StateQuotaSpent, mirror.StateScanTooOld,
	mirror.StateNeverScanned, mirror.StateDisabled, mirror.StateDown,
}

// Classes of states, each with a colour and a shape.
const (
	classUp   = "up"   // a disc
	classLate = "late" // a triangle: something is the matter
	classOut  = "out"  // a ring: it takes no requests, as it should be
	classDown = "down" // a cross
)

func classOf(s mirror.State) string {
	switch s {
	case mirror.StateUp:
		return classUp
	case mirror.StateScanTooOld, mirror.StateNeverScanned:
		return classLate
	case mirror.StateDown:
		return classDown
	case mirror.StateDisabled, mirror.StateQuotaSpent, mirror.StateResting:
	}
	return classOut
}

// key is a state as one word, for URLs and as a key of words.
func key(s mirror.State) string { return strings.ReplaceAll(string(s), " ", "_") }

// words are a language's, with what these pages say in it.
type words struct{ *page.Words }

func (w words) state(s mirror.State) string {
	if name, ok := w.Status.States[key(s)]; ok {
		return name
	}
	return page.Readable(string(s))
}

// reason puts a public reason into words. What they have no words for stays as
// it is.
func (w words) reason(reason string) string {
	for _, r := range [...]struct{ english, key string }{
		{"the last attempt failed", "failed"},
		{"wants no traffic at this time", "resting"},
		{"but holds none of the origin's files", "empty"},
		{"until %s", "until"},
		{"but not by %s", "ways"},
		{"last good scan %s", "scan"},
	} {
		if before, _, ok := strings.Cut(r.english, "%s"); ok && strings.HasPrefix(reason, before) {
			return fmt.Sprintf(w.Status.Reasons[r.key], page.Readable(reason[len(before):]))
		} else if reason == r.english {
			return w.Status.Reasons[r.key]
		}
	}
	return page.Readable(reason)
}

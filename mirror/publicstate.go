package mirror

import (
	"strings"
	"time"
)

// PublicState is State with a reason that everybody may read: what probes and
// scans came across is left out, since that may name URLs that only the operator
// knows, and so are the sizes of quotas.
func (m *Mirror) PublicState(now time.Time, maxScanAge time.Duration) (State, string) {
	state, reason := m.State(now, maxScanAge)
	switch state {
	case StateDown:
		return state, ""
	case StateNeverScanned:
		if reason != "" {
			reason = "the last attempt failed"
		}
	case StateQuotaSpent:
		reason = "until " + m.Quota.Renews(now).Format(time.DateOnly)
	case StateUp:
		if down, _ := m.WaysDown(); len(down) > 0 && m.Scan.Held > 0 {
			reason = "but not by " + wayNames(down)
		}
	case StateDisabled, StateScanTooOld, StateResting: // nothing private is in there
	}
	return state, reason
}

func wayNames(ways []HTTPWay) string {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.String()
	}
	return strings.Join(names, ", ")
}

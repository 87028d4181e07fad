package daemon

import "time"

const (
	doubtAge   = 10 * time.Minute // how far back scans are looked at
	doubtLeast = 5                // how many mirrors must have been scanned
	doubtPause = 5 * time.Minute
)

// doubt is what a scanner has about itself when mirrors that were well fail one
// after the other.
type doubt struct {
	recent []result
	until  time.Time
}

type result struct {
	at   time.Time
	good bool
}

// note takes the outcome of a scan, and reports whether doubt begins with it.
// Mirrors that failed before say nothing.
func (d *doubt) note(now time.Time, o outcome) bool {
	if !o.first && !o.good {
		return false
	}
	d.recent = append(d.recent, result{now, o.good})
	for len(d.recent) > 0 && now.Sub(d.recent[0].at) > doubtAge {
		d.recent = d.recent[1:]
	}
	bad := 0
	for _, r := range d.recent {
		if !r.good {
			bad++
		}
	}
	if len(d.recent) < doubtLeast || 2*bad <= len(d.recent) {
		return false
	}
	d.recent, d.until = nil, now.Add(doubtPause)
	return true
}

// holds reports whether scans pause.
func (d *doubt) holds(now time.Time) bool { return now.Before(d.until) }

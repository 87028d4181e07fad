package scanner

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Report says how the scan of one mirror went.
type Report struct {
	Mirror  string
	Subtree string
	Started time.Time
	Took    time.Duration
	DryRun  bool
	// Err says why the scan failed; nil when it was accepted. Nothing changed
	// then, but what was listed as something else than the mirror was credited
	// with is lost in any case.
	Err error
	// Skipped says why the mirror was not scanned at all: another host is at it.
	Skipped string
	// Leased is set when that other host may have begun before the scan was asked
	// for.
	Leased bool
	// Doubt says that so many scans failed at once that the fault is likely here,
	// and what is wrong here, as far as it was found. Nothing was remembered of
	// the failure then. "" otherwise.
	Doubt    string
	Protocol string // rsync, ftp, s3 or http

	Listed   int    // files
	Held     uint64 // files that the mirror holds after the scan
	Added    uint64 // newly credited
	Removed  uint64 // no longer credited
	Unknown  int    // paths the origin never had
	Aliases  int    // paths that are links on the origin
	Stale    int    // other than every version that counts
	Doubtful int    // could be two versions
	Unasked  int    // left as they were, for want of an answer by HEAD
	NotFiles int    // known files listed as a folder, link or device
	Closed   int    // known files that not everybody may read there
	Unsound  int    // not credited, as they are not served beyond 2 or 4 GiB
	Excluded uint64 // files of the origin that rules leave out
	// Response is the median time that the web server took to begin the answer to
	// a HEAD request for a sample, as of mirror.Run; 0: not measured.
	Response time.Duration

	Notes  []string // what else is worth knowing, in the order it came up
	Advice string   // on what ground most of the listing failed, and what to do; "" none

	proof *sample
}

// Doubt gives what Scan says of itself when it doubted what it saw; "" when it
// did not.
func Doubt(reports []Report) string {
	for i := range reports {
		if reports[i].Doubt != "" {
			return reports[i].Doubt
		}
	}
	return ""
}

// FilesPerSec is the speed of the scan.
func (r *Report) FilesPerSec() float64 { return r.speed() }

func (r *Report) speed() float64 {
	took := r.Took
	if took == 0 {
		took = time.Since(r.Started)
	}
	return float64(r.Listed) / max(took.Seconds(), 1e-3)
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Report) take(protocol string, m *matcher, sum listing.Summary) {
	c := m.counts
	r.Protocol = protocol
	r.Listed, r.Unknown, r.Aliases, r.Stale = c.Listed, c.Unknown, c.Aliases, c.Stale
	r.Doubtful, r.Unasked, r.NotFiles, r.Closed = c.Doubtful, c.Unasked, c.NotFiles, c.Closed
	if sum.Refused > 0 {
		r.note("%d names were not believed", sum.Refused)
	}
	for _, why := range sum.Incomplete {
		r.note("the listing may lack something, nothing was taken for absent: %s", why)
	}
	if c.NotFiles > 0 {
		r.note("%d known files are listed as folders, links or devices", c.NotFiles)
	}
	if c.Closed > 0 {
		r.note("%d known files may not be read by everybody there: they are not credited", c.Closed)
	}
	if c.Unasked > 0 {
		r.note("%d files need a HEAD request that had no answer: they stay as they were", c.Unasked)
	}
}

func (r *Report) finish() {
	r.Took = time.Since(r.Started)
	r.proof = nil
}

// String is the report for people: one line, and one for each note.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case r.Skipped != "":
		fmt.Fprintf(&b, "%s: skipped: %s\n", r.Mirror, r.Skipped)
	case r.Err != nil:
		fmt.Fprintf(&b, "%s: failed: %v\n", r.Mirror, r.Err)
	default:
		fmt.Fprintf(&b, "%s: %s: listed %d, held %d (+%d -%d), unknown %d, stale %d, doubtful %d, unsound %d, excluded %d, %.1f s, %.0f files/s\n",
			r.Mirror, r.Protocol, r.Listed, r.Held, r.Added, r.Removed, r.Unknown, r.Stale, r.Doubtful, r.Unsound, r.Excluded, r.Took.Seconds(), r.speed())
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	if r.Advice != "" {
		fmt.Fprintf(&b, "  %s\n", r.Advice)
	}
	return b.String()
}

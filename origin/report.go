package origin

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Report says what an index run found and did.
type Report struct {
	Origin  string // URL, password hidden
	Subtree string
	DryRun  bool
	Before  int64 // files in the index when the run began, below the subtree
	Listed  Listed
	Counts
	// Kept counts files that were not seen and stay in the index, because the
	// folder above them could not be read or the listing was incomplete.
	Kept int64
	Took time.Duration
}

// problems counts what an operator may want to look at.
func (r *Report) problems() int64 {
	n := int64(len(r.Listed.Incomplete))
	for _, s := range r.Listed.Skips.All() {
		switch s.Reason {
		case Closed, Temporary, Excluded:
		default:
			n += s.Count
		}
	}
	return n
}

// String is the report for people: a line of totals, one of differences, and
// one for each kind of thing that was left out, with examples.
func (r Report) String() string {
	var b strings.Builder
	l := &r.Listed
	fmt.Fprintf(&b, "%d files, %d folders, %d aliases, %s in %.1f s\n", l.Files, l.Folders, len(l.Links), humanize.IBytes(uint64(max(0, l.Bytes))), r.Took.Seconds())
	would := ""
	if r.DryRun {
		would = "would be "
	}
	switch {
	case !r.Any():
		b.WriteString("nothing has changed\n")
	default:
		fmt.Fprintf(&b, "%sadded %d, changed %d (%d of them in time alone), removed %d\n", would, r.Added, r.Changed, r.Touched, r.Removed)
		if r.AliasesAdded+r.AliasesRemoved > 0 {
			fmt.Fprintf(&b, "aliases %sadded %d, removed %d\n", would, r.AliasesAdded, r.AliasesRemoved)
		}
	}
	if r.Kept > 0 {
		fmt.Fprintf(&b, "kept %d files that could not be looked for\n", r.Kept)
	}
	for _, s := range l.Skips.All() {
		fmt.Fprintf(&b, "left out, %s: %d (%s%s)\n", s.Reason, s.Count, quoteAll(s.Examples), more(s))
	}
	for _, why := range l.Incomplete {
		fmt.Fprintf(&b, "the listing may lack something, nothing was removed: %s\n", why)
	}
	return b.String()
}

func quoteAll(paths []string) string {
	q := make([]string, len(paths))
	for i, p := range paths {
		q[i] = fmt.Sprintf("%q", p)
	}
	return strings.Join(q, ", ")
}

func more(s Skip) string {
	if s.Count > int64(len(s.Examples)) {
		return ", ..."
	}
	return ""
}

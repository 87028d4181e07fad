package scanner

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Verdict is what one entry of a listing says about the mirror's copy.
type Verdict uint8

// The verdicts.
const (
	Unknown  Verdict = iota // the origin never had this path
	Held                    // the copy is the version
	Stale                   // the copy is something else than any version that counts
	Doubtful                // it could be two versions
	AskSize                 // it is the version if a HEAD gives the exact size
	Ask                     // nothing can be said before a HEAD
)

// ground says why a copy is not a version; the diagnosis counts it.
type ground uint8

const (
	noGround    ground = iota
	otherSize          // no version has this size
	partialCopy        // a version's time with another size
	olderTime          // older than the current version
	removedPath        // the origin no longer has the path
	notFile            // listed as a folder, link or device
	closedFile         // not everybody may read it
)

// match is a verdict and the version it is about.
type match struct {
	verdict Verdict
	ground  ground
	version mirror.Version // of Held and AskSize
}

// roundedTrust is the size in bytes up to which a rounded size that fits is as
// good as an exact one.
const roundedTrust = 1 << 20

// question is one entry to decide about.
type question struct {
	e *listing.Entry
	// times are the mtimes that the entry can mean, after time-zone correction.
	times []int64
	// slack widens what is neither surely older nor surely newer: the zone is
	// not known.
	slack time.Duration
	// asked is set when a HEAD has given the size (and the time, if the server
	// tells it): no further question helps.
	asked bool
}

// decide applies the rules to an entry and the versions known of its path. An
// id may be in versions several times, with each mtime it is known by.
func decide(q question, versions []mirror.Version) match {
	e := q.e
	if len(versions) == 0 {
		return match{verdict: Unknown}
	}
	if e.SizeMin < 0 {
		return q.unclear()
	}
	if !anyFits(e, versions) {
		return match{verdict: Stale, ground: otherSize}
	}
	if e.Precision <= 0 {
		return q.bySizeAlone(versions)
	}

	// An mtime equal to exactly one version's decides for that version.
	sameTime, one, several := false, mirror.Version{}, false
	for _, v := range versions {
		if !q.same(v) {
			continue
		}
		sameTime = true
		if e.SizeFits(v.Size) {
			several = several || one.ID != 0 && one.ID != v.ID
			one = v
		}
	}
	switch {
	case several:
		return q.unclear()
	case one.ID != 0:
		return q.held(one)
	case sameTime:
		return match{verdict: Stale, ground: partialCopy}
	}
	return q.byAge(versions)
}

// byAge decides about an mtime that is no known version's: a newer one counts
// as the current version, unless another version has the same size.
func (q question) byAge(versions []mirror.Version) match {
	var cur mirror.Version
	var newest int64
	for _, v := range versions {
		if v.Current() && (cur.ID == 0 || v.MTime+int64(v.Precision) > newest) {
			cur, newest = v, v.MTime+int64(v.Precision)
		}
	}
	switch {
	case cur.ID == 0:
		return match{verdict: Stale, ground: removedPath}
	case cur.Precision <= 0:
		return q.bySizeAlone(versions)
	}
	first, last := q.times[0], q.times[0]
	for _, t := range q.times[1:] {
		first, last = min(first, t), max(last, t)
	}
	switch slack := int64(q.slack); {
	case last+slack+int64(q.e.Precision) <= cur.MTime:
		return match{verdict: Stale, ground: olderTime}
	case first-slack < newest: // older in one reading, newer in another
		return q.unclear()
	case !q.e.SizeFits(cur.Size):
		return match{verdict: Stale, ground: otherSize}
	}
	for _, v := range versions {
		if v.ID != cur.ID && q.e.SizeFits(v.Size) && first-int64(q.slack) < cur.Seen {
			return q.unclear()
		}
	}
	return q.held(cur)
}

// bySizeAlone decides where no times can be compared: only once a HEAD gave
// the size, and only if a single version has it.
func (q question) bySizeAlone(versions []mirror.Version) match {
	if !q.asked {
		return match{verdict: Ask}
	}
	var one mirror.Version
	for _, v := range versions {
		if !q.e.SizeFits(v.Size) {
			continue
		}
		if one.ID != 0 && one.ID != v.ID {
			return match{verdict: Doubtful}
		}
		one = v
	}
	if !one.Current() {
		// Without a time, a kept version's size alone is too little.
		return match{verdict: Doubtful}
	}
	return match{verdict: Held, version: one}
}

func (q question) same(v mirror.Version) bool {
	for _, t := range q.times {
		if v.SameTime(t, q.e.Precision) {
			return true
		}
	}
	return false
}

// unclear asks when a HEAD can still tell more than the listing did.
func (q question) unclear() match {
	exact := q.e.SizeExact() && q.e.Precision > 0 && q.e.Precision <= time.Second && q.slack == 0
	if q.asked || exact {
		return match{verdict: Doubtful}
	}
	return match{verdict: Ask}
}

func (q question) held(v mirror.Version) match {
	if !q.e.SizeExact() && v.Size > roundedTrust {
		return match{verdict: AskSize, version: v}
	}
	return match{verdict: Held, version: v}
}

func anyFits(e *listing.Entry, versions []mirror.Version) bool {
	for i := range versions {
		if e.SizeFits(versions[i].Size) {
			return true
		}
	}
	return false
}

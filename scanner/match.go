package scanner

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin/zone"
)

// Versions knows the versions of paths.
type Versions interface {
	// Append appends the versions known of path; an id comes once for each
	// mtime it is known by.
	Append(dst []mirror.Version, path string) []mirror.Version
}

// Counts says what a listing held.
type Counts struct {
	Listed   int // files
	Held     int // agree with a version
	Unknown  int // paths the origin never had
	Aliases  int // paths that are links on the origin: not counted as anything else
	Stale    int // other than every version that counts
	Doubtful int // could be two versions
	Unasked  int // left as they were, for want of an answer by HEAD
	NotFiles int // known files listed as a folder, link or device
	Closed   int // known files that not everybody may read there
}

// Bounds of what a scan keeps in memory beside bitmaps.
const (
	maxZoneBuffer  = 20_000 // entries held back until the zone is known
	maxZoneSamples = 2_000  // votes that settle it earlier
	maxLateKnown   = 50_000 // known paths that fitted no version
	maxLateUnknown = 20_000 // paths that were not known

	// Bytes of the paths among them: those of a listing may be as long as
	// mirror.MaxPath.
	maxZoneBytes = 16 << 20
	maxLateBytes = 16 << 20

	maxDoubts      = 200     // doubtful entries to be settled by a digest
	maxClosedBytes = 4 << 20 // of the paths of folders that not everybody may read
)

// asker takes entries that need a HEAD. It may block, and reports false when it
// takes no more.
type asker interface{ ask(inquiry) bool }

// inquiry is one entry to be asked for by HEAD.
type inquiry struct {
	entry    listing.Entry
	path     string // in the tree
	verdict  Verdict
	version  mirror.Version // of AskSize
	versions []mirror.Version
}

// matcher turns a listing into sets of ids. It is not safe for concurrent use.
type matcher struct {
	versions Versions
	alias    func(path string) bool // whether the path is, or lies below, a link; may be nil
	subtree  string                 // of the mirror: listed paths begin there
	// renamed, if set, gives the path in the tree of a listed one; false for what
	// is not of the tree.
	renamed func(there string) (path string, ok bool)
	// skip, if set, says what is not looked at, by listed paths.
	skip func(there string, folder bool) bool
	// folder limits what is looked at to a folder of the tree, if renamed is set.
	folder string
	// digestSize is the largest size of doubtful files that are worth a digest.
	digestSize int64
	exact      *roaring.Bitmap // ids whose size a HEAD confirmed in earlier scans
	asker      asker
	onHeld     func(path string, v mirror.Version) // may be nil

	counts    Counts
	found     *roaring.Bitmap
	sized     *roaring.Bitmap // of found: exact size confirmed now or earlier, where the listing rounds
	lost      *roaring.Bitmap // ids of listed paths that the mirror's copy is not
	undecided *roaring.Bitmap // ids that keep the bit they have
	grounds   diagnosis

	closed      map[string]bool // folders that not everybody may read, as listed
	closedBytes int
	doubts      []doubt

	late        []lateEntry
	lateUnknown int
	lateBytes   int

	zone      zone.Zone
	zoneDone  bool
	buffer    []listing.Entry
	zoneBytes int
	votes     []zone.Vote

	vs    []mirror.Version
	times []int64
}

// lateEntry is an entry that fitted nothing, to be tried again with versions
// that the index has added when the listing is at its end.
type lateEntry struct {
	path    string
	entry   listing.Entry
	verdict Verdict
}

func newMatcher(v Versions, subtree string, exact *roaring.Bitmap, a asker) *matcher {
	if exact == nil {
		exact = roaring.New()
	}
	return &matcher{
		versions: v, subtree: subtree, exact: exact, asker: a,
		found: roaring.New(), sized: roaring.New(), lost: roaring.New(), undecided: roaring.New(),
	}
}

// entry takes one entry of the listing.
func (m *matcher) entry(e listing.Entry) {
	e.Target = "" // links are not followed, and entries are kept
	if e.Kind == listing.File && e.ZoneUnknown && e.Precision > 0 && !m.zoneDone {
		m.hold(e)
		return
	}
	m.match(e)
}

// hold keeps an entry back until enough others tell the server's time zone.
func (m *matcher) hold(e listing.Entry) {
	e.Path = strings.Clone(e.Path) // it may be a piece of a whole page
	m.buffer = append(m.buffer, e)
	m.zoneBytes += len(e.Path)
	if path, ok := m.path(e.Path); ok {
		if v, ok := zone.Of(&e, m.lookup(path)); ok {
			m.votes = append(m.votes, v)
		}
	}
	if len(m.buffer) >= maxZoneBuffer || m.zoneBytes >= maxZoneBytes || len(m.votes) >= maxZoneSamples {
		m.settleZone()
	}
}

func (m *matcher) settleZone() {
	m.zone, m.zoneDone = zone.Detect(m.votes), true
	for _, e := range m.buffer {
		m.match(e)
	}
	m.buffer, m.votes = nil, nil
}

// end is called after the last entry.
func (m *matcher) end() {
	if !m.zoneDone {
		m.settleZone()
	}
}

// path gives the path in the tree of a listed one; false for what the mirror
// keeps where nothing of the tree belongs. Then it is one that no file has.
func (m *matcher) path(p string) (path string, ok bool) {
	switch {
	case m.renamed != nil:
		if path, ok := m.renamed(p); ok {
			return path, true
		}
		return p, false
	case m.subtree == "":
		return p, true
	case p == "":
		return m.subtree, true
	}
	return m.subtree + "/" + p, true
}

func (m *matcher) lookup(path string) []mirror.Version {
	m.vs = m.versions.Append(m.vs[:0], path)
	return m.vs
}

func (m *matcher) question(e *listing.Entry) question {
	q := question{e: e}
	if e.ZoneUnknown {
		m.times = m.zone.Times(e.MTime, m.times[:0])
		q.times, q.slack = m.times, m.zone.Slack()
	} else {
		m.times = append(m.times[:0], e.MTime)
		q.times = m.times
	}
	return q
}

func (m *matcher) match(e listing.Entry) {
	if m.skip != nil && m.skip(e.Path, e.Kind == listing.Dir) {
		return
	}
	path, ok := m.path(e.Path)
	if m.renamed != nil && !mirror.Below(path, m.folder) {
		return // a folder around one that is renamed was listed
	}
	var vs []mirror.Version
	if ok {
		vs = m.lookup(path)
	}
	if e.Kind != listing.File {
		if e.Kind == listing.Dir && e.HasMode {
			m.noteClosed(&e)
		}
		if len(vs) > 0 {
			m.counts.NotFiles++
			m.grounds.count(notFile)
			m.lose(vs, 0)
		}
		return
	}
	m.counts.Listed++
	if len(vs) == 0 && m.alias != nil && m.alias(path) {
		m.counts.Aliases++
		return
	}
	if len(vs) > 0 && m.isClosed(&e) {
		m.counts.Closed++
		m.grounds.count(closedFile)
		m.lose(vs, 0)
		return
	}
	q := m.question(&e)
	r := decide(q, vs)
	switch r.verdict {
	case AskSize:
		if m.exact.Contains(uint32(r.version.ID)) {
			m.sized.Add(uint32(r.version.ID))
			m.credit(path, r.version, vs)
			return
		}
		fallthrough
	case Ask:
		own := append([]mirror.Version(nil), vs...)
		e.Path = "" // path says it
		if !m.asker.ask(inquiry{entry: e, path: strings.Clone(path), verdict: r.verdict, version: r.version, versions: own}) {
			m.leave(vs)
		}
	default:
		m.settle(path, &e, q.times[0], r, vs)
	}
}

// settle books a verdict that needs no further question.
func (m *matcher) settle(path string, e *listing.Entry, mtime int64, r match, vs []mirror.Version) {
	switch r.verdict {
	case Unknown:
		m.counts.Unknown++
		m.grounds.unknown(path)
		m.keepLate(path, e, Unknown)
	case Held:
		m.credit(path, r.version, vs)
	case Doubtful:
		m.counts.Doubtful++
		m.lose(vs, 0)
		m.keepLate(path, e, Doubtful)
		m.keepDoubt(path, e, vs)
	default:
		m.counts.Stale++
		m.grounds.stale(r.ground, mtime, vs)
		m.lose(vs, 0)
		m.keepLate(path, e, Stale)
	}
}

func (m *matcher) credit(path string, v mirror.Version, vs []mirror.Version) {
	m.counts.Held++
	m.found.Add(uint32(v.ID))
	m.lose(vs, v.ID)
	if m.onHeld != nil {
		m.onHeld(path, v)
	}
}

// lose takes away every version of a listed path but keep.
func (m *matcher) lose(vs []mirror.Version, keep mirror.FileID) {
	for i := range vs {
		if vs[i].ID != keep {
			m.lost.Add(uint32(vs[i].ID))
		}
	}
}

func (m *matcher) keepLate(path string, e *listing.Entry, v Verdict) {
	switch {
	case m.lateBytes+len(path) > maxLateBytes:
		return
	case v != Unknown && len(m.late)-m.lateUnknown < maxLateKnown:
	case v == Unknown && m.lateUnknown < maxLateUnknown:
		m.lateUnknown++
	default:
		return
	}
	l := lateEntry{strings.Clone(path), *e, v}
	l.entry.Path = "" // path says it
	m.lateBytes += len(path)
	m.late = append(m.late, l)
}

// leave lets the versions of a path have the bits they have.
func (m *matcher) leave(vs []mirror.Version) {
	m.counts.Unasked++
	for i := range vs {
		m.undecided.Add(uint32(vs[i].ID))
	}
}

// answer books what a HEAD said about an inquiry; err: it had no answer. It is
// called after the listing.
func (m *matcher) answer(q inquiry, h httphead.Answer, err error) {
	switch {
	case err != nil || h.Found() && h.Size < 0 || h.Status >= 500 || h.Status == http.StatusTooManyRequests:
		m.leave(q.versions)
		return
	case !h.Found():
		m.counts.Stale++
		m.lose(q.versions, 0)
		return
	}
	e := q.entry
	e.SizeMin, e.SizeMax = h.Size, h.Size
	if q.verdict == AskSize {
		if h.Size != q.version.Size {
			m.settle(q.path, &e, e.MTime, match{verdict: Stale, ground: otherSize}, q.versions)
			return
		}
		m.sized.Add(uint32(q.version.ID))
		m.credit(q.path, q.version, q.versions)
		return
	}
	switch {
	case !h.LastModified.IsZero():
		e.MTime, e.Precision, e.ZoneUnknown = h.LastModified.UnixNano(), time.Second, false
	case e.ZoneUnknown && !m.zone.Known:
		e.Precision = 0
	}
	ask := m.question(&e)
	ask.asked = true
	r := decide(ask, q.versions)
	if r.verdict == Held {
		m.sized.Add(uint32(r.version.ID))
	}
	m.settle(q.path, &e, ask.times[0], r, q.versions)
}

// retry tries the late entries again with what the index has now. versions
// gives all versions of a path that changed since the scan began, and false for
// others. It returns the ids that were decided.
func (m *matcher) retry(versions func(path string) ([]mirror.Version, bool)) {
	for i := range m.late {
		l := &m.late[i]
		vs, ok := versions(l.path)
		if !ok {
			continue
		}
		r := decide(m.question(&l.entry), vs)
		if r.verdict != Held {
			continue
		}
		switch l.verdict {
		case Stale:
			m.counts.Stale--
		case Doubtful:
			m.counts.Doubtful--
			m.doubts = slices.DeleteFunc(m.doubts, func(d doubt) bool { return d.path == l.path })
		default:
			m.counts.Unknown--
		}
		m.counts.Held++
		m.found.Add(uint32(r.version.ID))
		m.lost.Remove(uint32(r.version.ID))
		if m.onHeld != nil {
			m.onHeld(l.path, r.version)
		}
	}
	m.late = nil
}

// sets gives the result of the whole scan. all are the ids known when it began,
// within its bounds; complete says whether what was not listed is absent.
type sets struct {
	found *roaring.Bitmap // held
	sized *roaring.Bitmap // of found: size confirmed by HEAD
	knew  *roaring.Bitmap // decided about
	// undecided were listed, but not clearly enough.
	undecided *roaring.Bitmap
}

func (m *matcher) sets(all *roaring.Bitmap, complete bool) sets {
	found := m.found.Clone()
	found.AndNot(m.lost) // a path listed twice, as two things
	knew := roaring.Or(m.lost, found)
	if complete {
		knew.Or(all)
	}
	und := m.undecided.Clone()
	und.AndNot(found)
	knew.AndNot(und)
	s := sets{found: found, knew: knew, sized: m.sized.Clone(), undecided: und}
	s.sized.And(found)
	return s
}

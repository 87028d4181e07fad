package mirror

// Subject is the file that a document (a mirror list, a Metalink, a torrent) is
// about, as it is now.
type Subject struct {
	Path string // in the tree, without a leading slash; need not be UTF-8
	Name string // the base name that was asked for; an alias has its own
	URL  string // the file's own URL at the redirector, absolute and percent-encoded

	Size      int64 // bytes
	MTime     int64 // ns since the Unix epoch; 0: unknown
	Digests   *Digests
	Published int64 // when the document was made, ns since the Unix epoch
}

// Source is a place from which the subject of a document can be had.
type Source struct {
	URL        string // of the file there, absolute and percent-encoded
	Name       string // of the mirror; the host name of a fallback or the origin
	Kind       SourceKind
	Place              // of the mirror; zero value: unknown
	Tier       Tier    // how close it is to the client; of a mirror only
	DistanceKm float64 // great circle from the client; -1 unknown
	Score      int     // its share of the load relative to others of its tier
	Share      float64 // probability of being the one the client is sent to, 0 to 1
}

// SourceKind says what a Source is.
type SourceKind uint8

// The kinds of sources.
const (
	SourceMirror   SourceKind = iota
	SourceFallback            // a server believed to have everything
	SourceOrigin              // this server, or where the tree comes from
)

// Realm is the source's nearness in the words of X-MirrorBrain-Realm: the
// tier's name, "fallback" or "origin".
func (s *Source) Realm() string {
	switch s.Kind {
	case SourceFallback:
		return "fallback"
	case SourceOrigin:
		return "origin"
	case SourceMirror:
	}
	return s.Tier.String()
}

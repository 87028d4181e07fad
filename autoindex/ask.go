package autoindex

// Switch is a setting that may be left open.
type Switch uint8

// The positions of a Switch.
const (
	Unset Switch = iota
	Off
	On
)

// Or gives what the switch says, or else what applies when it is left open.
func (s Switch) Or(unset bool) bool {
	if s == Unset {
		return unset
	}
	return s == On
}

// Grammar is the way in which a query is written.
type Grammar uint8

// The grammars.
const (
	NoGrammar     Grammar = iota // nothing was asked that is understood
	ApacheGrammar                // C=N;O=D;F=1;V=1;P=*.iso
	CaddyGrammar                 // sort=name&order=desc&limit=10&offset=20
)

// Ask is what the query of a request asked for. The zero value asks for
// nothing: the settings apply.
type Ask struct {
	// Grammar tells how links have to be written that keep up the rest.
	Grammar Grammar

	// Column is the column to sort by; Unsorted: not asked for.
	Column Column
	// Descending is the direction (Apache's O, Caddy's order).
	Descending Switch
	// FoldersFirst is what Caddy's sort=namedirfirst and sort=name differ in.
	FoldersFirst Switch
	// Version turns version sort on or off (Apache's V).
	Version Switch
	// Format is Plain, Fancy or Table (Apache's F); Auto: not asked for.
	Format Format
	// Pattern is a glob that names must match (Apache's P), decoded; "": not asked
	// for. At most MaxPattern bytes.
	Pattern string

	// Limit is how many entries to show, after sorting, and Offset how many to
	// leave out before them (Caddy's). 0: all, none.
	Limit, Offset int

	// Search is what names in the tree below are to contain; "": no search. At
	// most MaxSearch bytes.
	Search string
	// Latest is a glob: the request is to be sent to the newest match. "": not
	// asked for. At most MaxPattern bytes.
	Latest string
	// LatestBy says what makes a match the newest.
	LatestBy LatestBy
}

// MaxPattern and MaxSearch bound in bytes what a client can ask to be matched.
// Longer ones are not understood.
const (
	MaxPattern = 256
	MaxSearch  = 256
)

// LatestBy is what makes a file the newest.
type LatestBy uint8

// What makes a file the newest: the version in its name, or its time.
const (
	LatestByVersion LatestBy = iota
	LatestByTime
)

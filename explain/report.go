// Package explain answers "why this one?": it says for one request which mirror
// it would be sent to and why, and what speaks against each of the others. It
// decides nothing itself: it asks package redirector and puts the answer into
// words, for programs as JSON (docs/explain.md has the keys) and for terminals.
//
// Who may not see everything gets a report without what is nobody's business:
// mirrors that are reserved for others, or not in use, are not in it, and what
// the operator has arranged with a mirror is called "not available".
package explain

import (
	"encoding/json"
	"time"
)

// Report is what there is to say about one request. Its JSON is stable: keys
// are only ever added.
type Report struct {
	At      time.Time `json:"at"`             // when the request is made, UTC
	Node    *Node     `json:"node,omitempty"` // whose settings and data these are; nil: not said
	Private bool      `json:"private"`        // mirrors and reasons that not everybody may know of are in it
	// Summary has the answer in sentences, what matters most first.
	Summary []string `json:"summary"`

	Request Request `json:"request"`
	Client  Client  `json:"client"`
	File    *File   `json:"file,omitempty"` // the version that is redirected to; nil: none is known
	Outcome Outcome `json:"outcome"`

	Mirrors   []Mirror  `json:"mirrors"`   // that could serve the request, in the order in which they are tried
	Out       []Out     `json:"out"`       // that could not
	Truncated bool      `json:"truncated"` // there are more of them
	Settings  []Setting `json:"settings"`
	Notes     []string  `json:"notes,omitempty"` // what this report does not know
}

// Node is where the settings and the data are from.
type Node struct {
	Name     string    `json:"name,omitempty"`
	Instance string    `json:"instance,omitempty"`
	Site     int       `json:"site,omitempty"` // counting from 1
	Seen     time.Time `json:"seen,omitzero"`  // when it last reported itself; zero: it answers itself
	Revision int64     `json:"revision,omitempty"`
	// Age is for how many seconds the catalog has not been known to be what the
	// database has.
	Age float64 `json:"age,omitempty"`
}

// Request is what is asked for.
type Request struct {
	Path         string `json:"path"`          // in the tree, as asked for, without a leading slash
	Target       string `json:"target"`        // the same with links resolved
	Scheme       string `json:"scheme"`        // https or http
	HTTPSUpgrade bool   `json:"https_upgrade"` // a client on http may be sent to https where there is no http
	IPVersion    int    `json:"ip_version"`    // 4 or 6; 0: unknown

	Avoid        []string `json:"avoid,omitempty"`
	AvoidCountry []string `json:"avoid_country,omitempty"`
}

// Client is who asks, as the choice sees them.
type Client struct {
	Address   string   `json:"address,omitempty"` // "": unknown, or a client that is only said to be somewhere
	Simulated bool     `json:"simulated"`
	Country   string   `json:"country"` // two lower-case letters; "" unknown
	Continent string   `json:"continent"`
	Lat       *float64 `json:"lat,omitempty"` // degrees, to a tenth
	Lng       *float64 `json:"lng,omitempty"`
	ASN       uint32   `json:"asn"` // 0: unknown
	Prefix    string   `json:"prefix,omitempty"`
	// PlaceFrom and NetworkFrom say where that is known from: [FromGeoIP],
	// [FromPrefixes], [FromASFile], [FromRequest], [FromOverride]; "": it is not known.
	PlaceFrom   string `json:"place_from,omitempty"`
	NetworkFrom string `json:"network_from,omitempty"`
}

// Where a client's place and network are known from.
const (
	FromGeoIP    = "geoip"        // the GeoIP file
	FromPrefixes = "prefix_table" // the prefixes in the database
	FromASFile   = "geoip_asn"    // the AS file
	FromRequest  = "request"      // the request says so: country=, as=
	FromOverride = "override"     // a rule of the operator's about the network
)

// File is a version of a file.
type File struct {
	ID     uint32    `json:"id"`
	Size   int64     `json:"size"`             // bytes
	MTime  time.Time `json:"mtime,omitzero"`   // zero: unknown
	Seen   time.Time `json:"seen,omitzero"`    // when the index first saw it; zero: not known here
	SHA256 string    `json:"sha256,omitempty"` // lower-case hex; "": not hashed
}

// Outcome is what becomes of the request.
type Outcome struct {
	Result string   `json:"result"`           // redirect, local, exempt or error
	Reason string   `json:"reason"`           // the word that {http.mirrorbrain.reason} has
	Status int      `json:"status,omitempty"` // of the answer; 0: that of whoever serves the file
	Realm  string   `json:"realm,omitempty"`  // of a redirect: how close the mirror is
	To     []Target `json:"to"`               // where it is sent; one of them where there are several
}

// Target is where a request may be sent.
type Target struct {
	Name        string  `json:"name"`
	Kind        string  `json:"kind"` // mirror, fallback or origin
	URL         string  `json:"url"`
	Probability float64 `json:"probability"` // 0 to 1; 0: not known, one of several that suit alike
}

// Mirror is a mirror that could serve the request.
type Mirror struct {
	Name       string `json:"name"`
	Country    string `json:"country"`
	Continent  string `json:"continent"`
	Tier       string `json:"tier"`
	DistanceKm *int64 `json:"distance_km"` // great circle; null: unknown
	Score      int    `json:"score"`
	// Weight is what it is drawn with: the score, unless bytes are to follow the
	// scores. Only the operator sees it: it tells what mirrors carry.
	Weight      uint64  `json:"weight,omitempty"`
	Group       int     `json:"group"`       // from 1: the mirrors of one are considered together
	Probability float64 `json:"probability"` // of being the one, 0 to 1
	Standing    string  `json:"standing"`    // among those of its tier, in words
	// URL of the file there, without the signature that redirects may have; ""
	// where the request is not for mirrors.
	URL    string `json:"url,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Out is a mirror that cannot serve the request.
type Out struct {
	Name    string `json:"name"`
	Country string `json:"country"`
	Reason  string `json:"reason"`           // in a few words
	Detail  string `json:"detail,omitempty"` // since when, which version it has, and the like
}

// Setting is a setting in effect and how it bears on this request.
type Setting struct {
	Name   string `json:"name"`  // as in the Caddyfile
	Value  string `json:"value"` // likewise
	Effect string `json:"effect"`
}

// AppendJSON appends the report as indented JSON with what means something in
// HTML escaped, and a line break.
func (r *Report) AppendJSON(dst []byte) ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return dst, err
	}
	return append(append(dst, text...), '\n'), nil
}

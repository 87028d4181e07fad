// Package accesslog reads the logs of download servers, line by line: Caddy's JSON
// with the fields that the mirrorbrain module adds, the common and combined formats
// of NCSA, MirrorBrain's extension of the latter, and Mirrorbits' downloads.log.
//
// Nothing in a log is trusted: a large part of every line was written by clients.
// Lines are bounded, and those that cannot be read are counted.
package accesslog

import (
	"net/netip"
	"time"
)

// Entry is one request as the log tells it. What a format does not say has the
// zero value, unless it is said otherwise.
type Entry struct {
	Time   time.Time
	Addr   netip.Addr // the client's, unmapped; invalid: not logged, or a host name
	Method string     // GET in logs of downloads alone
	Path   string     // percent-decoded where the format has it encoded; begins with a slash
	Query  string     // what follows the question mark, as it was sent
	Status int
	Bytes  int64  // of the answer's body; -1: not logged
	Host   string // the site asked for, in lower case, without its port
	Scheme string // http or https
	Agent  string // User-Agent
	Range  string // the Range field, such as "bytes=0-499"

	// Logged reports whether the log says which mirror was chosen. Mirror "" is
	// nobody then.
	Logged     bool
	Mirror     string // its name, or the host name of a server that is none
	Realm      string // the tier as the log calls it
	Fallback   bool   // the server stands in for mirrors
	Document   bool   // a list of mirrors, a Metalink, ...: not the file or a way to it
	Simulated  bool   // a test of what another client would get
	Size       int64  // of the file in bytes; 0: not logged
	DistanceKm float64
	HasKm      bool // whether DistanceKm, from client to mirror, is logged

	// The client's place and network as they were seen then. Codes are in lower
	// case.
	Country, Continent string
	ASN                uint32
	Prefix             netip.Prefix
	// MirrorCountry is the first of the mirror's countries.
	MirrorCountry string
}

// Redirected reports whether the answer sent the client elsewhere.
func (e *Entry) Redirected() bool {
	switch e.Status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// reset empties e for the next line.
func (e *Entry) reset() { *e = Entry{Bytes: -1} }

// Format is a kind of log.
type Format uint8

// The formats.
const (
	Auto        Format = iota // found out from the first lines
	Caddy                     // Caddy's JSON
	Combined                  // NCSA common and combined, also with the host's name before them
	MirrorBrain               // combined with want:, give:, r: and what follows them
	Mirrorbits                // downloads.log
	formats
)

var formatNames = [formats]string{"auto", "caddy", "combined", "mirrorbrain", "mirrorbits"}

// String gives the name that ParseFormat reads.
func (f Format) String() string {
	if f < formats {
		return formatNames[f]
	}
	return "unknown"
}

// ParseFormat reads a format's name; false if there is no such format.
func ParseFormat(s string) (Format, bool) {
	for f, name := range formatNames {
		if s == name {
			return Format(f), true
		}
	}
	return Auto, false
}

// Formats are the names of all formats.
func Formats() []string { return formatNames[:] }

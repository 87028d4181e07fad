// Package mirror holds the nouns that every other package shares: mirrors,
// files and their versions, clients, tiers, and the rules for paths and URLs.
// It imports nothing but the standard library.
package mirror

import (
	"fmt"
	"net/netip"
	"time"
)

// ID identifies a mirror. It is drawn from a counter in the database and never
// used again, so that a deleted mirror's holdings cannot pass to another.
type ID int32

// Families says over which address families a server can be reached.
// The zero value means unknown, which is treated as both.
type Families uint8

// The address families, to be combined with |.
const (
	IPv4 Families = 1 << iota
	IPv6
)

// Has reports whether addr's family is among f. Unknown families and an
// invalid addr match.
func (f Families) Has(addr netip.Addr) bool {
	if f == 0 || !addr.IsValid() {
		return true
	}
	if addr.Is4() || addr.Is4In6() {
		return f&IPv4 != 0
	}
	return f&IPv6 != 0
}

// String gives "IPv4", "IPv6", "IPv4, IPv6" or "unknown".
func (f Families) String() string {
	switch f & (IPv4 | IPv6) {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	case IPv4 | IPv6:
		return "IPv4, IPv6"
	}
	return "unknown"
}

// Redirects says how far a mirror's own redirects may lead (a mirror that is a
// redirector itself, or a CDN).
type Redirects string

// The values of Redirects. The zero value means RedirectsSameHost.
const (
	RedirectsSameHost Redirects = "same-host" // only to the host of the base URL
	RedirectsPublic   Redirects = "public"    // to any public address
	RedirectsAny      Redirects = "any"       // anywhere, private networks included
)

// Mirror is a server that carries all or part of the tree.
type Mirror struct {
	ID   ID
	Name string // unique, 1 to 64 of a-z A-Z 0-9 . _ - (see ValidName)

	// Base URLs of the tree's root, or of Subtree. Each ends in a slash and
	// carries no query or fragment. HTTP has at most one http and one https URL,
	// and at least one of them; Rsync and FTP may be empty. Rsync and FTP URLs
	// may carry a user and password.
	HTTP  []string
	Rsync string
	FTP   string
	// S3 is the URL of a bucket that holds what HTTP serves, for scans alone; may
	// be empty. Package listing/s3 says how it is written.
	S3 string
	// RsyncPasswordFile names a file on the scanning host whose first line is
	// the password for Rsync, and for an FTP user without one. Empty: the URL's
	// password, or none.
	RsyncPasswordFile string
	// S3CredentialsFile names a file on the scanning host with the keys for S3.
	// Empty: the environment's, or none.
	S3CredentialsFile string

	Place                    // zero value: unknown place, matches nothing
	ASNs      []uint32       // autonomous systems the mirror is in; 0 never matches
	Prefixes  []netip.Prefix // networks whose clients are sent here first
	Families  Families       // found from DNS; zero: unknown, treated as both
	Redirects Redirects

	// Rules: who may be sent here. Country codes are lower case.
	RegionOnly       bool // only clients of the same continent
	CountryOnly      bool // only clients of the same country
	ASOnly           bool // only clients of the same AS
	PrefixOnly       bool // only clients of the same prefix
	OtherCountries   []string
	ExcludeCountries []string
	MaxSize          int64 // largest file in bytes; 0: no limit
	MaxShare         int   // largest share of all redirects in hundredths of a per cent; 0: no limit
	Quota            Quota // zero value: none
	// LastResort: chosen only where no other mirror will do (a CDN that costs
	// money for each byte).
	LastResort bool
	// NoTraffic are the times in which nobody is sent here.
	NoTraffic []Window
	Subtree   string // folder of the tree the base URLs stand for; "" is the whole tree
	// Renames are folders of Subtree that the mirror keeps elsewhere.
	Renames []Rename

	// Score is the mirror's share of the load relative to the others of its
	// tier. 100 is usual, 0 means: never chosen.
	Score int

	Enabled         bool      // the operator's switch
	EnableAfterScan bool      // Enabled is set by the next scan that succeeds
	DisabledUntil   time.Time // while in the future the mirror is out; zero: not limited

	OperatorName string
	OperatorURL  string
	Admin        string // private
	AdminEmail   string // private
	PublicNotes  string
	Comment      string // private

	Rules ScanRules
	Sync  Sync

	Scan  ScanState
	Probe ProbeState

	Created time.Time
}

// ScanState is what the last scans of a mirror left behind.
type ScanState struct {
	Succeeded    time.Time // last accepted full scan; zero: never
	Attempted    time.Time // last full scan that ended, in whichever way; zero: never
	FailingSince time.Time // first of the failures since Succeeded; zero: the last one succeeded
	Failures     int       // how many failed since Succeeded
	Error        string    // why the last one failed; "" if it succeeded
	Protocol     string    // rsync, ftp, http or s3: what the last accepted scan used
	Held         uint64    // files held after the last accepted scan
	FilesPerSec  float64   // speed of the last accepted scan
}

// ScanRules say how a mirror is scanned. The zero value asks for nothing special.
type ScanRules struct {
	// Exclude are globs of paths in the tree that are not looked at, as of the
	// index's exclude. The mirror is credited with nothing they match.
	Exclude []string
	// Top are the names of the folders at the top of the base URLs that are
	// looked at; empty: all. The mirror is credited with nothing outside them.
	Top          []string
	Interval     time.Duration // between full scans; 0: the scanner's own
	NoRangeCheck bool          // files beyond 2 and 4 GiB are believed without a range request
	Source       string        // local IP address to connect from; "": the system's choice
	Proxy        string        // URL of a proxy, "none", or "" for the environment's
	Quiet        []Window      // when the mirror is neither scanned nor probed
}

// Sync says how a mirror is told to fetch what is new. The zero value: not at all.
type Sync struct {
	Push string // ssh://, http:// or https:// URL, or exec:COMMAND; "": the mirror is not pushed
	Tier int    // lower ones are pushed first and waited for
}

// ProbeState is the mirror's health as the last probe saw it.
type ProbeState struct {
	Down  bool      // true takes the mirror out
	Since time.Time // since when Down has its value; zero: never probed
	Error string    // why it is down
	Ways  Ways      // each way's own state; a way that is down takes no clients
}

// Quota limits the traffic sent to a mirror. The zero value sets no limit.
type Quota struct {
	Bytes  int64         // bytes per Period; 0: no limit
	Period time.Duration // 24h (day) or 30*24h (month)
	Spent  bool          // set while the current period's bytes are used up
}

// State is the one word that says whether a mirror takes requests.
type State string

// The states, in the order in which they are tried: the first that applies is
// the mirror's state.
const (
	StateDisabled     State = "disabled"
	StateDown         State = "down"
	StateNeverScanned State = "never scanned"
	StateScanTooOld   State = "scan too old"
	StateQuotaSpent   State = "quota spent"
	StateResting      State = "resting"
	StateUp           State = "up"
)

// State gives the mirror's state at now and the reason for it in a short
// phrase ("" when there is nothing to say of a mirror that is up). Scans older
// than maxScanAge take a mirror out; maxScanAge 0 sets no limit. A mirror that is
// down in all ways that it has is down; of one that is up the reason names those
// that are down.
func (m *Mirror) State(now time.Time, maxScanAge time.Duration) (State, string) {
	const day = "2006-01-02 15:04"
	waysDown, down := m.WaysDown()
	switch {
	case !m.Enabled && m.EnableAfterScan:
		return StateDisabled, "enabled once a scan succeeds"
	case !m.Enabled:
		return StateDisabled, "switched off"
	case m.DisabledUntil.After(now):
		return StateDisabled, "until " + m.DisabledUntil.UTC().Format(day)
	case m.Probe.Down:
		return StateDown, fmt.Sprintf("since %s: %s", m.Probe.Since.UTC().Format(day), m.Probe.Error)
	case down:
		return StateDown, m.waysReason(waysDown)
	case m.Scan.Succeeded.IsZero():
		if m.Scan.Error != "" {
			return StateNeverScanned, "last attempt: " + m.Scan.Error
		}
		return StateNeverScanned, ""
	case maxScanAge > 0 && now.Sub(m.Scan.Succeeded) > maxScanAge:
		return StateScanTooOld, "last good scan " + m.Scan.Succeeded.UTC().Format(day)
	case m.Quota.Spent:
		return StateQuotaSpent, fmt.Sprintf("%s, until %s", m.Quota, m.Quota.Renews(now).Format(time.DateOnly))
	case m.Resting(now):
		return StateResting, "wants no traffic at this time"
	}
	if m.Scan.Held == 0 {
		return StateUp, "but holds none of the origin's files"
	}
	if len(waysDown) > 0 {
		return StateUp, "but not by " + m.waysReason(waysDown)
	}
	return StateUp, ""
}

// DefaultMaxScanAge is how old a mirror's last accepted scan may be before the
// mirror is taken out.
const DefaultMaxScanAge = 14 * 24 * time.Hour

// ValidName reports whether s can name a mirror: 1 to 64 letters, digits,
// dots, underscores and hyphens, not starting with a hyphen or dot.
func ValidName(s string) error {
	if s == "" || len(s) > 64 {
		return fmt.Errorf("mirror name %q: must have 1 to 64 characters", s)
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		case (c == '.' || c == '-') && i > 0:
		default:
			return fmt.Errorf("mirror name %q: only letters, digits, '.', '_' and '-' are allowed, and not '.' or '-' first", s)
		}
	}
	return nil
}

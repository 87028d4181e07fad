package redirector

import "fmt"

// Reason says why a mirror cannot serve a query. The zero value means that
// nothing speaks against it.
type Reason uint8

// The reasons, in the order in which they are looked at: the first that
// applies is given.
const (
	ReasonNone            Reason = iota
	ReasonDisabled               // switched off, for good or until some time
	ReasonDown                   // the last probe found it down
	ReasonNeverScanned           // no scan has succeeded yet
	ReasonQuotaSpent             // this period's traffic is used up
	ReasonScore                  // score 0
	ReasonScanTooOld             // the last accepted scan is too old
	ReasonPrefixOnly             // only for clients in its prefixes
	ReasonASOnly                 // only for clients of its AS
	ReasonCountryOnly            // only for clients of its countries
	ReasonRegionOnly             // only for clients of its continent
	ReasonExcludedCountry        // not for clients of this country
	ReasonReserved               // for an AS or prefix, and the client is a simulated one
	ReasonScheme                 // no base URL the client can be sent to
	ReasonFamily                 // not reachable over the client's IP version
	ReasonMaxSize                // the file is larger than the mirror's limit
	ReasonSubtree                // the file is outside the mirror's part of the tree
	ReasonResting                // wants no traffic at this time
	ReasonWayDown                // its web server is down for the client's scheme and IP version
	ReasonFull                   // has its largest share, or its quota, for now
	ReasonAvoidedEdge            // not for clients of this country, by the operator's rules
	ReasonAvoided                // the client asked to avoid it
	ReasonAvoidedCountry         // the client asked to avoid its country
	ReasonNotHeld                // does not have this version of the file
	ReasonTried                  // the client was just sent there and came back, and there are others
	reasons
)

var reasonTexts = [reasons]string{
	ReasonNone:            "nothing speaks against it",
	ReasonDisabled:        "disabled",
	ReasonDown:            "down",
	ReasonNeverScanned:    "never scanned",
	ReasonQuotaSpent:      "quota spent",
	ReasonScore:           "score 0",
	ReasonScanTooOld:      "scan too old",
	ReasonPrefixOnly:      "only for clients in its prefixes",
	ReasonASOnly:          "only for clients of its AS",
	ReasonCountryOnly:     "only for clients of its country",
	ReasonRegionOnly:      "only for clients of its continent",
	ReasonExcludedCountry: "not for clients of this country",
	ReasonReserved:        "reserved for an AS or prefix",
	ReasonScheme:          "no base URL of a suitable scheme",
	ReasonFamily:          "not reachable over the client's IP version",
	ReasonMaxSize:         "file larger than its limit",
	ReasonSubtree:         "file outside its part of the tree",
	ReasonResting:         "wants no traffic at this time",
	ReasonWayDown:         "down for the client's scheme and IP version",
	ReasonFull:            "has its largest share for now",
	ReasonAvoidedEdge:     "kept from clients of this country by the operator",
	ReasonAvoided:         "avoided by the client",
	ReasonAvoidedCountry:  "in a country avoided by the client",
	ReasonNotHeld:         "does not have this version of the file",
	ReasonTried:           "was tried just before",
}

// String gives the reason in a few words.
func (r Reason) String() string {
	if r < reasons {
		return reasonTexts[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Public reports whether everybody may be told of the reason: it says nothing
// about what the operator or the mirror has arranged.
func (r Reason) Public() bool {
	switch r {
	case ReasonDisabled, ReasonNeverScanned, ReasonQuotaSpent, ReasonScore, ReasonPrefixOnly, ReasonASOnly, ReasonReserved, ReasonFull:
		return false
	default:
		return true
	}
}

// Rejection names a mirror that cannot serve a query.
type Rejection struct {
	Mirror int // index into the mirrors given to Compile
	Reason Reason
}

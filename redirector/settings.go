package redirector

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Settings is what a site's configuration says about the choice of mirrors. Its
// JSON is part of the Caddy handler's, and of what nodes tell the database, so
// that tools choose as the nodes do. The zero value asks for the defaults.
type Settings struct {
	// How mirrors are ordered: `tiers` goes by network, country and continent,
	// and by distance within these; `distance` goes by network and distance, and
	// ignores borders. Default: `tiers`.
	Policy string `json:"policy,omitempty"`

	// Mirrors whose distance from the client is at most this many times the
	// nearest one's share the requests. Default: 1.5.
	DistanceFactor float64 `json:"distance_factor,omitempty"`

	// So do those at most this many kilometres farther than the nearest one.
	// Default: 250.
	DistanceSlackKm *float64 `json:"distance_slack_km,omitempty"`

	// A country or continent with fewer mirrors that could serve a request is
	// joined by the next tier. Default: 0, which is never.
	Spill int `json:"spill,omitempty"`

	// Sends the same file to the same few mirrors, so that it stays in their
	// memory. Default: none, every request is drawn.
	Affinity *AffinitySettings `json:"affinity,omitempty"`

	// For how long a client stays with the same mirror, as long as that one has
	// what it asks for. Default: 0, every request is drawn.
	Sticky Duration `json:"sticky,omitempty"`

	// What follows the scores: `requests`, or `bytes`, where mirrors that got
	// large files get fewer of the next ones. Default: `requests`.
	ShareBy string `json:"share_by,omitempty"`

	// A client that asks for the same file again within this time gets another
	// mirror. -1: it does not. Default: 15s.
	Retry Duration `json:"retry,omitempty"`

	// This server itself as one of the mirrors. Default: it serves only what no
	// mirror does.
	OriginMirror *OriginMirror `json:"origin_mirror,omitempty"`

	// How many mirrors the Link fields of an answer name, the chosen one
	// included; 0 names none. Default: 5.
	Duplicates *int `json:"duplicates,omitempty"`
}

// AffinitySettings says how files stay with mirrors.
type AffinitySettings struct {
	// Among how many mirrors the requests for one file are shared. Default: 2.
	Copies int `json:"copies,omitempty"`

	// Smaller files are drawn for each request, in bytes. Default: 0.
	MinSize int64 `json:"min_size,omitempty"`

	// Files smaller than this go by their folder: all such files of a folder stay
	// together, in bytes. Default: 0, each file goes by itself.
	FolderBelow int64 `json:"folder_below,omitempty"`
}

// OriginMirror makes this server one of the mirrors.
type OriginMirror struct {
	// Its share of the load, as a mirror's.
	Score int `json:"score,omitempty"`

	// Two-letter codes of where it is. Default: unknown; the continent follows
	// from the country.
	Country   string `json:"country,omitempty"`
	Continent string `json:"continent,omitempty"`

	// Its latitude and longitude in degrees. Default: unknown.
	Lat *float64 `json:"lat,omitempty"`
	Lng *float64 `json:"lng,omitempty"`

	// The autonomous systems it is in. Default: none.
	ASNs []uint32 `json:"asns,omitempty"`
}

// The values of [Settings]' fields.
const (
	PolicyTiers     = "tiers"
	PolicyDistance  = "distance"
	ShareByRequests = "requests"
	ShareByBytes    = "bytes"

	DefaultRetry  = Duration(15 * time.Second)
	DefaultCopies = 2
)

// SetDefaults fills in what is not set, so that the JSON shows what is in
// effect.
func (s *Settings) SetDefaults() {
	p := DefaultPolicy()
	if s.Policy == "" {
		s.Policy = PolicyTiers
	}
	if s.DistanceFactor == 0 {
		s.DistanceFactor = p.DistanceFactor
	}
	if s.DistanceSlackKm == nil {
		s.DistanceSlackKm = &p.DistanceSlackKm
	}
	if s.ShareBy == "" {
		s.ShareBy = ShareByRequests
	}
	if s.Retry == 0 {
		s.Retry = DefaultRetry
	}
	if s.Duplicates == nil {
		s.Duplicates = &p.Duplicates
	}
	if s.Affinity != nil && s.Affinity.Copies == 0 {
		s.Affinity.Copies = DefaultCopies
	}
}

// Bounds of settings.
const (
	MaxDuplicates = 100 // keeps an answer's header within what clients accept
	MaxCopies     = 64
	MaxSpill      = 1000
)

// Validate checks settings whose defaults have been filled in. Errors name the
// setting as the Caddyfile does.
func (s *Settings) Validate() error {
	switch {
	case s.Policy != PolicyTiers && s.Policy != PolicyDistance:
		return fmt.Errorf("policy: %q is none of tiers, distance", s.Policy)
	case s.ShareBy != ShareByRequests && s.ShareBy != ShareByBytes:
		return fmt.Errorf("share_by: %q is none of requests, bytes", s.ShareBy)
	case s.DistanceFactor < 1:
		return fmt.Errorf("distance_factor: must be at least 1, not %v", s.DistanceFactor)
	case *s.DistanceSlackKm < 0:
		return fmt.Errorf("distance_slack_km: must not be negative, not %v", *s.DistanceSlackKm)
	case *s.Duplicates < 0 || *s.Duplicates > MaxDuplicates:
		return fmt.Errorf("duplicates: must be between 0 and %d, not %d", MaxDuplicates, *s.Duplicates)
	case s.Spill < 0 || s.Spill > MaxSpill:
		return fmt.Errorf("spill: must be between 0 and %d, not %d", MaxSpill, s.Spill)
	case s.Sticky < 0:
		return fmt.Errorf("sticky: must not be negative")
	}
	if a := s.Affinity; a != nil {
		switch {
		case a.Copies < 1 || a.Copies > MaxCopies:
			return fmt.Errorf("affinity: copies must be between 1 and %d, not %d", MaxCopies, a.Copies)
		case a.MinSize < 0 || a.FolderBelow < 0:
			return fmt.Errorf("affinity: min_size and folder_below must not be negative")
		}
	}
	if o := s.OriginMirror; o != nil && o.Score < 1 {
		return fmt.Errorf("origin_mirror: the score must be at least 1, not %d", o.Score)
	}
	return nil
}

// Compile gives the policy that s describes. key makes what is chosen by hash
// unpredictable; all nodes need the same. MaxScanAge and Edges are not among the
// settings of a site.
func (s *Settings) Compile(key [16]byte) Policy {
	p := DefaultPolicy()
	p.Key = key
	if s.Policy == PolicyDistance {
		p.Order = OrderDistance
	}
	if s.DistanceFactor != 0 {
		p.DistanceFactor = s.DistanceFactor
	}
	if s.DistanceSlackKm != nil {
		p.DistanceSlackKm = *s.DistanceSlackKm
	}
	if s.Duplicates != nil {
		p.Duplicates = *s.Duplicates
	}
	p.Spill, p.Sticky = s.Spill, time.Duration(s.Sticky)
	if a := s.Affinity; a != nil {
		p.Affinity = Affinity{Copies: min(max(a.Copies, 1), MaxCopies), MinSize: a.MinSize, FolderBelow: a.FolderBelow}
	}
	return p
}

// Duration is a time.Duration whose JSON is nanoseconds, and that is also read
// from a text such as "90s", "2h30m" or "14d".
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if len(b) > 0 && b[0] != '"' {
		n, err := strconv.ParseInt(string(b), 10, 64)
		*d = Duration(n)
		return err
	}
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	v, err := ParseDuration(text)
	*d = v
	return err
}

// ParseDuration reads a duration of Go, or a number of days such as "14d".
func ParseDuration(s string) (Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err == nil && n >= 0 && n <= 36500 {
			return Duration(n * float64(24*time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s or 14d", s)
	}
	return Duration(d), nil
}

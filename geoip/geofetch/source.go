// Package geofetch gets mmdb databases from their publishers and puts them in the
// place of the old ones, at once and only when they are good.
package geofetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Source is where a database comes from.
type Source struct {
	name    string   // as it was given
	urls    []string // tried in order, as long as there is nothing (404)
	digests bool     // .sha256 is to be had for the same URL

	// Account and License are MaxMind's; they go with requests to it alone.
	Account, License string
}

// The publishers' addresses.
const (
	dbipBase    = "https://download.db-ip.com/free/"
	maxmindBase = "https://download.maxmind.com/geoip/databases/"
)

// Editions of the publishers' free databases, by what they are asked for as.
var (
	dbipEditions    = map[string]string{"city": "dbip-city-lite", "country": "dbip-country-lite", "asn": "dbip-asn-lite"}
	maxmindEditions = map[string]string{"city": "GeoLite2-City", "country": "GeoLite2-Country", "asn": "GeoLite2-ASN"}
)

var maxmindEdition = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// ParseSource reads where a database comes from: dbip or maxmind, for the free
// database of an edition (city, country or asn); maxmind:EDITION, for another one
// of theirs; or a URL, https except on this host. now decides the month of
// DB-IP's.
func ParseSource(text, edition string, now time.Time) (Source, error) {
	return parseSource(text, edition, now, dbipBase, maxmindBase)
}

func parseSource(text, edition string, now time.Time, dbip, maxmind string) (Source, error) {
	s := Source{name: text}
	switch {
	case text == "dbip":
		name, ok := dbipEditions[edition]
		if !ok {
			return s, fmt.Errorf("DB-IP has no edition %q: city, country and asn are free", edition)
		}
		month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		for _, m := range []time.Time{month, month.AddDate(0, -1, 0)} {
			s.urls = append(s.urls, dbip+name+"-"+m.Format("2006-01")+".mmdb.gz")
		}
	case text == "maxmind" || strings.HasPrefix(text, "maxmind:"):
		name := maxmindEditions[edition]
		if own, ok := strings.CutPrefix(text, "maxmind:"); ok {
			name = own
		}
		if !maxmindEdition.MatchString(name) {
			return s, fmt.Errorf("%q is no edition of MaxMind's", name)
		}
		s.urls, s.digests = []string{maxmind + name + "/download?suffix=tar.gz"}, true
	default:
		if err := checkURL(text); err != nil {
			return s, err
		}
		s.name, s.urls = withoutSecrets(text), []string{text}
	}
	return s, nil
}

// String gives the source without secrets.
func (s Source) String() string { return s.name }

// NeedsLicense reports whether the source wants an account and a license key.
func (s Source) NeedsLicense() bool { return s.digests }

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is not one of dbip, maxmind, or the URL of a file by https", withoutSecrets(text))
	case u.Scheme == "http" && !isHere(u.Hostname()):
		return fmt.Errorf("%s: only https can be trusted with what decides where clients are sent", withoutSecrets(text))
	}
	return nil
}

func isHere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// withoutSecrets gives a URL without user, password and query, any of which may
// be a key.
func withoutSecrets(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a URL that cannot be read"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

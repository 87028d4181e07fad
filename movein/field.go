package movein

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// field is one of the settings that are taken over, and compared one by one.
type field struct {
	name   string
	secret bool // may hold a password: remembered as a digest
	at     func(m *mirror.Mirror) any
	copy   func(to, from *mirror.Mirror)
}

// coordinates are one setting: both or none.
type coordinates struct {
	Known    bool
	Lat, Lng float64
}

// fields are named as in `mbctl edit`.
var fields = []field{
	{"http", false, func(m *mirror.Mirror) any { return nonNil(m.HTTP) }, func(to, m *mirror.Mirror) { to.HTTP = m.HTTP }},
	{"rsync", true, func(m *mirror.Mirror) any { return m.Rsync }, func(to, m *mirror.Mirror) { to.Rsync = m.Rsync }},
	{"ftp", true, func(m *mirror.Mirror) any { return m.FTP }, func(to, m *mirror.Mirror) { to.FTP = m.FTP }},
	{"continent", false, func(m *mirror.Mirror) any { return m.Continent }, func(to, m *mirror.Mirror) { to.Continent = m.Continent }},
	{"country", false, func(m *mirror.Mirror) any { return m.Country }, func(to, m *mirror.Mirror) { to.Country = m.Country }},
	{
		"lat, lng", false, func(m *mirror.Mirror) any { return coordinates{m.HasCoords, m.Lat, m.Lng} },
		func(to, m *mirror.Mirror) { to.HasCoords, to.Lat, to.Lng = m.HasCoords, m.Lat, m.Lng },
	},
	{"asn", false, func(m *mirror.Mirror) any { return nonNil(m.ASNs) }, func(to, m *mirror.Mirror) { to.ASNs = m.ASNs }},
	{"prefix", false, func(m *mirror.Mirror) any { return nonNil(m.Prefixes) }, func(to, m *mirror.Mirror) { to.Prefixes = m.Prefixes }},
	{"families", false, func(m *mirror.Mirror) any { return m.Families.String() }, func(to, m *mirror.Mirror) { to.Families = m.Families }},
	{"score", false, func(m *mirror.Mirror) any { return m.Score }, func(to, m *mirror.Mirror) { to.Score = m.Score }},
	{"region_only", false, func(m *mirror.Mirror) any { return m.RegionOnly }, func(to, m *mirror.Mirror) { to.RegionOnly = m.RegionOnly }},
	{"country_only", false, func(m *mirror.Mirror) any { return m.CountryOnly }, func(to, m *mirror.Mirror) { to.CountryOnly = m.CountryOnly }},
	{"as_only", false, func(m *mirror.Mirror) any { return m.ASOnly }, func(to, m *mirror.Mirror) { to.ASOnly = m.ASOnly }},
	{"prefix_only", false, func(m *mirror.Mirror) any { return m.PrefixOnly }, func(to, m *mirror.Mirror) { to.PrefixOnly = m.PrefixOnly }},
	{
		"other_countries", false, func(m *mirror.Mirror) any { return nonNil(m.OtherCountries) },
		func(to, m *mirror.Mirror) { to.OtherCountries = m.OtherCountries },
	},
	{
		"exclude_countries", false, func(m *mirror.Mirror) any { return nonNil(m.ExcludeCountries) },
		func(to, m *mirror.Mirror) { to.ExcludeCountries = m.ExcludeCountries },
	},
	{"max_size", false, func(m *mirror.Mirror) any { return m.MaxSize }, func(to, m *mirror.Mirror) { to.MaxSize = m.MaxSize }},
	{"redirects", false, func(m *mirror.Mirror) any { return redirects(m) }, func(to, m *mirror.Mirror) { to.Redirects = m.Redirects }},
	{"operator_name", false, func(m *mirror.Mirror) any { return m.OperatorName }, func(to, m *mirror.Mirror) { to.OperatorName = m.OperatorName }},
	{"operator_url", false, func(m *mirror.Mirror) any { return m.OperatorURL }, func(to, m *mirror.Mirror) { to.OperatorURL = m.OperatorURL }},
	{"admin", false, func(m *mirror.Mirror) any { return m.Admin }, func(to, m *mirror.Mirror) { to.Admin = m.Admin }},
	{"admin_email", false, func(m *mirror.Mirror) any { return m.AdminEmail }, func(to, m *mirror.Mirror) { to.AdminEmail = m.AdminEmail }},
	{"public_notes", false, func(m *mirror.Mirror) any { return m.PublicNotes }, func(to, m *mirror.Mirror) { to.PublicNotes = m.PublicNotes }},
	{"comment", false, func(m *mirror.Mirror) any { return m.Comment }, func(to, m *mirror.Mirror) { to.Comment = m.Comment }},
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func redirects(m *mirror.Mirror) mirror.Redirects {
	if m.Redirects == "" {
		return mirror.RedirectsSameHost
	}
	return m.Redirects
}

// value is a setting as it is compared and remembered.
func (f *field) value(m *mirror.Mirror) string {
	raw, err := json.Marshal(f.at(m))
	if err != nil {
		return "" // numbers and text; coordinates are checked to be finite
	}
	if f.secret && len(raw) > len(`""`) {
		sum := sha256.Sum256(raw)
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return string(raw)
}

// show gives a setting for people, without passwords.
func (f *field) show(m *mirror.Mirror) string {
	switch v := f.at(m).(type) {
	case string:
		if f.secret {
			v = mirror.Redact(v)
		}
		return quote(v)
	case []string:
		return quote(strings.Join(v, ", "))
	case mirror.Redirects:
		return string(v)
	case coordinates:
		if !v.Known {
			return "unknown"
		}
		return number(v.Lat) + ", " + number(v.Lng)
	case []uint32:
		if len(v) == 0 {
			return "none"
		}
	default:
	}
	return strings.Trim(f.value(m), "[]")
}

func number(f float64) string {
	raw, err := json.Marshal(f)
	if err != nil {
		return "?"
	}
	return string(raw)
}

// quote shortens long text, of which comments consist.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return "?"
	}
	return string(raw)
}

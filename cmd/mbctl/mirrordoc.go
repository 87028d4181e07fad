package main

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// settings is a mirror as operators write and read it: the text that `edit`
// opens, and the settings in JSON output. Only what an operator decides is
// here; what scans and probes found is in state.
type settings struct {
	HTTP              []string `toml:"http" json:"http" comment:"base URLs, one http and one https at most"`
	Rsync             string   `toml:"rsync" json:"rsync"`
	RsyncPasswordFile string   `toml:"rsync_password_file" json:"rsync_password_file" comment:"file on the scanning host whose first line is the password"`
	FTP               string   `toml:"ftp" json:"ftp"`
	S3                string   `toml:"s3" json:"s3" comment:"bucket with what http serves, for scans"`
	S3CredentialsFile string   `toml:"s3_credentials_file" json:"s3_credentials_file" comment:"file on the scanning host with the bucket's keys"`
	Subtree           string   `toml:"subtree" json:"subtree" comment:"folder of the tree that the base URLs stand for; empty: all"`
	Rename            []string `toml:"rename" json:"rename" comment:"FOLDER-OF-THE-TREE=FOLDER-ON-THE-MIRROR, where they differ"`

	Continent string   `toml:"continent" json:"continent" comment:"af an as eu na oc sa"`
	Country   string   `toml:"country" json:"country" comment:"two letters, ISO 3166-1"`
	Latitude  *float64 `toml:"lat,omitempty" json:"lat"`
	Longitude *float64 `toml:"lng,omitempty" json:"lng"`
	ASN       []uint32 `toml:"asn" json:"asn"`
	Prefix    []string `toml:"prefix" json:"prefix" comment:"networks in CIDR form whose clients are sent here first"`
	IPv4      *bool    `toml:"ipv4,omitempty" json:"ipv4"`
	IPv6      *bool    `toml:"ipv6,omitempty" json:"ipv6"`

	Score            int      `toml:"score" json:"score" comment:"share of the load, 100 is usual, 0: never chosen"`
	RegionOnly       bool     `toml:"region_only" json:"region_only"`
	CountryOnly      bool     `toml:"country_only" json:"country_only"`
	ASOnly           bool     `toml:"as_only" json:"as_only"`
	PrefixOnly       bool     `toml:"prefix_only" json:"prefix_only"`
	OtherCountries   []string `toml:"other_countries" json:"other_countries" comment:"countries also served when they have no mirror of their own"`
	ExcludeCountries []string `toml:"exclude_countries" json:"exclude_countries" comment:"countries never sent here"`
	MaxSize          string   `toml:"max_size" json:"max_size" comment:"largest file, for example 4GiB; empty: no limit"`
	MaxShare         string   `toml:"max_share" json:"max_share" comment:"largest share of all redirects, for example 20%; empty: no limit"`
	Quota            string   `toml:"quota" json:"quota" comment:"for example 25TiB/month or 500GiB/day; empty: none"`
	LastResort       bool     `toml:"last_resort" json:"last_resort" comment:"only where no other mirror will do"`
	NoTraffic        []string `toml:"no_traffic" json:"no_traffic" comment:"when nobody is sent here, for example: mon-fri 08:00-18:00 Europe/Berlin"`
	Redirects        string   `toml:"redirects" json:"redirects" comment:"how far the mirror's own redirects may lead: same-host, public, any"`

	ScanInterval string   `toml:"scan_interval" json:"scan_interval" comment:"between scans, for example 2h; empty: as for all"`
	ScanExclude  []string `toml:"scan_exclude" json:"scan_exclude" comment:"globs of paths in the tree that are not looked at, nor credited"`
	ScanTop      []string `toml:"scan_top" json:"scan_top" comment:"only these top folders are looked at"`
	NoRangeCheck bool     `toml:"no_range_check" json:"no_range_check" comment:"believe files beyond 2 and 4 GiB without a range request"`
	Source       string   `toml:"source_address" json:"source_address" comment:"local address to connect from"`
	Proxy        string   `toml:"proxy" json:"proxy" comment:"http://, https:// or socks5:// URL, none, or empty for the environment's"`
	Quiet        []string `toml:"quiet" json:"quiet" comment:"when it is neither scanned nor probed, for example: sat,sun 02:00-06:00 Europe/Berlin"`
	Push         string   `toml:"push" json:"push" comment:"ssh://, http:// or https:// URL, or exec:COMMAND, that makes it synchronise"`
	PushTier     int      `toml:"push_tier" json:"push_tier" comment:"lower ones are pushed first"`

	OperatorName string `toml:"operator_name" json:"operator_name"`
	OperatorURL  string `toml:"operator_url" json:"operator_url"`
	Admin        string `toml:"admin" json:"admin" comment:"private"`
	AdminEmail   string `toml:"admin_email" json:"admin_email" comment:"private"`
	PublicNotes  string `toml:"public_notes" json:"public_notes"`
	Comment      string `toml:"comment,multiline" json:"comment" comment:"private"`
}

// settingsOf turns a mirror into what operators read.
func settingsOf(m *mirror.Mirror) settings {
	s := settings{
		HTTP: nonNil(m.HTTP), Rsync: m.Rsync, RsyncPasswordFile: m.RsyncPasswordFile, FTP: m.FTP, Subtree: m.Subtree,
		Continent: m.Continent, Country: m.Country, ASN: nonNil(m.ASNs), Prefix: []string{},
		Score: m.Score, RegionOnly: m.RegionOnly, CountryOnly: m.CountryOnly, ASOnly: m.ASOnly, PrefixOnly: m.PrefixOnly,
		OtherCountries: nonNil(m.OtherCountries), ExcludeCountries: nonNil(m.ExcludeCountries),
		LastResort: m.LastResort, NoTraffic: windowTexts(m.NoTraffic),
		Redirects:    string(m.Redirects),
		OperatorName: m.OperatorName, OperatorURL: m.OperatorURL, Admin: m.Admin, AdminEmail: m.AdminEmail,
		PublicNotes: m.PublicNotes, Comment: m.Comment,
	}
	s.takeScanRules(m)
	if m.HasCoords {
		s.Latitude, s.Longitude = &m.Lat, &m.Lng
	}
	for _, p := range m.Prefixes {
		s.Prefix = append(s.Prefix, p.String())
	}
	if m.Families != 0 {
		v4, v6 := m.Families&mirror.IPv4 != 0, m.Families&mirror.IPv6 != 0
		s.IPv4, s.IPv6 = &v4, &v6
	}
	if m.MaxSize > 0 {
		s.MaxSize = formatSize(m.MaxSize)
	}
	if m.MaxShare > 0 {
		s.MaxShare = formatShare(m.MaxShare)
	}
	if m.Quota.Bytes > 0 {
		s.Quota = m.Quota.String()
	}
	if s.Redirects == "" {
		s.Redirects = string(mirror.RedirectsSameHost)
	}
	return s
}

// apply checks s and puts it into m; m is unchanged when there is an error.
func (s *settings) apply(m *mirror.Mirror) error {
	n := *m
	var err error
	if n.HTTP, err = parseHTTP(s.HTTP); err != nil {
		return err
	}
	if n.Rsync, err = optionalURL(s.Rsync, "rsync", "rsyncs"); err != nil {
		return err
	}
	if n.FTP, err = optionalURL(s.FTP, "ftp", "ftps"); err != nil {
		return err
	}
	n.RsyncPasswordFile = s.RsyncPasswordFile
	if n.Subtree, err = mirror.CleanSubtree(s.Subtree); err != nil {
		return fmt.Errorf("subtree: %w", err)
	}
	if err := s.applyPlace(&n); err != nil {
		return err
	}
	if err := s.applyRules(&n); err != nil {
		return err
	}
	if err := s.applyScanRules(&n); err != nil {
		return err
	}
	n.OperatorName, n.Admin, n.AdminEmail = s.OperatorName, s.Admin, s.AdminEmail
	n.PublicNotes, n.Comment = s.PublicNotes, s.Comment
	if n.OperatorURL = s.OperatorURL; s.OperatorURL != "" {
		if _, err := mirror.BaseURL(s.OperatorURL, "http", "https"); err != nil {
			return fmt.Errorf("operator URL: %w", err)
		}
	}
	*m = n
	return nil
}

func (s *settings) applyPlace(n *mirror.Mirror) error {
	n.Place = mirror.Place{Continent: strings.ToLower(s.Continent), Country: strings.ToLower(s.Country)}
	if err := checkContinent(n.Continent); err != nil {
		return err
	}
	if n.Country != "" {
		if err := checkCountries([]string{n.Country}); err != nil {
			return err
		}
	}
	if (s.Latitude == nil) != (s.Longitude == nil) {
		return fmt.Errorf("coordinates: latitude and longitude are needed together")
	}
	if s.Latitude != nil {
		n.Lat, n.Lng, n.HasCoords = *s.Latitude, *s.Longitude, true
		if !(math.Abs(n.Lat) <= 90 && math.Abs(n.Lng) <= 180) {
			return fmt.Errorf("coordinates %v, %v: latitude is from -90 to 90, longitude from -180 to 180", n.Lat, n.Lng)
		}
	}
	n.ASNs = s.ASN
	n.Prefixes = nil
	for _, p := range s.Prefix {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("prefix %q: write a network as 192.0.2.0/24 or 2001:db8::/32", p)
		}
		n.Prefixes = append(n.Prefixes, prefix.Masked())
	}
	n.Families = 0
	if s.IPv4 != nil && *s.IPv4 {
		n.Families |= mirror.IPv4
	}
	if s.IPv6 != nil && *s.IPv6 {
		n.Families |= mirror.IPv6
	}
	return nil
}

func (s *settings) applyRules(n *mirror.Mirror) error {
	if s.Score < 0 || s.Score > maxScore {
		return fmt.Errorf("score %d: must be from 0 to %d", s.Score, maxScore)
	}
	n.Score = s.Score
	n.RegionOnly, n.CountryOnly, n.ASOnly, n.PrefixOnly = s.RegionOnly, s.CountryOnly, s.ASOnly, s.PrefixOnly
	n.OtherCountries, n.ExcludeCountries = lower(s.OtherCountries), lower(s.ExcludeCountries)
	for _, list := range [][]string{n.OtherCountries, n.ExcludeCountries} {
		if err := checkCountries(list); err != nil {
			return err
		}
	}
	var err error
	if n.MaxSize, err = parseSize(s.MaxSize); err != nil {
		return fmt.Errorf("max size: %w", err)
	}
	if n.MaxShare, err = parseShare(s.MaxShare); err != nil {
		return err
	}
	spent := n.Quota.Spent
	if n.Quota, err = parseQuota(s.Quota); err != nil {
		return err
	}
	n.Quota.Spent = spent && n.Quota.Bytes > 0
	n.LastResort = s.LastResort
	if n.NoTraffic, err = parseWindows(s.NoTraffic); err != nil {
		return fmt.Errorf("no traffic: %w", err)
	}
	switch r := mirror.Redirects(s.Redirects); r {
	case "", mirror.RedirectsSameHost: // one of the two, else an edit seems to change it
		n.Redirects = ""
	case mirror.RedirectsPublic, mirror.RedirectsAny:
		n.Redirects = r
	default:
		return fmt.Errorf("redirects %q: must be same-host, public or any", s.Redirects)
	}
	return nil
}

func windowTexts(ws []mirror.Window) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.String()
	}
	return out
}

func parseWindows(texts []string) (ws []mirror.Window, err error) {
	for _, text := range texts {
		w, err := mirror.ParseWindow(text)
		if err != nil {
			return nil, err
		}
		ws = append(ws, w)
	}
	return ws, nil
}

// maxScore bounds scores so that sums of thousands stay far from overflow.
const maxScore = 1_000_000

func parseHTTP(urls []string) ([]string, error) {
	var out []string
	seen := map[string]string{}
	for _, raw := range urls {
		u, err := mirror.PublicURL(raw)
		if err != nil {
			return nil, err
		}
		scheme, _, _ := strings.Cut(u, ":")
		if other := seen[scheme]; other != "" {
			return nil, fmt.Errorf("two %s URLs, %s and %s: a mirror has at most one http and one https URL", scheme, mirror.Redact(other), mirror.Redact(u))
		}
		seen[scheme] = u
		out = append(out, u)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("a mirror needs an http or https URL that clients can be sent to (-H)")
	}
	return out, nil
}

func optionalURL(raw string, schemes ...string) (string, error) {
	if raw == "" {
		return "", nil
	}
	return mirror.BaseURL(raw, schemes...)
}

func checkContinent(c string) error {
	switch c {
	case "", "af", "an", "as", "eu", "na", "oc", "sa":
		return nil
	}
	return fmt.Errorf("continent %q: must be one of af an as eu na oc sa", c)
}

func checkCountries(list []string) error {
	for _, c := range list {
		if len(c) != 2 || c[0] < 'a' || c[0] > 'z' || c[1] < 'a' || c[1] > 'z' {
			return fmt.Errorf("country %q: write two letters (ISO 3166-1)", c)
		}
	}
	return nil
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(strings.TrimSpace(s))
	}
	return out
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// parseSize reads "4GiB", "700 MB" or a plain number of bytes; "" is 0.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("size %q: write for example 4GiB", s)
	}
	return int64(n), nil
}

// formatSize prints a size so that parseSize gives the same number back.
func formatSize(n int64) string { return mirror.FormatSize(n) }

// parseShare reads "20%" or "12.5%" as hundredths of a per cent; "" is 0.
func parseShare(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "%"), 64)
	if err != nil || !(f > 0 && f <= 100) {
		return 0, fmt.Errorf("share %q: write for example 20%%", s)
	}
	return int(math.Round(f * 100)), nil
}

func formatShare(n int) string {
	return strconv.FormatFloat(float64(n)/100, 'f', -1, 64) + "%"
}

// parseQuota reads "25TiB/month" or "500GiB/day"; "" is no quota.
func parseQuota(s string) (mirror.Quota, error) {
	if s == "" {
		return mirror.Quota{}, nil
	}
	size, period, _ := strings.Cut(s, "/")
	n, err := parseSize(strings.TrimSpace(size))
	q := mirror.Quota{Bytes: n}
	switch strings.TrimSpace(period) {
	case "day":
		q.Period = mirror.QuotaDay
	case "month":
		q.Period = mirror.QuotaMonth
	}
	if err != nil || n == 0 || q.Period == 0 {
		return mirror.Quota{}, fmt.Errorf("quota %q: write for example 25TiB/month or 500GiB/day", s)
	}
	return q, nil
}

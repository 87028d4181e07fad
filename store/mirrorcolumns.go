package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// mirrorRow carries a mirror between its struct and its columns. An older
// program updates the columns it knows and leaves the others alone.
type mirrorRow struct {
	m mirror.Mirror

	http, asns, prefixes, other, exclude                  string
	renames, scanExclude, scanTop, quiet                  string
	noTraffic, ways                                       string
	lat, lng                                              sql.NullFloat64
	subtree                                               []byte
	disabled, scanOK, scanTried, failing, probed, created int64
	families, held, period, scanInterval                  int64
}

// mirrorColumn is one column and the field of a mirrorRow that it is kept in.
type mirrorColumn struct {
	name string
	at   func(r *mirrorRow) any // pointer
}

var mirrorColumns = []mirrorColumn{
	{"name", func(r *mirrorRow) any { return &r.m.Name }},
	{"http", func(r *mirrorRow) any { return &r.http }},
	{"rsync", func(r *mirrorRow) any { return &r.m.Rsync }},
	{"ftp", func(r *mirrorRow) any { return &r.m.FTP }},
	{"rsync_password_file", func(r *mirrorRow) any { return &r.m.RsyncPasswordFile }},
	{"continent", func(r *mirrorRow) any { return &r.m.Continent }},
	{"country", func(r *mirrorRow) any { return &r.m.Country }},
	{"lat", func(r *mirrorRow) any { return &r.lat }},
	{"lng", func(r *mirrorRow) any { return &r.lng }},
	{"asns", func(r *mirrorRow) any { return &r.asns }},
	{"prefixes", func(r *mirrorRow) any { return &r.prefixes }},
	{"families", func(r *mirrorRow) any { return &r.families }},
	{"redirects", func(r *mirrorRow) any { return &r.m.Redirects }},
	{"region_only", func(r *mirrorRow) any { return &r.m.RegionOnly }},
	{"country_only", func(r *mirrorRow) any { return &r.m.CountryOnly }},
	{"as_only", func(r *mirrorRow) any { return &r.m.ASOnly }},
	{"prefix_only", func(r *mirrorRow) any { return &r.m.PrefixOnly }},
	{"other_countries", func(r *mirrorRow) any { return &r.other }},
	{"exclude_countries", func(r *mirrorRow) any { return &r.exclude }},
	{"max_size", func(r *mirrorRow) any { return &r.m.MaxSize }},
	{"max_share", func(r *mirrorRow) any { return &r.m.MaxShare }},
	{"quota_bytes", func(r *mirrorRow) any { return &r.m.Quota.Bytes }},
	{"quota_period", func(r *mirrorRow) any { return &r.period }},
	{"quota_spent", func(r *mirrorRow) any { return &r.m.Quota.Spent }},
	{"subtree", func(r *mirrorRow) any { return &r.subtree }},
	{"score", func(r *mirrorRow) any { return &r.m.Score }},
	{"enabled", func(r *mirrorRow) any { return &r.m.Enabled }},
	{"enable_after_scan", func(r *mirrorRow) any { return &r.m.EnableAfterScan }},
	{"disabled_until", func(r *mirrorRow) any { return &r.disabled }},
	{"operator_name", func(r *mirrorRow) any { return &r.m.OperatorName }},
	{"operator_url", func(r *mirrorRow) any { return &r.m.OperatorURL }},
	{"admin", func(r *mirrorRow) any { return &r.m.Admin }},
	{"admin_email", func(r *mirrorRow) any { return &r.m.AdminEmail }},
	{"public_notes", func(r *mirrorRow) any { return &r.m.PublicNotes }},
	{"comment", func(r *mirrorRow) any { return &r.m.Comment }},
	{"scan_succeeded", func(r *mirrorRow) any { return &r.scanOK }},
	{"scan_attempted", func(r *mirrorRow) any { return &r.scanTried }},
	{"scan_failing_since", func(r *mirrorRow) any { return &r.failing }},
	{"scan_error", func(r *mirrorRow) any { return &r.m.Scan.Error }},
	{"scan_protocol", func(r *mirrorRow) any { return &r.m.Scan.Protocol }},
	{"scan_held", func(r *mirrorRow) any { return &r.held }},
	{"scan_files_per_sec", func(r *mirrorRow) any { return &r.m.Scan.FilesPerSec }},
	{"probe_down", func(r *mirrorRow) any { return &r.m.Probe.Down }},
	{"probe_since", func(r *mirrorRow) any { return &r.probed }},
	{"probe_error", func(r *mirrorRow) any { return &r.m.Probe.Error }},
	{"created", func(r *mirrorRow) any { return &r.created }},
	{"s3", func(r *mirrorRow) any { return &r.m.S3 }},
	{"s3_credentials_file", func(r *mirrorRow) any { return &r.m.S3CredentialsFile }},
	{"renames", func(r *mirrorRow) any { return &r.renames }},
	{"scan_exclude", func(r *mirrorRow) any { return &r.scanExclude }},
	{"scan_top", func(r *mirrorRow) any { return &r.scanTop }},
	{"scan_interval", func(r *mirrorRow) any { return &r.scanInterval }},
	{"no_range_check", func(r *mirrorRow) any { return &r.m.Rules.NoRangeCheck }},
	{"source", func(r *mirrorRow) any { return &r.m.Rules.Source }},
	{"proxy", func(r *mirrorRow) any { return &r.m.Rules.Proxy }},
	{"quiet", func(r *mirrorRow) any { return &r.quiet }},
	{"push", func(r *mirrorRow) any { return &r.m.Sync.Push }},
	{"push_tier", func(r *mirrorRow) any { return &r.m.Sync.Tier }},
	{"scan_failures", func(r *mirrorRow) any { return &r.m.Scan.Failures }},
	{"last_resort", func(r *mirrorRow) any { return &r.m.LastResort }},
	{"no_traffic", func(r *mirrorRow) any { return &r.noTraffic }},
	{"probe_ways", func(r *mirrorRow) any { return &r.ways }},
}

// mirrorColumnList is "name, http, ..."
var mirrorColumnList = func() string {
	names := make([]string, len(mirrorColumns))
	for i, c := range mirrorColumns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}()

// pointers gives what to Scan mirrorColumnList into.
func (r *mirrorRow) pointers() []any {
	p := make([]any, len(mirrorColumns))
	for i, c := range mirrorColumns {
		p[i] = c.at(r)
	}
	return p
}

// values gives the columns' values, after fill.
func (r *mirrorRow) values() []any {
	v := make([]any, len(mirrorColumns))
	for i, c := range mirrorColumns {
		switch p := c.at(r).(type) {
		case *string:
			v[i] = text(*p)
		case *mirror.Redirects:
			v[i] = text(string(*p))
		case *[]byte:
			v[i] = *p
		case *bool:
			v[i] = *p
		case *int:
			v[i] = int64(*p)
		case *int64:
			v[i] = *p
		case *float64:
			v[i] = *p
		case *sql.NullFloat64:
			if v[i] = any(nil); p.Valid {
				v[i] = p.Float64
			}
		default:
			panic(fmt.Sprintf("column %s: no value of type %T", c.name, p))
		}
	}
	return v
}

// fill makes the columns of a mirror.
func (r *mirrorRow) fill(m *mirror.Mirror) {
	r.m = *m
	r.http, r.asns, r.prefixes = jsonText(m.HTTP), jsonText(m.ASNs), jsonText(m.Prefixes)
	r.other, r.exclude = jsonText(m.OtherCountries), jsonText(m.ExcludeCountries)
	r.renames, r.quiet = jsonText(m.Renames), jsonText(m.Rules.Quiet)
	r.noTraffic, r.ways = jsonText(m.NoTraffic), waysText(m.Probe.Ways)
	r.scanExclude, r.scanTop = jsonText(m.Rules.Exclude), jsonText(m.Rules.Top)
	r.scanInterval = int64(m.Rules.Interval)
	r.lat = sql.NullFloat64{Float64: m.Lat, Valid: m.HasCoords}
	r.lng = sql.NullFloat64{Float64: m.Lng, Valid: m.HasCoords}
	r.subtree = []byte(m.Subtree)
	r.families, r.held, r.period = int64(m.Families), int64(m.Scan.Held), int64(m.Quota.Period)
	r.disabled, r.created = nanos(m.DisabledUntil), nanos(m.Created)
	r.scanOK, r.scanTried, r.failing = nanos(m.Scan.Succeeded), nanos(m.Scan.Attempted), nanos(m.Scan.FailingSince)
	r.probed = nanos(m.Probe.Since)
}

// mirror makes the mirror of the columns.
func (r *mirrorRow) mirror() (mirror.Mirror, error) {
	m := r.m
	type list struct {
		raw string
		to  any
	}
	for _, list := range []list{
		{r.http, &m.HTTP},
		{r.asns, &m.ASNs},
		{r.prefixes, &m.Prefixes},
		{r.other, &m.OtherCountries},
		{r.exclude, &m.ExcludeCountries},
		{r.renames, &m.Renames},
		{r.scanExclude, &m.Rules.Exclude},
		{r.scanTop, &m.Rules.Top},
		{r.quiet, &m.Rules.Quiet},
		{r.noTraffic, &m.NoTraffic},
		{r.ways, &m.Probe.Ways},
	} {
		if list.raw == "[]" {
			continue // nil, as it was
		}
		if err := json.Unmarshal([]byte(list.raw), list.to); err != nil {
			return m, fmt.Errorf("mirror %s: list %q in the database: %w", m.Name, list.raw, err)
		}
	}
	m.HasCoords = r.lat.Valid && r.lng.Valid
	m.Lat, m.Lng = r.lat.Float64, r.lng.Float64
	m.Subtree = string(r.subtree)
	m.Families, m.Scan.Held, m.Quota.Period = mirror.Families(r.families), uint64(r.held), time.Duration(r.period)
	m.Rules.Interval = time.Duration(r.scanInterval)
	m.DisabledUntil, m.Created = instant(r.disabled), instant(r.created)
	m.Scan.Succeeded, m.Scan.Attempted, m.Scan.FailingSince = instant(r.scanOK), instant(r.scanTried), instant(r.failing)
	m.Probe.Since = instant(r.probed)
	return m, nil
}

// changed lists the columns in which two mirrors differ as "score 100 -> 50".
func changed(before, after *mirrorRow) []string {
	var out []string
	a, b := before.values(), after.values()
	for i, c := range mirrorColumns {
		was, is := show(a[i]), show(b[i])
		if was == is {
			continue
		}
		switch c.name {
		case "rsync", "ftp", "http", "s3", "proxy", "push":
			was, is = redactURLs(c.name, before), redactURLs(c.name, after)
		case "disabled_until":
			was, is = showTime(before.disabled), showTime(after.disabled)
		}
		out = append(out, c.name+" "+was+" -> "+is)
	}
	return out
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case []byte:
		return strconv.Quote(string(v))
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}

// showTime gives nanoseconds since 1970 for people.
func showTime(ns int64) string {
	if ns == 0 {
		return "none"
	}
	return instant(ns).UTC().Format(time.RFC3339)
}

func redactURLs(column string, r *mirrorRow) string {
	urls := r.m.HTTP
	switch column {
	case "rsync":
		urls = []string{r.m.Rsync}
	case "ftp":
		urls = []string{r.m.FTP}
	case "s3":
		urls = []string{r.m.S3}
	case "proxy":
		urls = []string{r.m.Rules.Proxy}
	case "push":
		urls = []string{r.m.Sync.Push}
	}
	hidden := make([]string, len(urls))
	for i, u := range urls {
		hidden[i] = strconv.Quote(mirror.Redact(u))
	}
	return strings.Join(hidden, ", ")
}

// jsonText stores a list; the empty one as [].
func waysText(ways mirror.Ways) string {
	if ways == (mirror.Ways{}) {
		return "{}"
	}
	raw, err := json.Marshal(ways)
	if err != nil {
		return "{}"
	}
	return string(raw)
}

func jsonText[T string | uint32 | netip.Prefix | mirror.Rename | mirror.Window](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return "[]" // none of the types can fail
	}
	return string(raw)
}

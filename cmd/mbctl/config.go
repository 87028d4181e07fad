package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

const defaultConfig = "/etc/mirrorbrain/mbctl.toml"

// instance is one table of the configuration file. Flags and the environment
// go before it.
type instance struct {
	Database string `toml:"database"` // URL; "" is the default SQLite file
	Root     string `toml:"root"`     // what `mbctl index` indexes when no origin was given or remembered
	GeoIP    string `toml:"geoip"`    // City or Country mmdb
	GeoIPASN string `toml:"geoip_asn"`

	// Where `mbctl geoip update` gets them: dbip, maxmind, maxmind:EDITION or a URL.
	GeoIPSource        string   `toml:"geoip_source"`
	GeoIPASNSource     string   `toml:"geoip_asn_source"`
	GeoIPEdition       string   `toml:"geoip_edition"` // city or country; default city
	MaxMindAccount     string   `toml:"maxmind_account"`
	MaxMindLicenseFile string   `toml:"maxmind_license_file"`
	GeoIPInterval      duration `toml:"geoip_interval"` // how often the daemon does; default never
	ASNSources         []string `toml:"asn_sources"`    // URLs and files that `mbctl asn update` imports together

	KeepVersions duration `toml:"keep_versions"` // default 30 days
	KeepEvents   duration `toml:"keep_events"`   // what `db vacuum` leaves of the log of changes; default a year
	MaxScanAge   duration `toml:"max_scan_age"`  // default 14 days
	Exclude      []string `toml:"exclude"`       // globs that the index leaves out

	ScanJobs     int      `toml:"scan_jobs"`     // mirrors scanned at once
	ScanInterval duration `toml:"scan_interval"` // what --due means; default 6h
	ScanTimeout  duration `toml:"scan_timeout"`  // silence after which a server is given up
	RsyncProgram string   `toml:"rsync_program"` // list with this program instead of the built-in client
	ScanExclude  []string `toml:"scan_exclude"`  // globs of what is looked at on no mirror
	ScanTop      []string `toml:"scan_top"`      // top folders of the tree that are looked at; default all
	// ScanDigestSize is up to which size doubtful files are fetched and settled by
	// their digest; default 1MiB.
	ScanDigestSize size `toml:"scan_digest_size"`

	PushKeyFile   string `toml:"push_key_file"`   // secret that signs hooks
	PushSSHConfig string `toml:"push_ssh_config"` // read by ssh instead of the user's own

	// How often `mbctl daemon` does it; scan_interval is one of them.
	IndexInterval   duration `toml:"index_interval"`   // default 10m
	HashInterval    duration `toml:"hash_interval"`    // default 1h
	CleanupInterval duration `toml:"cleanup_interval"` // default 1d
	ASNInterval     duration `toml:"asn_interval"`     // default 1d; never without asn_sources

	HashJobs       int      `toml:"hash_jobs"`     // files hashed at once; default one for each CPU
	PieceSize      size     `toml:"piece_size"`    // least length of pieces; default 256KiB
	ZSync          bool     `toml:"zsync"`         // compute block sums for zsync
	HybridTorrents bool     `toml:"bittorrent_v2"` // make torrents hybrids of versions 1 and 2
	HashMask       []string `toml:"hash_mask"`     // globs: hash only these files
	HashIgnore     []string `toml:"hash_ignore"`   // globs: hash these not

	Pages pageTheme `toml:"pages"` // look of what `mbctl mirrorlist` writes into a folder
}

// size is a number of bytes written as "256KiB".
type size int64

func (n *size) UnmarshalText(b []byte) error {
	v, err := parseSize(string(b))
	*n = size(v)
	return err
}

// duration is a time.Duration written as "36h" or "14d".
type duration time.Duration

func (d *duration) UnmarshalText(b []byte) error {
	v, err := parseDuration(string(b))
	*d = duration(v)
	return err
}

// parseDuration reads Go durations and whole days ("14d").
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		h, err := time.ParseDuration(days + "h")
		if err != nil || h < 0 || h > math.MaxInt64/24 {
			return 0, fmt.Errorf("duration %q: write for example 36h or 14d", s)
		}
		return 24 * h, nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("duration %q: write for example 90s, 36h or 14d", s)
	}
	return v, nil
}

// config gives the settings in force, reading the configuration file once.
func (a *app) config() (*instance, error) {
	if a.conf != nil {
		return a.conf, nil
	}
	conf, err := a.readConfig()
	if err != nil {
		return nil, err
	}
	if env := os.Getenv("MIRRORBRAIN_DATABASE"); env != "" {
		conf.Database = env
	}
	if a.flagDatabase != "" {
		conf.Database = a.flagDatabase
	}
	a.conf = conf
	return conf, nil
}

// configFile is the configuration file that is meant.
func (a *app) configFile() string { return cmp.Or(a.flagConfig, defaultConfig) }

func (a *app) readConfig() (*instance, error) {
	path, named := a.configFile(), a.flagConfig != ""
	name := a.flagInstance
	if name == "" {
		name = os.Getenv("MB")
	}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !named && name == "":
		return &instance{}, nil
	case errors.Is(err, os.ErrNotExist) && !named:
		return nil, fmt.Errorf("instance %q was asked for, but there is no %s", name, path)
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return parseConfig(b, path, name)
}

// parseConfig reads a configuration file; name "" is its default instance, or
// the only one.
func parseConfig(b []byte, path, name string) (*instance, error) {
	var head map[string]any
	if err := toml.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, tomlError(err))
	}
	if name == "" {
		name, _ = head["default"].(string)
	}
	delete(head, "default")
	var names []string
	for k := range head {
		names = append(names, k)
	}
	slices.Sort(names)
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	table, ok := head[name].(map[string]any)
	switch {
	case len(names) == 0:
		return &instance{}, nil
	case name == "":
		return nil, fmt.Errorf("%s: has the instances %s: say which with -b, or add a line default = \"...\"", path, strings.Join(names, ", "))
	case !ok:
		return nil, fmt.Errorf("%s: has no instance %q, only: %s", path, name, strings.Join(names, ", "))
	}
	// Once more, strictly, so that a misspelt setting is an error and not ignored.
	one, err := toml.Marshal(table)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	conf := &instance{}
	dec := toml.NewDecoder(strings.NewReader(string(one))).DisallowUnknownFields()
	if err := dec.Decode(conf); err != nil {
		if sm, ok := errors.AsType[*toml.StrictMissingError](err); ok {
			var keys []string
			for _, e := range sm.Errors {
				keys = append(keys, strings.Join(e.Key(), "."))
			}
			return nil, fmt.Errorf("%s: instance %q has unknown settings: %s", path, name, strings.Join(keys, ", "))
		}
		return nil, fmt.Errorf("%s: instance %q: %w", path, name, err)
	}
	return conf, nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/daemon"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip/geofetch"
)

// geoipFile is a database that this host has, or is to get.
type geoipFile struct {
	use    string // "places", "networks", or both
	path   string
	source string // "" unknown
	kinds  geoip.Kind
}

// geoipFiles lists the databases of the configuration; one that is used for both
// is there once.
func (conf *instance) geoipFiles() (files []geoipFile) {
	if conf.GeoIP != "" {
		files = append(files, geoipFile{"places", conf.GeoIP, conf.GeoIPSource, geoip.KindPlaces})
	}
	switch conf.GeoIPASN {
	case "":
	case conf.GeoIP:
		files[0].use = "places, networks"
		files[0].kinds |= geoip.KindASN
		files[0].source = cmp.Or(files[0].source, conf.GeoIPASNSource)
	default:
		files = append(files, geoipFile{"networks", conf.GeoIPASN, conf.GeoIPASNSource, geoip.KindASN})
	}
	return files
}

// geoipSource makes the source of a file. edition "" is the configured one.
func (conf *instance) geoipSource(f *geoipFile, edition string) (geofetch.Source, error) {
	if f.kinds == geoip.KindASN {
		edition = "asn"
	} else if edition == "" {
		edition = cmp.Or(conf.GeoIPEdition, "city")
	}
	src, err := geofetch.ParseSource(f.source, edition, time.Now())
	if err != nil || !src.NeedsLicense() {
		return src, err
	}
	if conf.MaxMindAccount == "" || conf.MaxMindLicenseFile == "" {
		return src, errors.New("MaxMind wants an account: set maxmind_account and maxmind_license_file")
	}
	src.Account = conf.MaxMindAccount
	src.License, err = readSecret(conf.MaxMindLicenseFile)
	return src, err
}

// readSecret gives the first line of a file that must not be everybody's.
func readSecret(file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if st.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s: everybody may read it: chmod 600 %s", file, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s: its first line is empty", file)
	}
	return line, nil
}

// geoipUpdate is what became of one database.
type geoipUpdate struct {
	geoipFile
	geofetch.Result
	err error
}

var errNoGeoIPSource = errors.New("there is nothing to get")

// updateGeoIP gets the databases that have a source: those that edition means,
// or with "" all.
func (conf *instance) updateGeoIP(ctx context.Context, edition string, force bool) (done []geoipUpdate, err error) {
	for _, f := range conf.geoipFiles() {
		if f.source == "" || !f.isMeant(edition) {
			continue
		}
		u := geoipUpdate{geoipFile: f}
		var src geofetch.Source
		if src, u.err = conf.geoipSource(&f, edition); u.err == nil {
			u.Result, u.err = geofetch.Update(ctx, geofetch.Options{Source: src, Path: f.path, Kinds: f.kinds, Force: force})
		}
		done = append(done, u)
	}
	if len(done) == 0 {
		return nil, errNoGeoIPSource
	}
	return done, nil
}

func (f *geoipFile) isMeant(edition string) bool {
	switch edition {
	case "":
		return true
	case "asn":
		return f.kinds == geoip.KindASN
	}
	return f.kinds&geoip.KindPlaces != 0
}

// geoip is the daemon's job that gets databases. Its name has the host's: each
// has files of its own.
func (r recurring) geoip() (daemon.Job, error) {
	for _, f := range r.conf.geoipFiles() {
		if f.source == "" {
			continue
		}
		if _, err := geofetch.ParseSource(f.source, cmp.Or(r.conf.GeoIPEdition, "city"), time.Now()); err != nil {
			return daemon.Job{}, fmt.Errorf("configuration: geoip_source: %w", err)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return daemon.Job{}, err
	}
	return daemon.Job{
		Name: "geoip@" + host, Interval: time.Duration(r.conf.GeoIPInterval),
		Run: func(ctx context.Context, _ []string) (daemon.Result, error) {
			done, err := r.conf.updateGeoIP(ctx, "", false)
			var res daemon.Result
			for _, u := range done {
				if u.err != nil {
					err = errors.Join(err, fmt.Errorf("%s: %w", u.path, u.err))
				} else {
					res.Said = append(res.Said, u.path, cmp.Or(u.Note, "built "+u.Info.Built.Format(time.DateOnly)))
				}
			}
			return res, err
		},
	}, nil
}

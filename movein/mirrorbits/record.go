package mirrorbits

import (
	"math"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// record turns the hash of a mirror, by the names of its fields, into a mirror.
func record(name string, f map[string]string, names *movein.Names) movein.Record {
	r := movein.Record{Name: name, Enabled: truth(f["enabled"])}
	m := &r.Mirror
	m.Name = names.Name(name)
	if m.Name != name {
		r.Note("the name %q cannot be one here", name)
	}
	web(f["http"], &r)
	m.Rsync = r.Scannable("rsync", plainRsync(f["rsync"], &r), "rsync")
	m.FTP = r.Scannable("FTP", f["ftp"], "ftp", "ftps")
	place(f, &r)
	if as := f["asnum"]; as != "" && as != "0" {
		n, err := strconv.ParseUint(as, 10, 32)
		if err != nil {
			r.Leave("ASNum %q: is none", as)
		} else {
			m.ASNs = []uint32{uint32(n)}
		}
	}
	m.RegionOnly, m.CountryOnly, m.ASOnly = truth(f["continentOnly"]), truth(f["countryOnly"]), truth(f["asOnly"])
	var err error
	if r.Score, err = strconv.Atoi(f["score"]); err != nil && f["score"] != "" {
		r.Leave("Score %q: taken for 0", f["score"])
	}
	m.Score = scoreOf(r.Score)
	if f["allowredirects"] == "1" {
		m.Redirects = mirror.RedirectsPublic
	}
	m.OperatorName, m.Admin, m.AdminEmail = movein.Text(f["sponsorName"]), movein.Text(f["adminName"]), movein.Text(f["adminEmail"])
	r.Operator(f["sponsorURL"])
	m.Comment = comment(f)
	return r
}

// web takes over the URL for clients. One without a scheme is for both.
func web(raw string, r *movein.Record) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		r.Unusable = "has no HTTP URL"
		return
	}
	if strings.Contains(raw, "://") {
		r.Public(raw)
		return
	}
	r.Public("https://" + raw)
	if r.Unusable == "" {
		r.Public("http://" + raw)
	}
}

// plainRsync refuses rsync over TLS.
func plainRsync(raw string, r *movein.Record) string {
	if strings.HasPrefix(raw, "rsyncs://") {
		r.Leave("rsync URL %s: rsync over TLS", mirror.Redact(raw))
		return ""
	}
	return raw
}

func place(f map[string]string, r *movein.Record) {
	m := &r.Mirror
	if c, ok := movein.Continent(f["continentCode"]); ok {
		m.Continent = c
	} else if f["continentCode"] != "" {
		r.Leave("ContinentCode %q: is none", f["continentCode"])
	}
	countries, odd := movein.Countries(f["countryCodes"])
	if len(countries) > 0 {
		m.Country = countries[0]
	}
	if len(countries) > 1 {
		m.OtherCountries = countries[1:]
		r.Note("it serves %s only while those have no mirror of their own; there it competed with them", strings.Join(countries[1:], ", "))
	}
	excluded, more := movein.Countries(f["excludedCountryCodes"])
	m.ExcludeCountries = excluded
	if odd = append(odd, more...); len(odd) > 0 {
		r.Leave("countries: %q", strings.Join(odd, " "))
	}
	lat, err1 := strconv.ParseFloat(f["latitude"], 64)
	lng, err2 := strconv.ParseFloat(f["longitude"], 64)
	switch {
	case f["latitude"] == "" && f["longitude"] == "":
	case err1 != nil || err2 != nil:
		r.Leave("coordinates %q, %q: are no numbers", f["latitude"], f["longitude"])
	default:
		// They had 32 bits; what was beyond those is noise.
		r.Coordinates(math.Round(lat*1e4)/1e4, math.Round(lng*1e4)/1e4)
	}
}

// comment keeps what has no setting of its own.
func comment(f map[string]string) string {
	lines := []string{movein.Lines(f["comment"])}
	for _, other := range []struct{ name, field string }{{"sponsor's logo", "sponsorLogo"}, {"custom data", "customData"}} {
		if v := movein.Lines(f[other.field]); v != "" {
			lines = append(lines, other.name+": "+v)
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func truth(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// maxScore is the largest score that is accepted here.
const maxScore = 1_000_000

const scoreNote = "scores as they were: Mirrorbits adds its score, in per cent, to what it works out from distance and country; " +
	"a score p became 100 + 2p here, at least 1, which is what it amounted to for clients close to the mirror"

// scoreOf turns a score of Mirrorbits, an addition in per cent, into ours. For
// a mirror in the client's own country and close to it, the computed score is 2B
// (B being the distance of the farthest mirror), of which the part above B is
// its weight in the draw. With p per cent added that is 2B(1+p/100) - B, or
// B(1+2p/100). Mirrors at or below zero are drawn only for want of others.
func scoreOf(p int) int {
	return min(max(100+2*max(min(p, maxScore), -100), 1), maxScore)
}

package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// mirrorFlags are the flags that `new` and `edit` share. They are read into
// settings, so that both check the same things with the same words.
type mirrorFlags struct {
	set      *pflag.FlagSet
	given    settings
	lat, lng float64
	asn      []uint
	v4, v6   bool
	copies   map[string]func(to *settings) // by flag name: how its value gets into settings
}

func (f *mirrorFlags) add(fs *pflag.FlagSet) {
	f.set = fs
	f.copies = map[string]func(*settings){}
	text := func(name, short, usage string, field func(*settings) *string) {
		fs.StringVarP(field(&f.given), name, short, "", usage)
		f.copies[name] = func(to *settings) { *field(to) = *field(&f.given) }
	}
	list := func(name, short, usage string, field func(*settings) *[]string) {
		fs.StringSliceVarP(field(&f.given), name, short, nil, usage)
		f.copies[name] = func(to *settings) { *field(to) = *field(&f.given) }
	}
	rule := func(name, usage string, field func(*settings) *bool) {
		fs.BoolVar(field(&f.given), name, false, usage)
		f.copies[name] = func(to *settings) { *field(to) = *field(&f.given) }
	}
	list("http", "H", "base `URL` that clients are sent to (one http, one https)", func(s *settings) *[]string { return &s.HTTP })
	text("rsync", "R", "rsync `URL` for scans", func(s *settings) *string { return &s.Rsync })
	text("rsync-password-file", "", "`FILE` on the scanning host with the rsync password", func(s *settings) *string { return &s.RsyncPasswordFile })
	text("ftp", "F", "FTP `URL` for scans (ftps:// with TLS)", func(s *settings) *string { return &s.FTP })
	text("s3", "", "`URL` of a bucket with what http serves, for scans", func(s *settings) *string { return &s.S3 })
	text("s3-credentials-file", "", "`FILE` on the scanning host with the bucket's keys", func(s *settings) *string { return &s.S3CredentialsFile })
	text("subtree", "", "`PATH` of the folder of the tree that the base URLs stand for", func(s *settings) *string { return &s.Subtree })
	text("region", "r", "`CONTINENT`: af an as eu na oc sa", func(s *settings) *string { return &s.Continent })
	text("country", "c", "`COUNTRY` in two letters", func(s *settings) *string { return &s.Country })
	f.addNetwork(fs)
	list("prefix", "", "network in `CIDR` form whose clients are sent here first (several allowed)", func(s *settings) *[]string { return &s.Prefix })
	fs.IntVarP(&f.given.Score, "score", "s", 100, "share of the load; 0: never chosen")
	f.copies["score"] = func(to *settings) { to.Score = f.given.Score }
	rule("region-only", "only for clients of its continent", func(s *settings) *bool { return &s.RegionOnly })
	rule("country-only", "only for clients of its country", func(s *settings) *bool { return &s.CountryOnly })
	rule("as-only", "only for clients of its AS", func(s *settings) *bool { return &s.ASOnly })
	rule("prefix-only", "only for clients in its prefixes", func(s *settings) *bool { return &s.PrefixOnly })
	list("other-countries", "", "`COUNTRIES` also served", func(s *settings) *[]string { return &s.OtherCountries })
	list("exclude-countries", "", "`COUNTRIES` never sent here", func(s *settings) *[]string { return &s.ExcludeCountries })
	text("max-size", "", "`SIZE` of the largest file, for example 4GiB", func(s *settings) *string { return &s.MaxSize })
	text("max-share", "", "largest `SHARE` of all redirects, for example 20%", func(s *settings) *string { return &s.MaxShare })
	text("quota", "", "`TRAFFIC` limit, for example 25TiB/month", func(s *settings) *string { return &s.Quota })
	rule("last-resort", "only where no other mirror will do", func(s *settings) *bool { return &s.LastResort })
	fs.StringArrayVar(&f.given.NoTraffic, "no-traffic", nil, "`WINDOW` in which nobody is sent here, for example 'mon-fri 08:00-18:00 Europe/Berlin' (several allowed)")
	f.copies["no-traffic"] = func(to *settings) { to.NoTraffic = withoutEmpty(f.given.NoTraffic) }
	text("redirects", "", "how far the mirror's own redirects may `LEAD`: same-host, public, any", func(s *settings) *string { return &s.Redirects })
	text("operator-name", "", "`NAME` of the operator, public", func(s *settings) *string { return &s.OperatorName })
	text("operator-url", "", "`URL` of the operator, public", func(s *settings) *string { return &s.OperatorURL })
	text("admin", "a", "`NAME` of the contact, private", func(s *settings) *string { return &s.Admin })
	text("admin-email", "e", "`ADDRESS` of the contact, private", func(s *settings) *string { return &s.AdminEmail })
	text("public-notes", "", "`TEXT` shown in mirror lists", func(s *settings) *string { return &s.PublicNotes })
	text("comment", "C", "`TEXT` for operators, private", func(s *settings) *string { return &s.Comment })
	f.addScanRules(fs, text, list, rule)
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "continent" {
			name = "region"
		}
		return pflag.NormalizedName(name)
	})
}

// addScanRules adds the flags for how a mirror is scanned and pushed.
func (f *mirrorFlags) addScanRules(fs *pflag.FlagSet,
	text func(name, short, usage string, field func(*settings) *string),
	list func(name, short, usage string, field func(*settings) *[]string),
	rule func(name, usage string, field func(*settings) *bool),
) {
	list("rename", "", "`TREE=THERE`: a folder of the tree that the mirror keeps elsewhere (several allowed)", func(s *settings) *[]string { return &s.Rename })
	text("scan-interval", "", "`TIME` between scans, for example 2h", func(s *settings) *string { return &s.ScanInterval })
	list("scan-exclude", "", "`GLOBS` of paths in the tree that are not looked at, nor credited", func(s *settings) *[]string { return &s.ScanExclude })
	list("scan-top", "", "only these top `FOLDERS` are looked at", func(s *settings) *[]string { return &s.ScanTop })
	rule("no-range-check", "believe files beyond 2 and 4 GiB without a range request", func(s *settings) *bool { return &s.NoRangeCheck })
	text("source-address", "", "local `ADDRESS` to connect from", func(s *settings) *string { return &s.Source })
	text("proxy", "", "`URL` of a proxy (http, https, socks5), or none", func(s *settings) *string { return &s.Proxy })
	// Not a list of the flag's own kind: windows have commas in them.
	fs.StringArrayVar(&f.given.Quiet, "quiet-window", nil, "`WINDOW` in which it is neither scanned nor probed, for example 'sat,sun 02:00-06:00 Europe/Berlin' (several allowed)")
	f.copies["quiet-window"] = func(to *settings) { to.Quiet = withoutEmpty(f.given.Quiet) }
	text("push", "", "what makes the mirror synchronise: ssh, http or https `URL`, or exec:COMMAND", func(s *settings) *string { return &s.Push })
	fs.IntVar(&f.given.PushTier, "push-tier", 0, "`NUMBER`: mirrors with lower ones are pushed first")
	f.copies["push-tier"] = func(to *settings) { to.PushTier = f.given.PushTier }
}

// withoutEmpty leaves the empty ones out: giving an empty window is how to take
// them all away.
func withoutEmpty(windows []string) []string {
	return slices.DeleteFunc(windows, func(w string) bool { return w == "" })
}

func (f *mirrorFlags) addNetwork(fs *pflag.FlagSet) {
	fs.Float64Var(&f.lat, "lat", 0, "latitude in `DEGREES`")
	f.copies["lat"] = func(to *settings) { to.Latitude = &f.lat }
	fs.Float64Var(&f.lng, "lng", 0, "longitude in `DEGREES`")
	f.copies["lng"] = func(to *settings) { to.Longitude = &f.lng }
	fs.UintSliceVar(&f.asn, "asn", nil, "autonomous system `NUMBER` (several allowed)")
	f.copies["asn"] = func(to *settings) {
		to.ASN = nil
		for _, n := range f.asn {
			to.ASN = append(to.ASN, uint32(n))
		}
	}
	fs.BoolVar(&f.v4, "ipv4", false, "can be reached over IPv4 (found from DNS where not given)")
	f.copies["ipv4"] = func(to *settings) { to.IPv4 = &f.v4 }
	fs.BoolVar(&f.v6, "ipv6", false, "can be reached over IPv6 (found from DNS where not given)")
	f.copies["ipv6"] = func(to *settings) { to.IPv6 = &f.v6 }
}

// changed lists the flags that were given, for the log of changes.
func (f *mirrorFlags) changed() string {
	var out []string
	f.set.Visit(func(fl *pflag.Flag) {
		if f.copies[fl.Name] != nil {
			out = append(out, fl.Name)
		}
	})
	return strings.Join(out, ", ")
}

// over puts the given flags over base.
func (f *mirrorFlags) over(base settings) settings {
	f.set.Visit(func(fl *pflag.Flag) {
		if c := f.copies[fl.Name]; c != nil {
			c(&base)
		}
	})
	return base
}

// check refuses what settings cannot express.
func (f *mirrorFlags) check() error {
	for _, n := range f.asn {
		if uint64(n) > 1<<32-1 {
			return usagef("--asn %d: AS numbers have 32 bits", n)
		}
	}
	if f.set.Changed("lat") != f.set.Changed("lng") {
		return usagef("--lat and --lng are needed together")
	}
	return nil
}

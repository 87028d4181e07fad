package mirrorlist

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	sampleBase = "https://dl.example.org/"
	samplePath = "distribution/leap/16.0/iso/Leap-16.0-offline-installer-x86_64.iso"
)

// sample is the list of a hashed file for a client in Germany.
func sample() *File {
	f := &File{
		Subject: &mirror.Subject{
			Path: samplePath, Name: samplePath[strings.LastIndexByte(samplePath, '/')+1:], URL: sampleBase + samplePath,
			Size: 4_700_372_992, MTime: 1_793_534_400e9, Published: 1_793_700_000e9,
			Digests: &mirror.Digests{Signature: &mirror.Signature{Suffix: ".asc"}},
		},
		Client: &mirror.Client{
			Addr:  netip.MustParseAddr("192.0.2.77"),
			Place: mirror.Place{Continent: "eu", Country: "de", Lat: 53.6, Lng: 10, HasCoords: true},
			ASN:   64500, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
		},
		Sources: []mirror.Source{
			sampleSource("ftp.halifax.example.de", "de", "eu", mirror.TierCountry, 12.4, 100, 0.5),
			sampleSource("hs-esslingen", "de", "eu", mirror.TierCountry, 180, 80, 0.4),
			sampleSource("provider", "de", "eu", mirror.TierCountry, 402, 20, 0.1),
			sampleSource("ftp.cz.example.org", "cz", "eu", mirror.TierOtherCountry, 281, 100, 0),
			sampleSource("mirror.ams1.nl", "nl", "eu", mirror.TierRegion, 577, 100, 0),
			sampleSource("ftp.acc.umu.example", "se", "eu", mirror.TierRegion, 1411, 100, 0),
			sampleSource("southwales", "gb", "eu", mirror.TierRegion, 1120, 50, 0),
			sampleSource("mirror.pit.example.kr", "kr", "as", mirror.TierWorld, 8140, 100, 0),
			sampleSource("a-mirror-with-quite-a-long-name-in-the-united-states.of.example", "us", "na", mirror.TierWorld, 6712, 100, 0),
			sampleSource("unplaced", "", "", mirror.TierWorld, -1, 10, 0),
			{Name: "cdn.example.net", URL: "https://cdn.example.net/" + samplePath, Kind: mirror.SourceFallback, DistanceKm: -1},
			{Name: "dl.example.org", URL: sampleBase + samplePath, Kind: mirror.SourceOrigin, DistanceKm: -1},
		},
		Excluded: []Excluded{
			{Name: "slow.example.fr", URL: "https://slow.example.fr/" + samplePath, Place: samplePlace("fr", "eu"), Reason: "down", Down: true},
			{Name: "campus", Place: samplePlace("de", "eu"), Reason: "only for clients in its prefixes"},
			{Name: "late.example.se", Place: samplePlace("se", "eu"), Reason: "does not have this version of the file"},
		},
		Documents: []Document{
			{Kind: KindSignature, URL: sampleBase + samplePath + ".asc"},
			{Kind: KindMagnet, URL: "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&dn=Leap-16.0&xl=4700372992"},
		},
	}
	d := f.Subject.Digests
	for i := range 64 {
		d.SHA512[i] = byte(i*37 + 11)
		d.SHA256[i%32] = byte(i*91 + 3)
		d.SHA1[i%20] = byte(i*13 + 1)
		d.MD5[i%16] = byte(i*7 + 5)
		d.Torrent.V1[i%20] = byte(i*3 + 9)
	}
	for _, k := range []Kind{KindMeta4, KindMetalink, KindTorrent, KindZSync, KindMD5, KindSHA1, KindSHA256, KindSHA512, KindBTIH, KindJSON} {
		f.Documents = append(f.Documents, Document{Kind: k, URL: sampleBase + samplePath + "." + string(k)})
	}
	return f
}

func sampleSource(name, country, continent string, tier mirror.Tier, km float64, score int, share float64) mirror.Source {
	host := name
	if !strings.Contains(name, ".") {
		host = name + ".example"
	}
	return mirror.Source{
		URL: "https://" + host + "/pub/linux/" + samplePath, Name: name, Tier: tier, DistanceKm: km, Score: score, Share: share,
		Place: samplePlace(country, continent),
	}
}

// many is the sample with a hundred mirrors.
func many() *File {
	f := sample()
	f.Sources = nil
	for i := range 100 {
		f.Sources = append(f.Sources, sampleSource(fmt.Sprintf("mirror%d.example.net", i), "de", "eu",
			mirror.Tier(2+i/25), float64(i)*17.3, 100, max(0, 0.25-float64(i)/20)))
	}
	return f
}

// sampleFolder is the folder of the sample, with all its sources.
func sampleFolder() *Folder {
	path := samplePath[:strings.LastIndexByte(samplePath, '/')]
	f := &Folder{Path: path, URL: sampleBase + path + "/"}
	for _, s := range sample().Sources {
		s.URL = s.URL[:strings.LastIndexByte(s.URL, '/')+1]
		f.Sources = append(f.Sources, FolderSource{s, 0.9876})
	}
	return f
}

// samplePlace is about in the middle of a country.
func samplePlace(country, continent string) mirror.Place {
	p := mirror.Place{Continent: continent, Country: country}
	at, ok := map[string][2]float64{
		"de": {51.5, 11.9}, "cz": {50.1, 14.4}, "nl": {52.4, 4.9}, "se": {63.8, 20.3}, "gb": {51.6, -3}, "kr": {37.6, 127}, "us": {39.1, -94.6}, "fr": {48.9, 2.3},
	}[country]
	if ok {
		p.Lat, p.Lng, p.HasCoords = at[0], at[1], true
	}
	return p
}

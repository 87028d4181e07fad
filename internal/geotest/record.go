package geotest

import (
	"strconv"
	"strings"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func cityRecord(n Network) mmdbtype.Map {
	m := countryRecord(n)
	m["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("City of " + n.CIDR)}}
	if n.Lat != 0 || n.Lng != 0 {
		m["location"] = mmdbtype.Map{
			"accuracy_radius": mmdbtype.Uint16(20),
			"latitude":        mmdbtype.Float64(n.Lat),
			"longitude":       mmdbtype.Float64(n.Lng),
			"time_zone":       mmdbtype.String("Etc/UTC"),
		}
	}
	return m
}

func countryRecord(n Network) mmdbtype.Map {
	m := mmdbtype.Map{}
	if n.Continent != "" {
		m["continent"] = mmdbtype.Map{
			"code":  mmdbtype.String(strings.ToUpper(n.Continent)),
			"names": mmdbtype.Map{"en": mmdbtype.String("continent " + n.Continent)},
		}
	}
	if n.Country != "" {
		country := mmdbtype.Map{
			"iso_code": mmdbtype.String(strings.ToUpper(n.Country)),
			"names":    mmdbtype.Map{"en": mmdbtype.String("country " + n.Country)},
		}
		m["country"] = country
		m["registered_country"] = country
	}
	return m
}

func asnRecord(n Network) mmdbtype.Map {
	m := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(n.ASN)}
	if n.Org != "" {
		m["autonomous_system_organization"] = mmdbtype.String(n.Org)
	}
	return m
}

func flatRecord(n Network) mmdbtype.Map {
	m := mmdbtype.Map{"city": mmdbtype.String("City of " + n.CIDR)}
	if n.Country != "" {
		m["country"] = mmdbtype.String(strings.ToUpper(n.Country))
	}
	if n.Continent != "" {
		m["continent"] = mmdbtype.String(strings.ToUpper(n.Continent))
	}
	if n.Lat != 0 || n.Lng != 0 {
		m["lat"] = mmdbtype.String(strconv.FormatFloat(n.Lat, 'f', -1, 64))
		m["lng"] = mmdbtype.String(strconv.FormatFloat(n.Lng, 'f', -1, 64))
	}
	return m
}

func flatASNRecord(n Network) mmdbtype.Map {
	m := mmdbtype.Map{"asn": mmdbtype.String("AS" + strconv.FormatUint(uint64(n.ASN), 10))}
	if n.Org != "" {
		m["name"] = mmdbtype.String(n.Org)
	}
	return m
}

package redirector

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// OriginName is the name of the origin among the mirrors. No mirror can have it.
const OriginName = "(origin)"

// Mirror gives the origin as a mirror that is up, whose scans never age, and
// that is reached by every scheme over every IP version. Its base URLs lead
// nowhere: it is whoever asks that knows how files are had from it. Its ID is 0,
// which no mirror has.
func (o *OriginMirror) Mirror() *mirror.Mirror {
	m := &mirror.Mirror{
		Name:    OriginName,
		HTTP:    []string{"http://origin.invalid/", "https://origin.invalid/"},
		Place:   mirror.Place{Country: o.Country, Continent: o.Continent},
		ASNs:    o.ASNs,
		Score:   o.Score,
		Enabled: true,
	}
	if o.Lat != nil && o.Lng != nil {
		m.Lat, m.Lng, m.HasCoords = *o.Lat, *o.Lng, true
	}
	m.Scan.Succeeded = time.Unix(1<<35, 0) // in a thousand years
	return m
}

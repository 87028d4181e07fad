package movein

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// Share is how often a client is sent to a mirror, of 1, by the other system's
// law and by ours.
type Share struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// Shares are those of one mirror, for a file that every mirror has.
type Shares struct {
	Country Share `json:"country"` // for a usual client of the mirror's own country
	World   Share `json:"world"`   // for a client of whom nothing is known
}

// Shares gives the expected shares for each step; zero for mirrors that are not
// here afterwards.
func (p *Plan) Shares(policy redirector.Policy, now time.Time) []Shares {
	all, index := p.After()
	for i, m := range all { // what only a scan or a probe can tell is taken to be well
		m.Scan, m.Probe = mirror.ScanState{Succeeded: now}, mirror.ProbeState{}
		m.DisabledUntil, m.Quota.Spent, m.NoTraffic = time.Time{}, false, nil
		all[i] = m
	}
	set := redirector.Compile(all, policy)
	after := func(c mirror.Client, i int) float64 {
		if i < 0 {
			return 0
		}
		for _, share := range set.Shares(&redirector.Query{Client: c, HTTPSUpgrade: true, Now: now.UnixNano()}, everything{}) {
			if share.Mirror == i {
				return share.Share
			}
		}
		return 0
	}
	inv := p.Inventory
	var nobody mirror.Client
	worldBefore := inv.Law.Shares(inv.Records, &nobody)
	out := make([]Shares, len(p.Steps))
	for i := range p.Steps {
		r := p.Steps[i].Record
		if r == nil {
			continue
		}
		c := inv.Law.Client(inv.Records, r)
		at := p.indexOf(r)
		out[i] = Shares{
			Country: Share{inv.Law.Shares(inv.Records, &c)[at], after(c, index[i])},
			World:   Share{worldBefore[at], after(nobody, index[i])},
		}
	}
	return out
}

func (p *Plan) indexOf(r *Record) int {
	for i := range p.Inventory.Records {
		if &p.Inventory.Records[i] == r {
			return i
		}
	}
	return -1
}

// everything: every mirror has the file.
type everything struct{}

func (everything) Holds(int, mirror.FileID) bool { return true }

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// policyMirrors is how many mirrors a decision is made among.
const policyMirrors = 200

var policyNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// policyCase is a policy to measure.
type policyCase struct {
	name   string
	change func(*redirector.Policy)
}

func (c *policyCase) policy() redirector.Policy {
	p := redirector.DefaultPolicy()
	p.Key = [16]byte{1, 2, 3}
	c.change(&p)
	return p
}

var policyCases = []policyCase{
	{"policy tiers", func(*redirector.Policy) {}},
	{"policy distance", func(p *redirector.Policy) { p.Order = redirector.OrderDistance }},
	{"spill 4", func(p *redirector.Policy) { p.Spill = 4 }},
	{"affinity 2", func(p *redirector.Policy) { p.Affinity.Copies = 2 }},
	{"sticky 1h", func(p *redirector.Policy) { p.Sticky = time.Hour }},
	{"affinity 2, sticky 1h", func(p *redirector.Policy) { p.Affinity.Copies, p.Sticky = 2, time.Hour }},
}

// measurePolicies shows what a decision costs under each policy, and what
// affinity does for the mirrors' caches.
func measurePolicies(ctx context.Context, _ string, o options) error {
	fmt.Printf("| decision among %d mirrors, 9 of 10 with the file | all in one group | around the world |\n| --- | ---: | ---: |\n", policyMirrors)
	var near, far []*decider
	for i := range policyCases {
		near = append(near, newDecider(&policyCases[i], true))
		far = append(far, newDecider(&policyCases[i], false))
	}
	for range 20 { // by turns, so that all suffer alike from what else the machine does
		for i := range policyCases {
			near[i].run()
			far[i].run()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for i := range policyCases {
		fmt.Printf("| %s | %d ns | %d ns |\n", policyCases[i].name, near[i].median(), far[i].median())
	}
	fmt.Println()
	return measureCaches(ctx, o.cacheRequests)
}

// decider makes decisions and takes their time.
type decider struct {
	set      *redirector.Set
	queries  []redirector.Query
	decision redirector.Decision
	took     []time.Duration // per decision
}

// newDecider makes mirrors and clients of one place, or of all the world.
func newDecider(c *policyCase, together bool) *decider {
	rnd := rand.New(rand.NewPCG(1, 2))
	place := func() mirror.Place {
		if together {
			return mirror.Place{Continent: "eu", Country: "de", Lat: 50, Lng: 8, HasCoords: true}
		}
		at := rnd.IntN(len(policyPlaces))
		p := policyPlaces[at]
		p.Lat, p.Lng = p.Lat+rnd.Float64()*8-4, p.Lng+rnd.Float64()*8-4
		return p
	}
	var mirrors []*mirror.Mirror
	for i := range policyMirrors {
		mirrors = append(mirrors, plainMirror(i, 10+rnd.IntN(200), place()))
	}
	d := &decider{set: redirector.Compile(mirrors, c.policy())}
	for i := range 1024 {
		d.queries = append(d.queries, redirector.Query{
			Client: mirror.Client{Addr: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), Place: place()},
			File:   mirror.FileID(i), Path: "distribution/15.6/iso/" + strconv.Itoa(i) + ".iso", Size: 1 << 30,
			TLS: true, Now: policyNow.UnixNano(),
		})
	}
	return d
}

var policyPlaces = []mirror.Place{
	{Continent: "eu", Country: "de", Lat: 51, Lng: 10, HasCoords: true},
	{Continent: "eu", Country: "fr", Lat: 47, Lng: 2, HasCoords: true},
	{Continent: "eu", Country: "se", Lat: 59, Lng: 15, HasCoords: true},
	{Continent: "na", Country: "us", Lat: 39, Lng: -95, HasCoords: true},
	{Continent: "na", Country: "ca", Lat: 50, Lng: -100, HasCoords: true},
	{Continent: "as", Country: "jp", Lat: 36, Lng: 138, HasCoords: true},
	{Continent: "as", Country: "cn", Lat: 35, Lng: 105, HasCoords: true},
	{Continent: "sa", Country: "br", Lat: -10, Lng: -55, HasCoords: true},
	{Continent: "oc", Country: "au", Lat: -25, Lng: 135, HasCoords: true},
}

func plainMirror(i, score int, at mirror.Place) *mirror.Mirror {
	name := "mirror" + strconv.Itoa(i)
	return &mirror.Mirror{
		ID: mirror.ID(i + 1), Name: name, HTTP: []string{"https://" + name + ".example/"},
		Score: score, Enabled: true, Place: at, Scan: mirror.ScanState{Succeeded: policyNow},
	}
}

// nineOfTen have the file.
type nineOfTen struct{}

func (nineOfTen) Holds(i int, id mirror.FileID) bool { return (i+int(id))%10 != 0 }

func (d *decider) run() {
	const times = 10
	began := time.Now()
	for range times {
		for i := range d.queries {
			d.set.Choose(&d.queries[i], nineOfTen{}, nil, &d.decision)
		}
	}
	d.took = append(d.took, time.Since(began)/time.Duration(times*len(d.queries)))
}

func (d *decider) median() int64 {
	slices.Sort(d.took)
	return d.took[len(d.took)/2].Nanoseconds()
}

package main

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/replay"
)

// simulateDoc is the JSON form of `simulate`.
type simulateDoc struct {
	Formats  []string         `json:"formats"`
	Lines    int64            `json:"lines"`
	BadLines int64            `json:"bad_lines"`
	Requests float64          `json:"requests"` // that count
	Bytes    float64          `json:"bytes"`
	LeftOut  map[string]int64 `json:"left_out"`
	First    *time.Time       `json:"first"`
	Last     *time.Time       `json:"last"`
	Node     string           `json:"node"` // whose settings these are; empty: the defaults
	Then     *simulateColumn  `json:"then"` // null: the log does not say
	Now      *simulateColumn  `json:"now"`
	Changed  *simulateColumn  `json:"changed"` // null: nothing was to change
	Mirrors  []simulateMirror `json:"mirrors"`
	Groups   []simulateGroup  `json:"groups,omitempty"` // with --by
}

// simulateColumn is what became of all requests in one world.
type simulateColumn struct {
	Mirrors   simulateTally `json:"mirrors"`
	NoMirror  simulateTally `json:"no_mirror"` // served by this server
	ByRules   simulateTally `json:"by_rules"`  // served by this server
	Fallbacks simulateTally `json:"fallbacks"`
	Errors    simulateTally `json:"errors"`
	NotLogged simulateTally `json:"not_logged"`
	simulateNear

	// Of the requests that went to a mirror then; null: of then itself.
	SameMirror  *float64 `json:"same_mirror,omitempty"`
	SameCountry *float64 `json:"same_country,omitempty"`
}

type simulateNear struct {
	InCountry   *float64 `json:"in_country"`   // share of those sent to mirrors; null: not known
	InContinent *float64 `json:"in_continent"` // likewise
	MeanKm      *float64 `json:"mean_km"`
}

type simulateTally struct {
	Requests   float64 `json:"requests"`
	Share      float64 `json:"share"`
	Bytes      float64 `json:"bytes"`
	BytesShare float64 `json:"bytes_share"`
}

type simulateMirror struct {
	Name    string         `json:"name"`
	Gone    bool           `json:"gone,omitempty"` // only the log knows it
	Then    *simulateTally `json:"then"`
	Now     *simulateTally `json:"now"`
	Changed *simulateTally `json:"changed"`
}

type simulateGroup struct {
	Name string `json:"name"`
	simulateTally

	Then    *simulateHere `json:"then"`
	Now     *simulateHere `json:"now"`
	Changed *simulateHere `json:"changed"`
}

type simulateHere struct {
	Here simulateTally `json:"here"` // served by this server
	simulateNear
}

func (o *simulateOutput) doc() *simulateDoc {
	r := o.report
	d := &simulateDoc{
		Formats: nonNil(o.read.formats), Lines: o.read.Lines, BadLines: o.read.Bad, Requests: r.Counted.Requests, Bytes: r.Counted.Bytes,
		LeftOut: r.Skipped, Node: o.site.Node, Mirrors: []simulateMirror{},
		Then: o.columnDoc(0), Now: o.columnDoc(1), Changed: o.columnDoc(2),
	}
	if !r.First.IsZero() {
		first, last := r.First.UTC(), r.Last.UTC()
		d.First, d.Last = &first, &last
	}
	for i, m := range r.Mirrors {
		tally := func(c int) *simulateTally {
			if !o.has(c) {
				return nil
			}
			t := o.tally(r.Columns[c].Mirrors[i])
			return &t
		}
		d.Mirrors = append(d.Mirrors, simulateMirror{m.Name, m.Unknown, tally(0), tally(1), tally(2)})
	}
	for _, i := range o.groupOrder() {
		here := func(c int) *simulateHere {
			if !o.has(c) {
				return nil
			}
			g := r.Columns[c].Groups[i]
			return &simulateHere{o.tally(g.Here), nearDoc(g.Near)}
		}
		d.Groups = append(d.Groups, simulateGroup{r.Groups[i].Name, o.tally(r.Groups[i].Tally), here(0), here(1), here(2)})
	}
	return d
}

func (o *simulateOutput) columnDoc(i int) *simulateColumn {
	if !o.has(i) {
		return nil
	}
	c := &o.report.Columns[i]
	d := &simulateColumn{
		Mirrors: o.tally(c.Redirected()), NoMirror: o.tally(c.Local), ByRules: o.tally(c.Exempt),
		Fallbacks: o.tally(c.Fallback), Errors: o.tally(c.Nowhere), NotLogged: o.tally(c.Unknown), simulateNear: nearDoc(c.Near),
	}
	if i > 0 && o.has(0) {
		d.SameMirror = ratio(c.SameMirror, o.report.Columns[0].Redirected().Requests)
		d.SameCountry = ratio(c.SameCountry, c.ComparedCountry)
	}
	return d
}

func (o *simulateOutput) tally(t replay.Tally) simulateTally {
	d := simulateTally{Requests: t.Requests, Bytes: t.Bytes}
	if s := ratio(t.Requests, o.report.Counted.Requests); s != nil {
		d.Share = *s
	}
	if s := ratio(t.Bytes, o.report.Counted.Bytes); s != nil {
		d.BytesShare = *s
	}
	return d
}

func nearDoc(n replay.Near) simulateNear {
	return simulateNear{ratio(n.InCountry, n.Placed), ratio(n.InContinent, n.Placed), ratio(n.Km, n.KmOf)}
}

// ratio gives part of all; null where there is nothing.
func ratio(part, all float64) *float64 {
	if all == 0 {
		return nil
	}
	s := part / all
	return &s
}

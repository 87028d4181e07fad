package replay

import (
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Tally is a number of requests and the bytes that they fetch. With
// [Options.Exact] both are expectations.
type Tally struct{ Requests, Bytes float64 }

func (t *Tally) add(share float64, r *request) {
	t.Requests += share
	t.Bytes += share * r.bytes
}

func (t Tally) plus(u Tally) Tally { return Tally{t.Requests + u.Requests, t.Bytes + u.Bytes} }

// Place is where a request goes that goes to no mirror.
type Place uint8

// The places.
const (
	Local    Place = iota // this server
	Fallback              // a server that stands in
	Nowhere               // it gets an error
)

// Near is how near requests are to where they are sent.
type Near struct {
	Mirrors     float64 // requests sent to mirrors
	Placed      float64 // those of which the countries of both sides are known
	InCountry   float64 // of these: the same country
	InContinent float64 // of these: the same continent
	Km          float64 // sum of the distances, where they are known
	KmOf        float64 // of how many
}

// Column is what became of the requests in one world.
type Column struct {
	Name    string
	Mirrors []Tally // by mirror, parallel to [Report.Mirrors]
	Groups  []Group // by group, parallel to [Report.Groups]

	Local    Tally // served by this server for want of a mirror
	Exempt   Tally // served by this server by its rules
	Fallback Tally
	Nowhere  Tally
	Unknown  Tally // the log does not say
	Near     Near

	// Of the requests that went to a mirror then:
	Compared        float64 // how many there are
	SameMirror      float64 // how many go to the same one
	ComparedCountry float64 // of how many the mirror's country is known
	SameCountry     float64 // how many go to a mirror of the same country
}

// Redirected is what all mirrors get.
func (c *Column) Redirected() (t Tally) {
	for _, m := range c.Mirrors {
		t = t.plus(m)
	}
	return t
}

// Group is what became of the requests of one group.
type Group struct {
	Here Tally // served by this server, for whichever reason
	Near Near
}

// MirrorRow names a row of a report.
type MirrorRow struct {
	Name    string
	Place   mirror.Place
	Unknown bool // only the log knows it
}

// GroupRow is a group of requests.
type GroupRow struct {
	Name string
	Tally
}

// Report is the result of a run.
type Report struct {
	Counted     Tally
	Skipped     map[string]int64 // why, and how many entries
	First, Last time.Time        // of the counted entries; zero: no times
	Mirrors     []MirrorRow
	Groups      []GroupRow
	Columns     []Column // then, and one for each world
}

// Then reports whether the log says where requests went.
func (r *Report) Then() bool {
	c := &r.Columns[0]
	return c.Unknown.Requests < r.Counted.Requests && c.Redirected().plus(c.Fallback).Requests > 0
}

// Report gives the result so far.
func (r *Replay) Report() *Report {
	p := &r.report
	out := &Report{
		Counted: p.counted, Skipped: p.skipped, First: p.first, Last: p.last,
		Mirrors: slices.Clone(p.rows), Groups: slices.Clone(p.groups),
	}
	for _, c := range p.columns {
		column := c.Column
		column.Mirrors = append(slices.Clone(c.Mirrors), make([]Tally, len(p.rows)-len(c.Mirrors))...)
		column.Groups = append(slices.Clone(c.Groups), make([]Group, len(p.groups)-len(c.Groups))...)
		out.Columns = append(out.Columns, column)
	}
	return out
}

// report is a report that grows.
type report struct {
	counted     Tally
	skipped     map[string]int64
	first, last time.Time

	rows    []MirrorRow
	rowOf   map[string]int
	by      Grouping
	groups  []GroupRow
	groupOf map[string]int
	columns []*column
}

func (r *report) init(by Grouping) {
	r.skipped, r.rowOf, r.groupOf, r.by = map[string]int64{}, map[string]int{}, map[string]int{}, by
	r.columns = []*column{newColumn("then", r)}
}

// Bounds of what a log can make grow.
const (
	maxRows   = 20_000
	maxGroups = 5_000
	others    = "(others)"
)

// row gives the row of a mirror. place nil: it is known from the log alone.
func (r *report) row(name string, place *mirror.Place) int {
	i, ok := r.rowOf[name]
	if !ok {
		if len(r.rows) >= maxRows && name != others && place == nil {
			return r.row(others, nil)
		}
		i = len(r.rows)
		r.rowOf[name] = i
		r.rows = append(r.rows, MirrorRow{Name: name, Unknown: true})
	}
	if place != nil && r.rows[i].Unknown {
		r.rows[i].Place, r.rows[i].Unknown = *place, false
	}
	return i
}

// begin counts a request, whatever becomes of it.
func (r *report) begin(req *request) {
	r.counted.add(1, req)
	if t := req.entry.Time; !t.IsZero() {
		if r.first.IsZero() || t.Before(r.first) {
			r.first = t
		}
		if t.After(r.last) {
			r.last = t
		}
	}
	req.group = -1
	if name := r.by.of(req); name != "" {
		i, ok := r.groupOf[name]
		if !ok {
			if len(r.groups) >= maxGroups {
				name = others
			}
			if i, ok = r.groupOf[name]; !ok {
				i = len(r.groups)
				r.groupOf[name] = i
				r.groups = append(r.groups, GroupRow{Name: name})
			}
		}
		r.groups[i].add(1, req)
		req.group = i
	}
}

// choice is where a request went.
type choice struct {
	row     int // -1: to no mirror
	country string
}

// then counts where a request went by the log.
func (r *report) then(req *request) choice {
	e, c := req.entry, r.columns[0]
	if !e.Logged && !e.Redirected() {
		c.nobody(req, Local)
		return choice{row: -1}
	}
	switch row, known := r.rowOf[e.Mirror]; {
	case !e.Logged:
		c.Unknown.add(1, req)
	case known && !r.rows[row].Unknown && e.Mirror != "":
		return c.sent(req, row)
	case e.Fallback:
		c.nobody(req, Fallback)
	case e.Mirror == "" && e.Redirected():
		c.Unknown.add(1, req)
	case e.Mirror == "":
		c.nobody(req, Local)
	default:
		return c.sent(req, r.row(e.Mirror, nil))
	}
	return choice{row: -1}
}

// sent counts a request that went to a mirror then.
func (c *column) sent(req *request, row int) choice {
	place := c.r.rows[row].Place
	if place.Country == "" {
		place.Country = req.entry.MirrorCountry
	}
	km := mirror.DistanceKm(req.client.Place, place)
	if km < 0 && req.entry.HasKm {
		km = req.entry.DistanceKm
	}
	c.count(req, row, 1, place, km)
	return choice{row: row, country: place.Country}
}

func (r *report) column(i int) *column { return r.columns[i] }

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/replay"
)

// simulateOutput shows the result of `simulate`.
type simulateOutput struct {
	a      *app
	f      *simulateFlags
	site   *nodeSite
	read   *logsRead
	report *replay.Report
	by     replay.Grouping
}

func (o *simulateOutput) print() error {
	if o.a.json {
		return o.a.printJSON(o.doc())
	}
	if !o.a.quiet {
		o.about()
	}
	if o.by == replay.ByMirror {
		rows := o.rows()
		o.a.printTable(o.table(rows))
		o.chart(rows)
	} else {
		o.a.printTable(o.groupTable())
	}
	o.sayNear()
	if text := o.sentence(); text != "" {
		o.a.note("%s", text)
	}
	return nil
}

// about says what was read and by which settings it was asked.
func (o *simulateOutput) about() {
	r := o.report
	line := fmt.Sprintf("%s requests counted of %s in %s lines (%s)",
		count(int64(r.Counted.Requests)), count(o.read.entries), count(o.read.Lines), strings.Join(o.read.formats, ", "))
	if !r.First.IsZero() {
		line += fmt.Sprintf(", %s to %s UTC", r.First.UTC().Format("2006-01-02 15:04"), r.Last.UTC().Format("2006-01-02 15:04"))
	}
	o.a.note("%s", line)
	if text := skippedText(r.Skipped); text != "" {
		o.a.note("left out: %s", text)
	}
	if o.site.Node != "" {
		o.a.note("settings of node %s, seen %s", printable(o.site.Node), o.site.Seen.UTC().Format("2006-01-02 15:04 UTC"))
	} else {
		o.a.note("default settings: no node has reported its own yet")
	}
}

// skippedText tells what was left out, the most first.
func skippedText(skipped map[string]int64) string {
	keys := slices.SortedFunc(maps.Keys(skipped), func(x, y string) int {
		return cmp.Or(cmp.Compare(skipped[y], skipped[x]), cmp.Compare(x, y))
	})
	texts := map[string]string{
		replay.SkipMethod: "by other methods", replay.SkipStatus: "answered otherwise", replay.SkipDocument: "for documents",
		replay.SkipSimulated: "tests", replay.SkipFolder: "for folders", replay.SkipUnknown: "for files not in the index",
		replay.SkipFilter: "by filters",
	}
	var out []string
	for _, k := range keys {
		out = append(out, count(skipped[k])+" "+cmp.Or(texts[k], k))
	}
	return strings.Join(out, ", ")
}

// simulateRow is a row of the table: what one mirror, or the like, gets in each
// column.
type simulateRow struct {
	name   string
	mirror bool
	cells  []replay.Tally // by column of the report
}

// rows gives the rows: the mirrors, those with the most requests first, and what goes
// to no mirror. Rows without anything are left out.
func (o *simulateOutput) rows() []simulateRow {
	rows := o.mirrorRows()
	if o.f.top > 0 && len(rows) > o.f.top {
		rows = append(rows[:o.f.top], sumRow(rows[o.f.top:]))
	}
	return append(rows, o.otherRows()...)
}

func (o *simulateOutput) mirrorRows() []simulateRow {
	r := o.report
	var rows []simulateRow
	for i, m := range r.Mirrors {
		row := simulateRow{name: m.Name, mirror: true}
		if m.Unknown {
			row.name += " (gone)"
		}
		for _, c := range r.Columns {
			row.cells = append(row.cells, c.Mirrors[i])
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(x, y simulateRow) int {
		return cmp.Or(cmp.Compare(y.cells[1].Requests, x.cells[1].Requests), cmp.Compare(o.most(&y), o.most(&x)), cmp.Compare(x.name, y.name))
	})
	return slices.DeleteFunc(rows, func(x simulateRow) bool { return o.most(&x) == 0 })
}

// otherRows are those for what goes to no mirror.
func (o *simulateOutput) otherRows() (rows []simulateRow) {
	r := o.report
	for _, rest := range []struct {
		name string
		of   func(c *replay.Column) replay.Tally
	}{
		{"(this server, no mirror)", func(c *replay.Column) replay.Tally { return c.Local }},
		{"(this server, by rules)", func(c *replay.Column) replay.Tally { return c.Exempt }},
		{"(fallbacks)", func(c *replay.Column) replay.Tally { return c.Fallback }},
		{"(errors)", func(c *replay.Column) replay.Tally { return c.Nowhere }},
		{"(not logged)", func(c *replay.Column) replay.Tally { return c.Unknown }},
	} {
		row := simulateRow{name: rest.name}
		for i := range r.Columns {
			row.cells = append(row.cells, rest.of(&r.Columns[i]))
		}
		if o.most(&row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// most is the most requests in one of the columns that are shown.
func (o *simulateOutput) most(r *simulateRow) (most float64) {
	for _, c := range o.columns() {
		most = max(most, r.cells[c].Requests)
	}
	return most
}

// sumRow is what is left of a table after its top.
func sumRow(rows []simulateRow) simulateRow {
	sum := simulateRow{name: fmt.Sprintf("(%d others)", len(rows)), mirror: true, cells: make([]replay.Tally, len(rows[0].cells))}
	for _, r := range rows {
		for i, c := range r.cells {
			sum.cells[i].Requests += c.Requests
			sum.cells[i].Bytes += c.Bytes
		}
	}
	return sum
}

// simulateNames are the columns' names, in the order of the report.
var simulateNames = [...]string{"then", "now", "changed"}

// has reports whether there is a column.
func (o *simulateOutput) has(column int) bool {
	return column < len(o.report.Columns) && (column > 0 || o.report.Then())
}

// columns are those that there are.
func (o *simulateOutput) columns() (out []int) {
	for i := range simulateNames {
		if o.has(i) {
			out = append(out, i)
		}
	}
	return out
}

// table is the rows as cells. On a terminal it has what there is room for, elsewhere
// always the same columns.
func (o *simulateOutput) table(rows []simulateRow) sheet {
	width, tty := terminal(o.a.out)
	columns := []int{0, 1, 2}
	bytes, byteShare := true, true
	if tty {
		columns = o.columns()
		byteShare = width >= 30+38*len(columns)
		bytes = width >= 30+29*len(columns)
	}
	s := sheet{header: []string{"mirror"}}
	for _, c := range columns {
		s.header = append(s.header, simulateNames[c], "")
		if bytes {
			s.header = append(s.header, "bytes")
		}
		if byteShare {
			s.header = append(s.header, "")
		}
	}
	s.header = append(s.header, "")
	for i := range len(s.header) - 1 {
		s.right = append(s.right, i+1)
	}
	for _, r := range rows {
		cells := []string{r.name}
		for _, c := range columns {
			if !o.has(c) {
				cells = append(cells, "-", "-", "-", "-")
				continue
			}
			t := r.cells[c]
			cells = append(cells, o.number(t.Requests, tty), percentOf(t.Requests, o.report.Counted.Requests))
			if bytes {
				cells = append(cells, o.size(t.Bytes, tty))
			}
			if byteShare {
				cells = append(cells, percentOf(t.Bytes, o.report.Counted.Bytes))
			}
		}
		s.rows = append(s.rows, append(cells, o.change(&r)))
	}
	return s
}

// number is a number of requests; expectations are rounded.
func (o *simulateOutput) number(n float64, tty bool) string {
	if tty {
		return count(int64(n + 0.5))
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func (o *simulateOutput) size(n float64, tty bool) string {
	if tty {
		return sizeOf(int64(n))
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}

// percentOf gives part as a share of all.
func percentOf(part, all float64) string {
	if all == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*part/all, 'f', 1, 64) + "%"
}

// compared gives the two columns whose difference is shown; false: there is only one.
func (o *simulateOutput) compared() (from, to int, ok bool) {
	c := o.columns()
	if len(c) < 2 {
		return 0, 0, false
	}
	return c[len(c)-2], c[len(c)-1], true
}

// change is by how much a row's requests change.
func (o *simulateOutput) change(r *simulateRow) string {
	from, to, ok := o.compared()
	if !ok {
		return "-"
	}
	return relative(r.cells[from].Requests, r.cells[to].Requests)
}

func relative(before, after float64) string {
	if before == after {
		return "="
	}
	if before == 0 {
		return "new"
	}
	return fmt.Sprintf("%+.1f%%", 100*(after-before)/before)
}

// groupTable has, for each group of requests, how many there are, and for each column
// how many go to a mirror of the client's country, how many stay here, and how far it
// is to the mirrors.
func (o *simulateOutput) groupTable() sheet {
	_, tty := terminal(o.a.out)
	columns := []int{0, 1, 2}
	if tty {
		columns = o.columns()
	}
	s := sheet{header: []string{o.by.String(), "requests", "", "bytes"}, right: []int{1, 2, 3}}
	for _, c := range columns {
		s.header = append(s.header, simulateNames[c], "here", "km")
	}
	for i := 4; i < len(s.header); i++ {
		s.right = append(s.right, i)
	}
	for _, i := range o.groupOrder() {
		g := o.report.Groups[i]
		cells := []string{g.Name, o.number(g.Requests, tty), percentOf(g.Requests, o.report.Counted.Requests), o.size(g.Bytes, tty)}
		for _, c := range columns {
			if !o.has(c) {
				cells = append(cells, "-", "-", "-")
				continue
			}
			x := o.report.Columns[c].Groups[i]
			cells = append(cells, percentOf(x.Near.InCountry, x.Near.Placed), percentOf(x.Here.Requests, g.Requests), kilometres(x.Near))
		}
		s.rows = append(s.rows, cells)
	}
	return s
}

// groupOrder gives the groups: days in their order, others by requests.
func (o *simulateOutput) groupOrder() []int {
	order := make([]int, len(o.report.Groups))
	for i := range order {
		order[i] = i
	}
	g := o.report.Groups
	slices.SortFunc(order, func(x, y int) int {
		if o.by == replay.ByDay {
			return cmp.Compare(g[x].Name, g[y].Name)
		}
		return cmp.Or(cmp.Compare(g[y].Requests, g[x].Requests), cmp.Compare(g[x].Name, g[y].Name))
	})
	if o.f.top > 0 && len(order) > o.f.top {
		order = order[:o.f.top]
	}
	return order
}

// kilometres is the mean distance; "-" where it is not known.
func kilometres(n replay.Near) string {
	if n.KmOf == 0 {
		return "-"
	}
	return strconv.FormatFloat(n.Km/n.KmOf, 'f', 0, 64)
}

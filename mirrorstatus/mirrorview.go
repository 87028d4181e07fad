package mirrorstatus

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// Range is how far back a mirror's page looks.
type Range string

// The ranges. What is none is a month.
const (
	RangeMonth Range = "month"
	RangeYear  Range = "year"
)

var ranges = [...]Range{RangeMonth, RangeYear}

// MaxRange is how much of the past a History should have.
const MaxRange = 365 * 24 * time.Hour

// ParseRange reads `range=year` of a query.
func ParseRange(raw string) Range {
	if raw == "range="+string(RangeYear) {
		return RangeYear
	}
	return RangeMonth
}

func (r Range) long() time.Duration {
	if r == RangeYear {
		return MaxRange
	}
	return 30 * 24 * time.Hour
}

const (
	listedScans   = 50
	listedChanges = 50
)

// mirrorView is the page of a mirror as its template sees it.
type mirrorView struct {
	page.Frame

	w    words
	site *Site
	m    *Mirror

	IndexURL     string
	Name         string
	Class        string
	Sign         template.HTML
	State, About string
	Notice       string
	Numbers      []number
	Facts        []fact
	URLs         []urlView
	Lacks        []string
	Bars         []barsView
	Ranges       []rangeView
	Spans        []spanView
	Changes      []changeView
	ScanColumns  []string
	Scans        []scanView
}

type fact struct{ Label, Text, URL string }

// urlView is a URL; Plain: browsers do not open it.
type urlView struct {
	Protocol, URL string
	Plain         bool
}

// barsView are the shares of something that a mirror has.
type barsView struct {
	Title string
	Bars  []barView
}

type barView struct{ Name, Text, Bar string }

type rangeView struct {
	URL, Text string
	Now       bool
}

// spanView are the charts of a range.
type spanView struct {
	ID, Title string
	Charts    []chart
}

type changeView struct {
	At, AtAttr    string
	Class         string
	Sign          template.HTML
	State, Reason string
}

type scanView struct {
	At, AtAttr         string
	Class              string
	Sign               template.HTML
	Result, Problem    string
	Protocol, Coverage string
	Response, Took     string
}

// newMirror makes the page of a mirror; h is nil where its past is not known.
func (p *Pages) newMirror(s *Site, m *Mirror, h *History, w *page.Words, r Range, l layout) *mirrorView {
	v := &mirrorView{
		Frame: p.look.Frame(w, m.Name+" – "+w.Status.Title), w: words{w}, site: s, m: m,
		IndexURL: l.sorted(Query{}), Name: m.Name, Class: classOf(m.State),
	}
	l.dress(&v.Frame)
	v.Programs = slug(m.Name) + ".json"
	v.At(s.AsOf.UnixNano())
	v.Sign, v.State, v.About = signs[v.Class], v.w.state(m.State), v.w.about(m, s)
	v.numbers()
	v.facts()
	v.coverage()
	if h == nil {
		v.Notice = w.Status.Partial
		return v
	}
	for _, one := range ranges {
		to := rangeView{URL: "?range=" + string(one), Text: w.Status.Ranges[string(one)], Now: one == r}
		if l.files {
			to.URL, to.Now = "#"+spanID(one), false
		}
		v.Ranges = append(v.Ranges, to)
		if l.files || one == r {
			v.Spans = append(v.Spans, v.span(h, one, l))
		}
	}
	v.changes(h)
	v.scans(h)
	return v
}

func spanID(r Range) string { return "mirrorbrain-span-" + string(r) }

// numbers are the most important ones.
func (v *mirrorView) numbers() {
	m, w := v.m, v.w
	if m.Copy.Files > 0 {
		v.Numbers = append(v.Numbers, number{w.percent(m.Copy.Coverage()), w.Status.Columns["coverage"]})
	}
	if d, ok := m.age(v.site.AsOf); ok {
		text := w.Status.UpToDate
		if d > 0 {
			text = fmt.Sprintf(w.Status.Behind, w.Long(d))
		}
		v.Numbers = append(v.Numbers, number{text, w.Status.Columns["age"]})
	}
	scanned := number{w.Status.Never, w.Status.Columns["scan"]}
	if !m.Scanned.IsZero() {
		scanned.Value = w.ago(m.Scanned, v.site.AsOf)
	}
	if m.Failing {
		scanned.Text += " – " + w.Status.LastFailed
	}
	v.Numbers = append(v.Numbers, scanned)
	if m.Shared {
		v.Numbers = append(v.Numbers, number{w.share(m.Share.OfBytes), w.Status.Columns["share"]})
	}
}

func (v *mirrorView) facts() {
	m, w := v.m, v.w
	add := func(label, text, url string) {
		if text != "" {
			v.Facts = append(v.Facts, fact{label, text, url})
		}
	}
	if o := operatorOf(m); o != nil {
		add(w.Status.Operator, o.Name, o.URL)
	}
	_, country := w.Country(m.Country)
	where := country
	if c := w.Continent(m.Continent); c != "" {
		where = cmp.Or(where+", "+c, "")
		if country == "" {
			where = c
		}
	}
	if m.HasCoords {
		if where != "" {
			where += " – "
		}
		where += coordinates(m.Lat, m.Lng)
	}
	add(w.Status.Place, cmp.Or(where, w.Status.Unknown), "")
	add(w.Status.Addresses, familiesOf(m), "")
	if m.Subtree != "" {
		add(w.Status.Subtree, page.Readable("/"+m.Subtree), "")
	}
	add(w.Status.Notes, page.Readable(m.Notes), "")
	if m.Shared {
		add(w.Status.Columns["share"], fmt.Sprintf(w.Status.OfBytes, w.share(m.Share.OfBytes)), "")
	}
	for _, u := range m.URLs {
		v.URLs = append(v.URLs, urlView{u.Protocol, u.URL, u.Protocol == "rsync" || u.Protocol == "ftp"})
	}
}

// coverage says what the mirror has, and what it lacks.
func (v *mirrorView) coverage() {
	m, w := v.m, v.w
	c := &m.Copy
	if c.Files == 0 {
		return
	}
	total := fmt.Sprintf(w.Status.LacksNone, w.Number(int64(c.Files)))
	if c.Held < c.Files {
		total = fmt.Sprintf(w.Status.Lacks, w.Number(int64(c.Files-c.Held)), w.Number(int64(c.Files)))
	}
	whole := "/" + page.Readable(m.Subtree)
	v.Bars = append(v.Bars, barsView{"", []barView{{whole, w.percent(c.Coverage()), barOf(c.Coverage())}}})
	v.Lacks = append(v.Lacks, upper(total)+".")
	if b := c.BehindSince; b.IsZero() {
		v.Lacks[0] += " " + w.Status.Newest
	} else {
		at, _ := page.When(b.UnixNano())
		v.Lacks[0] += " " + fmt.Sprintf(w.Status.Oldest, at)
	}
	v.bars(w.Status.Markers, v.site.Markers, c.Markers, "")
	v.bars(w.Status.Folders, v.site.Folders, m.Folders, "/")
}

func (v *mirrorView) bars(title string, names []string, has []mirror.MarkerCopy, before string) {
	b := barsView{Title: title}
	for i, name := range names {
		if i >= len(has) || before != "" && has[i].Files == 0 {
			continue
		}
		one := barView{Name: page.Readable(before + name), Text: v.w.marker(&has[i])}
		if has[i].Files > 0 {
			one.Bar = barOf(has[i].Coverage())
		}
		b.Bars = append(b.Bars, one)
	}
	if b.Bars != nil {
		v.Bars = append(v.Bars, b)
	}
}

func (v *mirrorView) span(h *History, r Range, l layout) spanView {
	a := newAxis(v.site.AsOf, r)
	s := spanView{ID: spanID(r), Charts: []chart{
		v.w.stateChart(h.Changes, a), v.w.coverageChart(h.Runs, a), v.w.responseChart(h.Runs, a), v.w.scanChart(h.Runs, a),
	}}
	if l.files {
		s.Title = v.Words.Status.Ranges[string(r)]
	}
	return s
}

// changes lists the last changes of the state, the newest first.
func (v *mirrorView) changes(h *History) {
	for _, c := range slices.Backward(h.Changes) {
		if len(v.Changes) == listedChanges {
			return
		}
		class := classOf(c.State)
		one := changeView{Class: class, Sign: signs[class], State: v.w.state(c.State), Reason: v.w.reason(c.Reason)}
		one.At, one.AtAttr = page.When(c.At.UnixNano())
		v.Changes = append(v.Changes, one)
	}
}

// scans lists the last scans, the newest first.
func (v *mirrorView) scans(h *History) {
	w := v.w
	for _, c := range [...]string{"at", "result", "protocol", "coverage", "response", "took"} {
		v.ScanColumns = append(v.ScanColumns, w.Status.ScanColumns[c])
	}
	for _, r := range slices.Backward(h.Runs) {
		if len(v.Scans) == listedScans {
			return
		}
		one := scanView{Class: classUp, Result: w.Status.Succeeded, Protocol: page.Readable(r.Protocol), Took: w.Long(r.Took)}
		if !r.OK {
			one.Class, one.Result = classDown, w.Status.Failed
			one.Problem = w.Status.Problems[cmp.Or(Problem(r.Error), otherProblem)]
		}
		one.Sign = signs[one.Class]
		one.At, one.AtAttr = page.When(r.At.UnixNano())
		if r.Files > 0 {
			one.Coverage = w.percent(r.Coverage())
		}
		if r.Response > 0 {
			one.Response = w.millis(r.Response)
		}
		v.Scans = append(v.Scans, one)
	}
}

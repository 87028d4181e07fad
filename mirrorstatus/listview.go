package mirrorstatus

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// listView is the page with all mirrors as its template sees it.
type listView struct {
	page.Frame

	w    words
	site *Site

	Heading string
	Notice  string
	Numbers []number
	Map     template.HTML
	Legend  template.HTML
	OffMap  string
	Filter  *filterView
	Columns []columnView
	Titles  map[string]string // of columns, for narrow screens
	Rows    []rowView
	Empty   string
	Also    []link
}

// number is one of the large ones at the top.
type number struct{ Value, Text string }

// link is a link with its text.
type link struct{ URL, Text string }

// columnView is the head of a column.
type columnView struct{ Name, Title, Label, URL, Order, Arrow string }

// rowView is a mirror in the table.
type rowView struct {
	URL, Name      string
	Operator       *operatorView
	Class          string
	Sign           template.HTML
	State, About   string
	Code, Country  string
	URLs           []way
	Families       string
	Coverage       string
	Bar            string
	Marks          []mark
	Age            string
	Scan, ScanAttr string
	ScanNote       string
	Share          string
}

// way is a link to a mirror's tree.
type way struct {
	Protocol string
	URL      template.URL
}

// waysTo lets ftp and rsync pass, which html/template takes for dangerous; the
// template escapes the rest.
func waysTo(urls []URL) (list []way) {
	for _, u := range urls {
		if slices.Contains(protocols[:], u.Protocol) && strings.HasPrefix(u.URL, u.Protocol+"://") {
			list = append(list, way{u.Protocol, template.URL(u.URL)}) //nolint:gosec // the schemes are those of links
		}
	}
	return list
}

// operatorView is who runs a mirror.
type operatorView struct{ Name, URL string }

// mark is how much of something a mirror has.
type mark struct{ Name, Text string }

func (p *Pages) newList(s *Site, w *page.Words, q Query, l layout) *listView {
	v := &listView{Frame: p.look.Frame(w, w.Status.Title), w: words{w}, site: s, Heading: w.Status.Title}
	l.dress(&v.Frame)
	v.Programs = allJSON
	v.At(s.AsOf.UnixNano())
	v.Title = w.Status.Title
	if s.Partial {
		v.Notice = w.Status.Partial
	}
	list := s.chosen(w, q)
	v.Numbers = v.numbers()
	if p.options.Map {
		v.Map, v.Legend, v.OffMap = worldMap(v.w, list, l)
	}
	if !l.files {
		v.Filter = v.filter(q, len(list))
	}
	v.columns(q, l)
	v.Rows = make([]rowView, len(list))
	for i, m := range list {
		v.Rows[i] = v.row(m, l)
	}
	v.Empty = w.Status.NoMirrors
	if len(s.Mirrors) > 0 {
		v.Empty = w.Status.None
	}
	v.Also = []link{{mirmonName, "mirmon"}, {allBadge, "SVG"}}
	if !l.files {
		v.Also = append(v.Also, link{openAPIName, "OpenAPI"})
	}
	return v
}

// numbers are what is said of all mirrors, whatever is shown.
func (v *listView) numbers() []number {
	s, w := v.site, v.w
	if len(s.Mirrors) == 0 {
		return nil
	}
	list := []number{
		{w.Number(int64(s.Up())), fmt.Sprintf(w.Status.Up, w.Number(int64(len(s.Mirrors))))},
		{w.Number(int64(s.Countries())), w.Status.Countries},
	}
	if s.Files == 0 {
		return list
	}
	var held uint64
	for i := range s.Mirrors {
		if m := &s.Mirrors[i]; m.State == mirror.StateUp {
			held += m.Copy.Held
		}
	}
	return append(list,
		number{w.percent(s.Coverage()), w.Status.Covered},
		number{w.oneDecimal(float64(held) / float64(s.Files)), w.Status.Copies})
}

// columns are the heads, which sort.
func (v *listView) columns(q Query, l layout) {
	v.Titles = v.Words.Status.Columns
	for i := range columns {
		c := &columns[i]
		title := v.Words.Status.Columns[c.name]
		h := columnView{Name: c.name, Title: title, Label: fmt.Sprintf(v.Words.Status.SortedBy, title)}
		to := q
		to.Sort, to.Desc = c.name, false
		if q.Sort == c.name || q.Sort == "" && i == 0 {
			h.Order, h.Arrow = "ascending", "▲"
			if c.down != q.Desc {
				h.Order, h.Arrow = "descending", "▼"
			}
			to.Desc = !q.Desc
		}
		h.URL = l.sorted(to)
		v.Columns = append(v.Columns, h)
	}
}

func (v *listView) row(m *Mirror, l layout) rowView {
	w, s := v.w, v.site
	r := rowView{
		URL: l.page(m), Name: m.Name, Operator: operatorOf(m), Class: classOf(m.State), State: w.state(m.State),
		URLs: waysTo(m.URLs), Families: familiesOf(m), Scan: w.Status.Never,
	}
	r.Sign = signs[r.Class]
	r.About = w.about(m, s)
	r.Code, r.Country = w.Country(m.Country)
	if r.Country == "" {
		r.Country = w.Continent(m.Continent)
	}
	if m.Copy.Files > 0 {
		r.Coverage, r.Bar = w.percent(m.Copy.Coverage()), barOf(m.Copy.Coverage())
		r.Marks = v.marks(m)
	}
	if d, ok := m.age(s.AsOf); ok {
		if r.Age = w.Status.UpToDate; d > 0 {
			r.Age = fmt.Sprintf(w.Status.Behind, w.Long(d))
		}
	}
	if !m.Scanned.IsZero() {
		r.Scan = w.ago(m.Scanned, s.AsOf)
		_, r.ScanAttr = page.When(m.Scanned.UnixNano())
	}
	if m.Failing {
		r.ScanNote = w.Status.LastFailed
	}
	if m.Shared {
		r.Share = w.share(m.Share.OfBytes)
	}
	return r
}

// marks say how much of the markers, and of folders that were asked for, a
// mirror has.
func (v *listView) marks(m *Mirror) (list []mark) {
	for i, name := range v.site.Markers {
		if i < len(m.Copy.Markers) {
			list = append(list, mark{page.Readable(name), v.w.marker(&m.Copy.Markers[i])})
		}
	}
	if !v.site.ShowFolders {
		return list
	}
	for i, path := range v.site.Folders {
		if i < len(m.Folders) && m.Folders[i].Files > 0 {
			list = append(list, mark{page.Readable("/" + path), v.w.percent(m.Folders[i].Coverage())})
		}
	}
	return list
}

// marker says how much of a marker a mirror has. What only must not be there has
// no files.
func (w words) marker(c *mirror.MarkerCopy) string {
	switch {
	case c.Files > 0:
		return w.percent(c.Coverage())
	case c.Has:
		return "✓"
	}
	return "–"
}

// share is a share of traffic.
func (w words) share(of float64) string {
	if !(of > 0) {
		return "0 %"
	}
	return w.Percent(of)
}

// about says since when a mirror has its state, and why.
func (w words) about(m *Mirror, s *Site) string {
	var parts []string
	if m.Reason != "" {
		parts = append(parts, w.reason(m.Reason))
	}
	if !m.Since.IsZero() {
		if d := s.AsOf.Sub(m.Since); d > 0 {
			parts = append(parts, fmt.Sprintf(w.Status.Since, w.Long(d)))
		}
	}
	return strings.Join(parts, ", ")
}

func operatorOf(m *Mirror) *operatorView {
	if m.Operator == "" && m.OperatorURL == "" {
		return nil
	}
	o := &operatorView{page.Readable(m.Operator), m.OperatorURL}
	if o.Name == "" {
		o.Name = page.Readable(hostOf(m.OperatorURL))
	}
	return o
}

// familiesOf names the address families, "" when they are not known.
func familiesOf(m *Mirror) string {
	if m.Families == 0 {
		return ""
	}
	return m.Families.String()
}

// barOf is the width of a bar of 100.
func barOf(share float64) string {
	return fmt.Sprintf("%.4g", min(1, max(0, share))*100)
}

// filterView is the form above the table.
type filterView struct {
	Choices []choice
	Text    string
	Sort    string
	Shown   string
	All     string
}

type choice struct {
	Name, Label string
	Options     []option
}

type option struct {
	Value, Text string
	Chosen      bool
}

// filter offers what there is among the mirrors.
func (v *listView) filter(q Query, shown int) *filterView {
	w := v.w
	f := &filterView{
		Text:  page.Readable(q.Text),
		Shown: fmt.Sprintf(w.Status.Shown, w.Number(int64(shown)), w.Number(int64(len(v.site.Mirrors)))),
	}
	if q.filtered() {
		f.All = layout{}.sorted(Query{Sort: q.Sort, Desc: q.Desc})
	}
	if f.Sort = q.Sort; q.Desc {
		f.Sort = "-" + f.Sort
	}
	countries := choice{Name: "country", Label: w.Status.Columns["country"]}
	there := map[string]bool{q.Country: true}
	continents := map[string]bool{q.Continent: true}
	inState := map[string]bool{q.State: true}
	for i := range v.site.Mirrors {
		m := &v.site.Mirrors[i]
		there[letters(m.Country)], continents[letters(m.Continent)], inState[key(m.State)] = true, true, true
	}
	delete(there, "")
	for code := range there {
		_, name := w.Country(code)
		countries.Options = append(countries.Options, option{code, name, code == q.Country})
	}
	slices.SortFunc(countries.Options, func(a, b option) int { return strings.Compare(a.Text, b.Text) })
	inStates := choice{Name: "state", Label: w.Status.Columns["state"]}
	for _, s := range states {
		if k := key(s); inState[k] {
			inStates.Options = append(inStates.Options, option{k, w.state(s), k == q.State})
		}
	}
	by := choice{Name: "protocol", Label: w.Status.Protocol}
	for _, p := range ways {
		text := p
		if family, ok := strings.CutPrefix(p, "ip"); ok {
			text = "IP" + family
		}
		by.Options = append(by.Options, option{p, text, p == q.Protocol})
	}
	f.Choices = []choice{countries, inStates, by}
	return f
}

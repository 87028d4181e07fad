package explain

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteText writes the report for people: sentences first, then tables. Lines
// are broken or cut at width columns; 0 leaves them as they are.
func (r *Report) WriteText(w io.Writer, width int) error {
	p := &printer{width: width}
	for _, s := range r.Summary {
		p.wrap(s, "")
	}
	p.line("")
	p.facts(r)
	if len(r.Mirrors) > 0 {
		p.line("")
		p.table(mirrorRows(r.Mirrors), 2, 4, 5)
	}
	if len(r.Out) > 0 {
		p.line("")
		p.table(outRows(r.Out))
	}
	if r.Truncated {
		p.line("There are more mirrors.")
	}
	p.line("")
	p.table(settingRows(r.Settings))
	for _, n := range r.Notes {
		p.wrap("Note: "+n, "")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// facts are the client, the request, the file and the node, a line each.
func (p *printer) facts(r *Report) {
	if n := r.Node; n != nil {
		p.fact("node", n.text(r.At))
	}
	p.fact("client", r.Client.text())
	request := "/" + r.Request.Path
	if r.Request.Target != r.Request.Path {
		request += ", a link to /" + r.Request.Target
	}
	request += ", by " + r.Request.Scheme
	if v := r.Request.IPVersion; v != 0 {
		request += fmt.Sprintf(" over IPv%d", v)
	}
	if list := r.Request.Avoid; len(list) > 0 {
		request += ", avoiding " + strings.Join(list, ", ")
	}
	if list := r.Request.AvoidCountry; len(list) > 0 {
		request += ", avoiding the countries " + strings.Join(list, ", ")
	}
	p.fact("request", request)
	if f := r.File; f != nil {
		p.fact("file", f.text())
	}
}

func (p *printer) fact(name, text string) {
	p.wrap(fmt.Sprintf("%-8s %s", name, text), strings.Repeat(" ", 9))
}

func (n *Node) text(now time.Time) string {
	var parts []string
	if n.Name != "" {
		parts = append(parts, n.Name)
	}
	if n.Instance != "" {
		parts = append(parts, "instance "+n.Instance)
	}
	if n.Site != 0 {
		parts = append(parts, fmt.Sprintf("site %d", n.Site))
	}
	if !n.Seen.IsZero() {
		parts = append(parts, fmt.Sprintf("as it was %v ago", max(0, now.Sub(n.Seen)).Round(time.Second)))
	}
	if n.Revision != 0 {
		parts = append(parts, fmt.Sprintf("revision %d", n.Revision))
	}
	return strings.Join(parts, ", ")
}

func (c *Client) text() string {
	parts := []string{"address unknown"}
	if c.Address != "" {
		parts[0] = c.Address
	}
	place := "place unknown"
	if c.Country != "" || c.Continent != "" {
		place = strings.Trim(c.Country+" ("+c.Continent+")", " ()")
		if c.Country != "" && c.Continent != "" {
			place = c.Country + " (" + c.Continent + ")"
		}
	}
	if c.Lat != nil {
		place += fmt.Sprintf(" at %.1f, %.1f", *c.Lat, *c.Lng)
	}
	parts = append(parts, place+from(c.PlaceFrom))
	network := "network unknown"
	if c.ASN != 0 || c.Prefix != "" {
		network = c.Prefix
		if c.ASN != 0 {
			network = strings.TrimSpace(fmt.Sprintf("AS%d %s", c.ASN, c.Prefix))
		}
	}
	parts = append(parts, network+from(c.NetworkFrom))
	if c.Simulated {
		parts = append(parts, "simulated")
	}
	return strings.Join(parts, ", ")
}

// fromTexts say where a place or network is known from.
var fromTexts = map[string]string{
	FromGeoIP: " by the GeoIP file", FromPrefixes: " by the prefix table", FromASFile: " by the AS file", FromRequest: " as asked for",
	FromOverride: " by override",
}

func from(word string) string { return fromTexts[word] }

func (f *File) text() string {
	text := fmt.Sprintf("version %d, %d bytes", f.ID, f.Size)
	if !f.MTime.IsZero() {
		text += ", of " + f.MTime.Format(time.DateTime)
	}
	if !f.Seen.IsZero() {
		text += ", seen " + f.Seen.Format(time.DateTime)
	}
	if f.SHA256 != "" {
		text += ", SHA-256 " + f.SHA256
	}
	return text
}

func mirrorRows(list []Mirror) [][]string {
	rows := [][]string{{"mirror", "cc", "km", "tier", "score", "chance", "standing", "url"}}
	for i := range list {
		m := &list[i]
		km, chance := "", ""
		if m.DistanceKm != nil {
			km = fmt.Sprint(*m.DistanceKm)
		}
		if m.Probability > 0 {
			chance = percent(m.Probability)
		}
		standing := m.Standing
		if m.Detail != "" {
			standing += ", " + m.Detail
		}
		rows = append(rows, []string{m.Name, m.Country, km, m.Tier, fmt.Sprint(m.Score), chance, standing, m.URL})
	}
	return rows
}

func outRows(list []Out) [][]string {
	rows := [][]string{{"out", "cc", "because", ""}}
	for i := range list {
		o := &list[i]
		rows = append(rows, []string{o.Name, o.Country, o.Reason, o.Detail})
	}
	return rows
}

func settingRows(list []Setting) [][]string {
	rows := [][]string{{"setting", "value", "here"}}
	for _, s := range list {
		rows = append(rows, []string{s.Name, s.Value, s.Effect})
	}
	return rows
}

// printer lays lines out.
type printer struct {
	b     strings.Builder
	width int // 0: no limit
}

// line writes one line, cut where it is too long.
func (p *printer) line(s string) {
	s = strings.TrimRight(s, " ")
	if p.width > 0 && utf8.RuneCountInString(s) > p.width {
		s = string([]rune(s)[:max(p.width-1, 0)]) + "…"
	}
	p.b.WriteString(s + "\n")
}

// wrap writes a text, broken at spaces; further lines begin with indent.
func (p *printer) wrap(s, indent string) {
	s = plain(s)
	if p.width == 0 {
		p.line(s)
		return
	}
	for utf8.RuneCountInString(s) > p.width {
		head := string([]rune(s)[:p.width+1])
		at := strings.LastIndexByte(head, ' ')
		if at <= len(indent) {
			break // a word that is longer than a line
		}
		p.line(s[:at])
		s = indent + strings.TrimLeft(s[at:], " ")
	}
	p.line(s)
}

// table writes rows with aligned columns, the first of which is the header;
// right are the columns of numbers.
func (p *printer) table(rows [][]string, right ...int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = plain(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	numbers := make([]bool, len(widths))
	for _, i := range right {
		numbers[i] = true
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if widths[i] == 0 {
				continue
			}
			if numbers[i] {
				cell, pad = pad+cell, ""
			}
			b.WriteString(cell + pad + "  ")
		}
		p.line(b.String())
	}
}

// plain takes what could steer a terminal out of text that others wrote.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

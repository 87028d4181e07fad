package mirrorlist

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// AppendText appends the table as plain text: a block for each mirror, with a
// URL a line.
func (t *Table) AppendText(dst []byte) []byte {
	dst = underlined(dst, t.title(), '=')
	for _, r := range t.regions() {
		dst = underlined(append(dst, '\n'), r.Title, '-')
		country := "none"
		for i := range r.Rows {
			row := &r.Rows[i]
			if row.Country != country {
				country = row.Country
				dst = fmt.Appendf(dst, "\n%s\n", orDash(country))
			}
			dst = row.appendText(dst)
		}
	}
	if made := t.made(); made != "" {
		dst = fmt.Appendf(dst, "\n%s\n", made)
	}
	return dst
}

func (r *tableRow) appendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "  %s  %s", r.Operator, strings.Repeat("*", r.Stars))
	if has := r.has(); len(has) > 0 {
		dst = fmt.Appendf(dst, "  [%s]", strings.Join(has, ", "))
	}
	dst = append(dst, '\n')
	for _, l := range r.Links {
		dst = fmt.Appendf(dst, "    %s\n", l.URL)
	}
	if r.Notes != "" {
		dst = fmt.Appendf(dst, "    %s\n", r.Notes)
	}
	return dst
}

// has names the markers that the mirror has.
func (r *tableRow) has() (names []string) {
	for _, m := range r.Marks {
		if m.Has {
			names = append(names, m.Name)
		}
	}
	return names
}

func underlined(dst []byte, title string, with byte) []byte {
	dst = fmt.Appendf(dst, "%s\n", title)
	for range utf8.RuneCountInString(title) {
		dst = append(dst, with)
	}
	return append(dst, '\n')
}

func (t *Table) made() string {
	if t.Made.IsZero() {
		return ""
	}
	return page.English().AsOf(t.Made.UTC().Format("2006-01-02 15:04 UTC"))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// AppendMarkdown appends the table as Markdown with the tables of GitHub
// Flavored Markdown (section 4.10), one for each continent.
func (t *Table) AppendMarkdown(dst []byte) []byte {
	dst = fmt.Appendf(dst, "# %s\n", markdown(t.title()))
	for _, r := range t.regions() {
		dst = fmt.Appendf(dst, "\n## %s\n\n| Country | Operator | Links | Priority |", markdown(r.Title))
		for _, name := range t.Markers {
			dst = fmt.Appendf(dst, " %s |", markdown(page.Readable(name)))
		}
		dst = fmt.Appendf(dst, "\n%s\n", "| --- | --- | --- | --- |"+strings.Repeat(" :-: |", len(t.Markers)))
		for i := range r.Rows {
			dst = r.Rows[i].appendMarkdown(dst)
		}
	}
	if made := t.made(); made != "" {
		dst = fmt.Appendf(dst, "\n%s\n", markdown(made))
	}
	return dst
}

func (r *tableRow) appendMarkdown(dst []byte) []byte {
	operator := markdown(r.Operator)
	if r.OperatorURL != "" {
		operator = "[" + operator + "](<" + r.OperatorURL + ">)"
	}
	if r.Notes != "" {
		operator += " (" + markdown(r.Notes) + ")"
	}
	links := make([]string, len(r.Links))
	for i, l := range r.Links {
		links[i] = "[" + l.Label + "](<" + l.URL + ">)"
	}
	dst = fmt.Appendf(dst, "| %s | %s | %s | %s |", markdown(orDash(r.Country)), operator, strings.Join(links, " "), strings.Repeat("★", r.Stars))
	for _, m := range r.Marks {
		if m.Has {
			dst = append(dst, " ✓ |"...)
		} else {
			dst = append(dst, "  |"...)
		}
	}
	return append(dst, '\n')
}

// markdown makes text stand for itself: ASCII punctuation may have a backslash
// before it (CommonMark 0.31 section 2.4), and URLs in text make no links then.
func markdown(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&:@", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

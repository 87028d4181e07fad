package autoindex

import "strconv"

// AppendTable appends Apache's table. With a style sheet the rows and cells have
// classes in place of attributes.
func AppendTable(dst []byte, l *Listing, o *Options) []byte {
	p := newApachePage(l, o)
	styled := o.StyleSheet != ""
	dst = p.appendHead(grow(dst, l))
	if styled {
		dst = append(dst, "  <table id=\"indexlist\">\n   <tr class=\"indexhead\">"...)
	} else {
		dst = append(dst, "  <table>\n   <tr>"...)
	}
	dst = p.appendTableTitles(dst)
	rule := p.tableRule()
	dst = append(dst, rule...)
	row := 0
	if l.Parent {
		dst = p.appendTableRow(dst, nil, row)
		row++
	}
	for i := range l.Entries {
		dst = p.appendTableRow(dst, &l.Entries[i], row)
		row++
	}
	dst = append(dst, rule...)
	dst = append(dst, "</table>\n"...)
	return p.appendTail(dst)
}

// tableRule is the row with the line above and below the others.
func (p *apachePage) tableRule() string {
	if p.o.SuppressRules {
		return ""
	}
	n := 2
	for c := Modified; c <= Details; c <<= 1 {
		if p.columns&c != 0 {
			n++
		}
	}
	class := ""
	if p.o.StyleSheet != "" {
		class = ` class="indexbreakrow"`
	}
	return "   <tr" + class + `><th colspan="` + strconv.Itoa(n) + `"><hr></th></tr>` + "\n"
}

func (p *apachePage) appendTableTitles(dst []byte) []byte {
	dst = p.appendCell(dst, "th", "icon", ` valign="top"`)
	dst = append(dst, "&nbsp;</th>"...)
	for _, c := range []struct {
		shown        bool
		order        Column
		class, title string
	}{
		{true, ByName, "name", "Name"},
		{p.columns&Modified != 0, ByModified, "lastmod", "Last modified"},
		{p.columns&Size != 0, BySize, "size", "Size"},
		{p.columns&Mirrors != 0, ByMirrors, "mirrors", "Mirrors"},
		{p.columns&Description != 0, ByDescription, "desc", "Description"},
		{p.columns&Details != 0, Unsorted, "details", "Metadata"},
	} {
		if c.shown {
			dst = p.appendCell(dst, "th", c.class, "")
			dst = p.appendColumn(dst, c.order, c.title)
			dst = append(dst, "</th>"...)
		}
	}
	return append(dst, "</tr>\n"...)
}

// appendCell opens a cell: with a class where there is a style sheet, else with
// attributes.
func (p *apachePage) appendCell(dst []byte, tag, class, attributes string) []byte {
	dst = append(append(dst, '<'), tag...)
	if p.o.StyleSheet == "" {
		return append(append(dst, attributes...), '>')
	}
	dst = append(dst, ` class="indexcol`...)
	return append(append(dst, class...), `">`...)
}

const rightAligned = ` align="right"`

// appendTableRow appends the row of an entry; nil is the parent.
func (p *apachePage) appendTableRow(dst []byte, e *Entry, row int) []byte {
	switch {
	case p.o.StyleSheet == "":
		dst = append(dst, "<tr>"...)
	case row%2 == 0:
		dst = append(dst, `   <tr class="even">`...)
	default:
		dst = append(dst, `   <tr class="odd">`...)
	}
	dst = p.appendCell(dst, "td", "icon", ` valign="top"`)
	dst = append(dst, "&nbsp;</td>"...)
	dst = p.appendTableName(dst, e)
	if e == nil {
		e = &parentEntry
	}
	dst = p.appendTableFacts(dst, e)
	if p.columns&Description != 0 {
		dst = p.appendCell(dst, "td", "desc", "")
		if e.Description != "" {
			dst = p.appendDescription(dst, e.Description)
		} else {
			dst = append(dst, "&nbsp;"...)
		}
		dst = append(dst, "</td>"...)
	}
	if p.columns&Details != 0 {
		dst = p.appendCell(dst, "td", "details", "")
		if e.hasDetails() {
			dst = appendDetails(dst, e)
		} else {
			dst = append(dst, "&nbsp;"...)
		}
		dst = append(dst, "</td>"...)
	}
	return append(dst, "</tr>\n"...)
}

// parentEntry is what is known of the parent.
var parentEntry = New("..", true)

func (p *apachePage) appendTableName(dst []byte, e *Entry) []byte {
	dst = p.appendCell(dst, "td", "name", "")
	var n int
	if e == nil {
		dst, n = p.appendParentName(dst)
	} else {
		dst, n = p.appendName(dst, e)
	}
	if !p.wideNames {
		dst = appendBlanks(dst, p.nameWidth-n)
	}
	return append(dst, "</td>"...)
}

// appendTableFacts appends the cells of time, size, and mirrors.
func (p *apachePage) appendTableFacts(dst []byte, e *Entry) []byte {
	if p.columns&Modified != 0 {
		if e.ModTime.IsZero() {
			dst = append(p.appendCell(dst, "td", "lastmod", ""), "&nbsp;"...)
		} else {
			dst = p.appendTime(p.appendCell(dst, "td", "lastmod", rightAligned), e.ModTime)
		}
		dst = append(dst, "</td>"...)
	}
	if p.columns&Size != 0 {
		dst = appendSize(p.appendCell(dst, "td", "size", rightAligned), e.fileSize())
		dst = append(dst, "</td>"...)
	}
	if p.columns&Mirrors != 0 {
		dst = p.appendCell(dst, "td", "mirrors", rightAligned)
		if n := e.knownMirrors(); n >= 0 {
			dst = strconv.AppendInt(dst, int64(n), 10)
		} else {
			dst = append(dst, "&nbsp;"...)
		}
		dst = append(dst, "</td>"...)
	}
	return dst
}

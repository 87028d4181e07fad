package autoindex

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// apachePage writes what Apache's three forms have in common.
type apachePage struct {
	l *Listing
	o *Options

	columns    Columns
	nameWidth  int
	wideNames  bool // names are never cut
	descWidth  int
	wideDesc   bool // descriptions are never cut
	dateLayout string
	location   *time.Location
	echo       []byte // what links to other orders keep up, escaped
}

func newApachePage(l *Listing, o *Options) *apachePage {
	p := &apachePage{
		l: l, o: o, columns: o.Columns, nameWidth: o.NameWidth, descWidth: o.DescriptionWidth,
		dateLayout: o.DateLayout, location: o.Location,
	}
	if p.columns == 0 {
		p.columns = ApacheColumns
	}
	if p.dateLayout == "" {
		p.dateLayout = DateFormat
	}
	if p.location == nil {
		p.location = time.UTC
	}
	p.setNameWidth()
	p.setDescriptionWidth()
	p.echo = appendEcho(nil, l.Ask)
	return p
}

func (p *apachePage) setNameWidth() {
	switch p.nameWidth {
	case 0:
		p.nameWidth = DefaultWidth
	case Widest:
		p.wideNames = true
		p.nameWidth = DefaultWidth
		if p.l.Parent { // Apache takes its link for its name here
			p.nameWidth = max(p.nameWidth, utf8.RuneCountInString(parentPath(p.l.Path)))
		}
		for i := range p.l.Entries {
			p.nameWidth = max(p.nameWidth, nameLength(&p.l.Entries[i]))
		}
	}
}

// setDescriptionWidth: where none is set, descriptions take the place of columns
// that are not shown.
func (p *apachePage) setDescriptionWidth() {
	switch p.descWidth {
	case 0:
		p.descWidth = DefaultWidth
		if p.columns&Modified == 0 {
			p.descWidth += 19
		}
		if p.columns&Size == 0 {
			p.descWidth += 7
		}
	case Widest:
		p.wideDesc = true
	}
}

// nameLength is how many characters a name takes.
func nameLength(e *Entry) int {
	n := utf8.RuneCountInString(e.Name) + utf8.RuneCountInString(e.Folder)
	if e.Dir {
		n++
	}
	return n
}

// parentPath is the path of the folder above, made such that a link to it
// cannot lead to another host.
func parentPath(path string) string {
	path = strings.TrimRight(path, "/")
	path = path[:strings.LastIndexByte(path, '/')+1]
	return "/" + strings.TrimLeft(path, "/")
}

// appendEcho gives what the query asked for besides the order, for links. Apache
// leaves "&" in a pattern as it is, which breaks both the link and the page.
func appendEcho(dst []byte, a Ask) []byte {
	switch a.Format {
	case Plain:
		dst = append(dst, ";F=0"...)
	case Fancy:
		dst = append(dst, ";F=1"...)
	case Table:
		dst = append(dst, ";F=2"...)
	default: // not asked for
	}
	switch a.Version {
	case Off:
		dst = append(dst, ";V=0"...)
	case On:
		dst = append(dst, ";V=1"...)
	case Unset:
	}
	if a.Pattern != "" {
		dst = appendPercent(append(dst, ";P="...), a.Pattern, &plainInEcho, lowerHex)
	}
	if a.Search != "" {
		dst = append(append(dst, ";q="...), url.QueryEscape(a.Search)...)
	}
	return dst
}

// plainInEcho is plainInHref without what separates the pairs of a query.
var plainInEcho = byteSet("$-_.+!*'(),:@=/~")

// appendHead appends all above the rows.
func (p *apachePage) appendHead(dst []byte) []byte {
	h := p.l.Header
	if !p.o.SuppressHTMLPreamble || !h.HTML || h.Empty() {
		dst = p.appendPreamble(dst)
	}
	switch {
	case h.Empty():
		if p.o.StyleSheet != "" {
			dst = append(dst, `  <h1 id="indextitle">`...)
		} else {
			dst = append(dst, "<h1>"...)
		}
		dst = p.appendTitle(dst)
		dst = append(dst, "</h1>\n"...)
	default:
		dst = appendInsert(dst, h)
	}
	return dst
}

func (p *apachePage) appendPreamble(dst []byte) []byte {
	dst = append(dst, `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">`+
		"\n<html>\n <head>\n  <title>"...)
	dst = p.appendTitle(dst)
	dst = append(dst, "</title>\n"...)
	if p.o.StyleSheet != "" {
		dst = append(dst, `  <link rel="stylesheet" href="`...)
		dst = appendHTML(dst, p.o.StyleSheet)
		dst = append(dst, `" type="text/css">`+"\n"...)
	}
	dst = append(dst, p.o.HeadInsert...)
	return append(dst, " </head>\n <body>\n"...)
}

// appendTitle: the path without the slash at its end, unless it is the top.
func (p *apachePage) appendTitle(dst []byte) []byte {
	title := strings.TrimRight(p.l.Path, "/")
	if title == "" {
		title = "/"
	}
	return appendHTML(append(dst, "Index of "...), title)
}

// appendInsert appends an operator's markup as it is, and text as such.
func appendInsert(dst []byte, i Insert) []byte {
	switch {
	case i.Empty():
		return dst
	case i.HTML:
		return append(dst, i.Text...)
	}
	dst = append(dst, "<pre>\n"...)
	dst = appendBlock(dst, i.Text)
	return append(dst, "</pre>\n"...)
}

// appendTail appends all below the rows. A cut listing says so, which Apache's
// never is.
func (p *apachePage) appendTail(dst []byte) []byte {
	if p.l.Cut {
		dst = append(dst, "<p>There are more entries than are shown here.</p>\n"...)
	}
	dst = appendInsert(dst, p.l.Readme)
	if p.o.SuppressHTMLPreamble && p.l.Readme.HTML && !p.l.Readme.Empty() {
		return dst
	}
	return append(dst, "</body></html>\n"...)
}

// appendColumn appends the title of a column, which is a link to its order: of
// the one that is sorted by now, the other way around.
func (p *apachePage) appendColumn(dst []byte, c Column, title string) []byte {
	letter, ok := apacheLetters[c]
	if p.o.SuppressColumnSorting || p.o.IgnoreClient || !ok {
		return append(dst, title...)
	}
	now := p.l.Order.Column
	if now == Unsorted {
		now = ByName
	}
	to := byte('A')
	if now == c && !p.l.Order.Descending {
		to = 'D'
	}
	dst = append(dst, `<a href="?C=`...)
	dst = append(dst, letter, ';', 'O', '=', to)
	dst = append(dst, p.echo...)
	dst = append(dst, `">`...)
	dst = append(dst, title...)
	return append(dst, "</a>"...)
}

// apacheLetters are the values of C. Nothing asks for the order by mirrors in
// this grammar.
var apacheLetters = map[Column]byte{ByName: 'N', ByModified: 'M', BySize: 'S', ByDescription: 'D'}

const parentTitle = "Parent Directory"

// appendName appends the link of a row, cut to the width unless it is wide, and
// gives how many characters it shows.
func (p *apachePage) appendName(dst []byte, e *Entry) (_ []byte, shown int) {
	dst = append(dst, `<a href="`...)
	dst = appendHref(dst, e.shownName())
	dst = append(dst, `">`...)
	shown = nameLength(e)
	if shown > p.nameWidth {
		dst = appendHTML(dst, cutRunes(e.shownName(), p.nameWidth-3))
		dst = append(dst, "..&gt;"...)
		shown = p.nameWidth
	} else {
		dst = appendHTML(dst, e.shownName())
	}
	return append(dst, "</a>"...), shown
}

// appendParentName is appendName for the row of the parent.
func (p *apachePage) appendParentName(dst []byte) (_ []byte, shown int) {
	dst = append(dst, `<a href="`...)
	dst = appendHref(dst, parentPath(p.l.Path))
	dst = append(dst, `">`...)
	if shown = len(parentTitle); shown > p.nameWidth {
		dst = append(dst, parentTitle[:p.nameWidth-3]...)
		dst = append(dst, "..&gt;"...)
		shown = p.nameWidth
	} else {
		dst = append(dst, parentTitle...)
	}
	return append(dst, "</a>"...), shown
}

func (p *apachePage) appendTime(dst []byte, t time.Time) []byte {
	dst = t.In(p.location).AppendFormat(dst, p.dateLayout)
	return append(dst, "  "...)
}

// appendDescription appends a description, cut to its width.
func (p *apachePage) appendDescription(dst []byte, text string) []byte {
	if p.wideDesc || utf8.RuneCountInString(text) <= p.descWidth {
		return appendHTML(dst, text)
	}
	return append(appendHTML(dst, cutRunes(text, p.descWidth-1)), '>')
}

// appendDetails appends the link to the mirror list of a file.
func appendDetails(dst []byte, e *Entry) []byte {
	dst = append(dst, `<a href="`...)
	dst = appendHref(dst, e.shownName())
	return append(dst, `.mirrorlist">Details</a>`...)
}

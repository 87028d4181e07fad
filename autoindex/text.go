package autoindex

import (
	"time"
	"unicode/utf8"
)

// CaddyDateFormat is the layout of times in Text where none is set.
const CaddyDateFormat = "January 2, 2006 at 15:04:05"

// tab is as wide as terminals make it, which the columns are aligned by.
const tab = 8

// AppendText appends Caddy's columns, aligned by tabs. What is unknown is
// "-", and control characters in names become U+FFFD.
func AppendText(dst []byte, l *Listing, o *Options) []byte {
	t := newTextTable(l, o)
	dst = grow(dst, l)
	dst = t.appendRow(dst, "Name", 4, "Size", "Modified")
	dst = t.appendRow(dst, "----", 4, "----", "--------")
	var size, when []byte
	for i := range l.Entries {
		e := &l.Entries[i]
		size, when = appendTextSize(size[:0], e), t.appendTime(when[:0], e.ModTime)
		dst = t.appendRow(dst, e.shownName(), nameLength(e), string(size), string(when))
	}
	if l.Cut {
		dst = append(dst, "\nThere are more entries than are shown here.\n"...)
	}
	return dst
}

// textTable knows how wide the columns are, in whole tabs.
type textTable struct {
	nameWidth, sizeWidth int
	layout               string
	location             *time.Location
}

func newTextTable(l *Listing, o *Options) textTable {
	t := textTable{nameWidth: len("Name"), sizeWidth: len("Size"), layout: o.TextDateLayout, location: o.Location}
	if t.layout == "" {
		t.layout = CaddyDateFormat
	}
	if t.location == nil {
		t.location = time.UTC
	}
	var size []byte
	for i := range l.Entries {
		e := &l.Entries[i]
		t.nameWidth = max(t.nameWidth, nameLength(e))
		size = appendTextSize(size[:0], e)
		t.sizeWidth = max(t.sizeWidth, len(size))
	}
	// At least one blank is between columns.
	t.nameWidth = (t.nameWidth + tab) / tab * tab
	t.sizeWidth = (t.sizeWidth + tab) / tab * tab
	return t
}

func appendTextSize(dst []byte, e *Entry) []byte {
	if e.Size < 0 {
		return append(dst, '-')
	}
	return appendIEC(dst, e.Size)
}

func (t *textTable) appendTime(dst []byte, at time.Time) []byte {
	if at.IsZero() {
		return append(dst, '-')
	}
	return at.In(t.location).AppendFormat(dst, t.layout)
}

func (t *textTable) appendRow(dst []byte, name string, length int, size, when string) []byte {
	dst = appendLine(dst, name)
	dst = appendTabs(dst, t.nameWidth-length)
	dst = append(dst, size...)
	dst = appendTabs(dst, t.sizeWidth-utf8.RuneCountInString(size))
	dst = append(dst, when...)
	return append(dst, '\n')
}

// appendTabs fills a column of whole tabs.
func appendTabs(dst []byte, blank int) []byte {
	for ; blank > 0; blank -= tab {
		dst = append(dst, '\t')
	}
	return dst
}

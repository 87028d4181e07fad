package autoindex

import (
	"net/url"
	"strconv"
	"strings"
)

// pageLinks writes the queries that lead from a page to the same folder in
// another order, part or format. They keep up what else was asked for, in the
// grammar in which it was.
type pageLinks struct{ *Listing }

// sortWords are the columns in both grammars.
var sortWords = map[Column]struct{ caddy, apache string }{
	ByName:        {"name", "N"},
	ByModified:    {"time", "M"},
	BySize:        {"size", "S"},
	ByDescription: {"description", "D"},
	ByMirrors:     {"mirrors", ""},
}

// column is the one that the entries are sorted by.
func (l pageLinks) column() Column {
	if l.Order.Column == Unsorted {
		return ByName
	}
	return l.Order.Column
}

// order gives the query for an order by a column: the other way around if it is
// the one there is, else what people want first, the largest, newest, and most.
// "" if the grammar has no word for it.
func (l pageLinks) order(c Column) string {
	descending := c == ByModified || c == BySize || c == ByMirrors
	if c == l.column() {
		descending = !l.Order.Descending
	}
	return l.query(c, descending, 0)
}

// query asks for an order, and in Caddy's grammar for a part.
func (l pageLinks) query(c Column, descending bool, offset int) string {
	if l.Ask.Grammar == ApacheGrammar {
		return l.apache(c, descending)
	}
	return l.caddy(c, descending, offset)
}

// apache gives a query in Apache's grammar, with what mod_autoindex echoes; "" if
// it has no word for the column.
func (l pageLinks) apache(c Column, descending bool) string {
	word := sortWords[c].apache
	if word == "" {
		return ""
	}
	q := "?C=" + word + ";O=A"
	if descending {
		q = "?C=" + word + ";O=D"
	}
	switch l.Ask.Version {
	case On:
		q += ";V=1"
	case Off:
		q += ";V=0"
	case Unset:
	}
	if l.Ask.Pattern != "" {
		q += ";P=" + escapeArgument(l.Ask.Pattern)
	}
	if l.Ask.Search != "" {
		q += ";q=" + escapeArgument(l.Ask.Search)
	}
	return q
}

// caddy gives a query in Caddy's grammar.
func (l pageLinks) caddy(c Column, descending bool, offset int) string {
	word := sortWords[c].caddy
	if c == ByName && l.Order.FoldersFirst {
		word = "namedirfirst"
	}
	q := "?sort=" + word + "&order=asc"
	if descending {
		q = "?sort=" + word + "&order=desc"
	}
	if l.Ask.Limit > 0 {
		q += "&limit=" + strconv.Itoa(l.Ask.Limit)
	}
	if offset > 0 {
		q += "&offset=" + strconv.Itoa(offset)
	}
	if l.Ask.Search != "" {
		q += "&q=" + escapeArgument(l.Ask.Search)
	}
	return q
}

// parts gives the queries for what stands before and after the entries; "" if
// nothing does. Apache's grammar cannot ask for a part, and Caddy's not for a
// pattern.
func (l pageLinks) parts() (previous, next string) {
	if l.Ask.Pattern != "" {
		return "", ""
	}
	if l.Ask.Offset > 0 {
		step := l.Ask.Limit
		if step == 0 {
			step = max(1, len(l.Entries))
		}
		previous = l.caddy(l.column(), l.Order.Descending, min(l.Ask.Offset, max(0, l.Total))-step)
	}
	if end := l.Ask.Offset + len(l.Entries); len(l.Entries) > 0 && end < l.Total {
		next = l.caddy(l.column(), l.Order.Descending, end)
	}
	return previous, next
}

// format gives the query for the same in another format, which argument asks
// for; "" if none does.
func (l pageLinks) format(argument string) string {
	if argument == "" {
		return ""
	}
	var q string
	if l.Ask.Grammar != NoGrammar || l.Ask.Search != "" {
		q = l.query(l.column(), l.Order.Descending, l.Ask.Offset)
	}
	switch {
	case q == "":
		return "?" + argument
	case l.Ask.Grammar == ApacheGrammar:
		return q + ";" + argument
	}
	return q + "&" + argument
}

// escapeArgument escapes the value of an argument so that both grammars read it.
func escapeArgument(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

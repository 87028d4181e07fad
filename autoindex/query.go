package autoindex

import (
	"net/url"
	"strconv"
	"strings"
)

// ParseAsk reads the query of a request as it came, undecoded. Apache's grammar
// is taken when the query begins with something it knows, else Caddy's; what
// neither knows is ignored. Search and latest go with both. A query cannot be
// wrong: at worst it asks for nothing.
func ParseAsk(query string) Ask {
	var a Ask
	if !a.readApache(query) {
		a.readCaddy(query)
	}
	a.readOwn(query)
	return a
}

// readApache reads pairs "C=N" separated by ";" or "&" as mod_autoindex does: in
// upper case, values exactly as listed, later pairs win, and the first thing that
// it does not know ends the reading. It reports whether there was any pair.
func (a *Ask) readApache(query string) (any bool) {
	for query != "" {
		pair, rest := query, ""
		if i := strings.IndexAny(query, ";&"); i >= 0 {
			pair, rest = query[:i], query[i+1:]
		}
		if !a.apachePair(pair) {
			return any
		}
		a.Grammar, any, query = ApacheGrammar, true, rest
	}
	return any
}

func (a *Ask) apachePair(pair string) bool {
	if value, ok := strings.CutPrefix(pair, "P="); ok {
		a.Pattern = apachePattern(value)
		return true
	}
	switch pair {
	case "C=N":
		a.Column = ByName
	case "C=M":
		a.Column = ByModified
	case "C=S":
		a.Column = BySize
	case "C=D":
		a.Column = ByDescription
	case "O=A":
		a.Descending = Off
	case "O=D":
		a.Descending = On
	case "F=0":
		a.Format = Plain
	case "F=1":
		a.Format = Fancy
	case "F=2":
		a.Format = Table
	case "V=0":
		a.Version = Off
	case "V=1":
		a.Version = On
	default:
		return false
	}
	return true
}

// apachePattern decodes the value of P. One that cannot be decoded, or has an
// encoded slash or NUL, is ignored; "+" stands for itself.
func apachePattern(value string) string {
	p, err := url.PathUnescape(value)
	if err != nil || len(p) > MaxPattern || strings.IndexByte(p, 0) >= 0 {
		return ""
	}
	if strings.Count(p, "/") > strings.Count(value, "/") {
		return ""
	}
	return p
}

// caddyOrders are the values of sort. Caddy has the first four.
var caddyOrders = map[string]struct {
	column       Column
	foldersFirst Switch
}{
	"name":         {ByName, Off},
	"namedirfirst": {ByName, On},
	"size":         {BySize, Unset},
	"time":         {ByModified, Unset},
	"description":  {ByDescription, Unset},
	"mirrors":      {ByMirrors, Unset},
}

// readCaddy reads a form's pairs, of which the first of a name counts.
func (a *Ask) readCaddy(query string) {
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if seen[name] {
			continue
		}
		if a.caddyPair(name, value) {
			seen[name] = true
			a.Grammar = CaddyGrammar
		}
	}
}

func (a *Ask) caddyPair(name, value string) bool {
	switch name {
	case "sort":
		o, ok := caddyOrders[value]
		if ok {
			a.Column, a.FoldersFirst = o.column, o.foldersFirst
		}
		return ok
	case "order":
		switch value {
		case "asc":
			a.Descending = Off
		case "desc":
			a.Descending = On
		}
		return a.Descending != Unset
	case "limit":
		a.Limit = count(value)
		return a.Limit > 0
	case "offset":
		a.Offset = count(value)
		return a.Offset > 0
	}
	return false
}

// count reads a number of entries; what is none is 0.
func count(value string) int {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// readOwn reads what this project adds: q, latest and by, of which the first
// counts.
func (a *Ask) readOwn(query string) {
	by := ""
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == ';' || r == '&' }) {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case name == "q" && a.Search == "":
			a.Search = searchText(value)
		case name == "latest" && a.Latest == "":
			a.Latest = apachePattern(value)
		case name == "by" && by == "":
			by = value
		}
	}
	if a.Latest != "" && by == "time" {
		a.LatestBy = LatestByTime
	}
}

// searchText decodes what a form sends. A text that is too long or no text is
// not searched for.
func searchText(value string) string {
	s, err := url.QueryUnescape(value)
	if err != nil || len(s) > MaxSearch || strings.IndexByte(s, 0) >= 0 {
		return ""
	}
	return strings.TrimSpace(s)
}

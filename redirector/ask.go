package redirector

import (
	"fmt"
	"net/url"
	"strings"
)

// Ask is what the query string of a request asks for. The zero value asks for
// the file.
type Ask struct {
	Wishes
	As Representation // AsFile: the query names no document

	Explain  bool   // why the answer is what it is; of a list: on its page
	OnlyHash bool   // of digests: without the file's name
	All      bool   // of lists: every mirror that has the file, whoever asks
	Pretty   bool   // of JSON: with line breaks
	Format   string // of lists: json, text, dnf, ...; "" the usual one
	// Query holds all arguments, for rules that look at others; nil: none.
	Query url.Values
}

// maxQuery is how many bytes of query string are read. What is longer asks for
// nothing that we know.
const maxQuery = 4 << 10

// ParseAsk reads a query string. Arguments that it does not know, or cannot
// read, ask for nothing. An error: two documents are asked for at once.
func ParseAsk(raw string) (Ask, error) {
	var a Ask
	if raw == "" || len(raw) > maxQuery {
		return a, nil
	}
	a.Query, _ = url.ParseQuery(raw) // it gives what it could read
	a.Wishes = wishes(a.Query)
	a.Explain = a.Query.Has(AsExplain.String())
	for r := AsFile + 1; r < AsExplain; r++ {
		switch {
		case !a.Query.Has(r.String()):
		case a.As != AsFile:
			return Ask{}, fmt.Errorf("the query asks for %s and %s at once", a.As, r)
		default:
			a.As = r
		}
	}
	if a.Explain && a.As == AsFile {
		a.As = AsExplain
	}
	a.OnlyHash, a.All, a.Pretty = a.Query.Has("only_hash"), a.Query.Has("all"), a.Query.Has("pretty")
	a.Format = strings.ToLower(a.Query.Get("format"))
	return a, nil
}

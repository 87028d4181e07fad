package autoindex

import "time"

// Listing is a folder as it is to be shown: what every writer gets, the page for
// people included.
type Listing struct {
	// Path is the URL path of the folder, decoded, with a slash at both ends; "/"
	// is the site's top.
	Path string
	// Parent says that the first row leads to the parent folder. Nothing leads
	// above "/".
	Parent bool
	// Entries are in the order in which they are shown.
	Entries []Entry
	// Order is the order of Entries, from which links to other orders are made.
	Order Order
	// Total is how many entries there were before Limit, Offset and Cut, but
	// after hiding, pattern and search.
	Total int
	// Cut says that more entries were there than are ever shown (max_entries), or
	// that a search ended early: the page must say so.
	Cut bool
	// ModTime is the newest time of the folder and its entries; the zero value:
	// unknown.
	ModTime time.Time
	// Header and Readme stand above and below the entries.
	Header, Readme Insert
	// Ask is what the query asked for, with Ask.Pattern and Ask.Search. Links keep
	// it up.
	Ask Ask
}

// CutHeader is the header field that an answer with a Listing that is Cut must
// carry, with the value "1": so that a scanner takes nothing for absent that is
// only not shown. JSON has no other way to say so.
const CutHeader = "X-MirrorBrain-Listing-Cut"

// Insert is what an operator put beside the files to be shown around their list.
// The zero value is nothing.
type Insert struct {
	Text string
	// HTML says that Text is markup of the operator's and stands as it is; else it
	// is text and is escaped.
	HTML bool
}

// Empty reports whether there is nothing to show.
func (i Insert) Empty() bool { return i.Text == "" }

package httpindex

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// maxToken is the longest tag or text of a page, in bytes; rows are far shorter.
const maxToken = 1 << 20

// maxTail is how much of the text behind a link is kept to find date and size in.
const maxTail = 1 << 10

// htmlReader turns the tokens of a page into rows. All known servers write, for
// each file, a link and behind it date and size, ended by a new line, a new
// list item or a new table row.
type htmlReader struct {
	at    folderURL
	yield func(item) error
	page  page

	row     *item // the row being read
	outside bool  // it began outside of the area of rows
	href    string
	tail    []byte // text behind the link
	time    string // machine-readable time (Caddy)
	size    string // machine-readable size (Caddy)

	based  bool   // there was a <base href>
	astray string // which has relative links begin elsewhere
	anchor bool   // inside <a>
	pre    int    // inside <pre>
	area   int    // inside <pre>, <table> or <ul>, where rows are
	title  int    // inside <title> or a heading

	heading   []byte
	named     bool // a heading says that it is an index
	apache    bool // there are Apache's icons, or its links for another order
	parent    bool // the parent is called "../" as nginx does
	caddy     bool // there is a link to Caddy's site ...
	caddyList bool // ... and its list
	ended     bool // </html> was seen

	pending []item // rows not handed on yet, because it may be no index
	loose   []item // rows without date and size
	loosely []bool // whether those were outside of the area of rows
	rows    int    // rows with a date
	links   int    // links to children
}

func readHTML(r *bufio.Reader, at folderURL, most pageLimits, yield func(item) error) (page, error) {
	h := &htmlReader{at: at, yield: yield}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			return h.end(z.Err())
		}
		if err := h.token(z, tt); err != nil {
			return h.page, err
		}
		if h.links >= most.rows || len(h.pending)+len(h.loose) >= most.held {
			h.page.over, h.page.rows, h.row = true, h.links, nil
			return h.end(io.EOF)
		}
	}
}

func (h *htmlReader) token(z *html.Tokenizer, tt html.TokenType) error {
	switch tt {
	case html.TextToken:
		return h.text(z.Text())
	case html.StartTagToken, html.SelfClosingTagToken:
		return h.open(z)
	case html.EndTagToken:
		name, _ := z.TagName()
		return h.close(string(name))
	}
	return nil
}

func (h *htmlReader) open(z *html.Tokenizer) error {
	name, more := z.TagName()
	tag := string(name)
	var href string
	based := false
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch k := string(key); {
		case tag == "a" && k == "href":
			href = string(value)
		case tag == "base" && k == "href":
			href, based = string(value), true
		case tag == "time" && k == "datetime":
			h.time = string(value)
		case k == "data-size":
			h.size = string(value)
		case tag == "img" && k == "alt":
			h.apache = h.apache || len(value) == 5 && value[0] == '[' && value[4] == ']' // [DIR], [   ]
		case tag == "div" && k == "class" && bytes.HasPrefix(value, []byte("listing")):
			h.caddyList = true
		}
	}
	switch tag {
	case "a":
		h.anchor = true
		return h.link(href)
	case "base":
		if based && !h.based { // the first one counts
			h.based = true
			h.base(href)
		}
	case "pre":
		h.pre++
		h.area++
	case "table", "ul":
		h.area++
	case "title", "h1", "h2":
		h.title++
	case "td":
		h.addTail(" ")
	case "tr", "li", "br", "hr":
		return h.flush()
	}
	return nil
}

func (h *htmlReader) close(tag string) error {
	switch tag {
	case "a":
		h.anchor = false
	case "title", "h1", "h2":
		h.title = max(h.title-1, 0)
		h.named = h.named || isIndexTitle(string(h.heading))
		h.heading = h.heading[:0]
	case "html":
		h.ended = true
	case "pre", "table", "ul":
		err := h.flush()
		if tag == "pre" {
			h.pre = max(h.pre-1, 0)
		}
		h.area = max(h.area-1, 0)
		return err
	case "tr", "li", "body":
		return h.flush()
	}
	return nil
}

// isIndexTitle knows the titles of index pages.
func isIndexTitle(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, p := range []string{"index of", "directory listing", "directory index", "listing of"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func (h *htmlReader) text(text []byte) error {
	if h.title > 0 && len(h.heading) < 256 {
		h.heading = append(h.heading, text[:min(len(text), 256)]...)
	}
	switch {
	case h.anchor:
		h.parent = h.parent || h.href == "../" && string(text) == "../"
		return nil
	case h.row == nil:
		return nil
	}
	if h.pre > 0 { // a row ends with its line
		if line, _, more := bytes.Cut(text, []byte("\n")); more {
			h.addTail(string(line))
			return h.flush()
		}
	}
	h.addTail(string(text))
	return nil
}

func (h *htmlReader) addTail(s string) {
	if h.row != nil && len(h.tail)+len(s) <= maxTail {
		h.tail = append(h.tail, s...)
	}
}

// base makes links lead from where the page says. A page on a server behind
// another one may name a host that only that one knows: then nothing on it is
// seen as a child, which must not be taken for an empty folder.
func (h *htmlReader) base(href string) {
	if !h.at.rebase(href) {
		h.astray = fmt.Sprintf("its links lead elsewhere: <base href=%.300q>", href)
	}
}

// link begins a row, unless it leads elsewhere or is the row's second link
// (icons may be links too).
func (h *htmlReader) link(href string) error {
	if h.row != nil && href == h.href {
		return nil
	}
	if strings.HasPrefix(href, "?C=") {
		h.apache = true
	}
	if strings.HasPrefix(href, "https://caddyserver.com") {
		h.caddy = true
	}
	name, dir, kind := h.at.resolve(href)
	if kind == elsewhere {
		if href == "../" {
			h.href = href
		}
		return nil
	}
	if err := h.flush(); err != nil {
		return err
	}
	if kind == refused {
		h.page.refused++
		return nil
	}
	h.href, h.time, h.size = href, "", ""
	h.outside = h.area == 0
	h.row = &item{name: name, sizeMin: -1, sizeMax: -1}
	if dir {
		h.row.kind = listing.Dir
	}
	return nil
}

// flush ends a row: its date and size are read from what followed the link.
func (h *htmlReader) flush() error {
	row := h.row
	if row == nil {
		return nil
	}
	h.describe(row)
	h.row, h.href, h.tail, h.time, h.size = nil, "", h.tail[:0], "", ""
	h.links++
	if row.precision > 0 {
		h.rows++
	}
	if row.sizeMin < 0 && row.precision == 0 {
		h.loose = append(h.loose, *row)
		h.loosely = append(h.loosely, h.outside)
		return nil
	}
	if !h.index() {
		h.pending = append(h.pending, *row)
		return nil
	}
	if err := h.drain(); err != nil {
		return err
	}
	return h.emit(*row)
}

// index reports whether the page is known to be an index by what was seen so far.
func (h *htmlReader) index() bool { return h.named || h.caddy && h.caddyList }

func (h *htmlReader) emit(it item) error {
	if err := h.yield(it); err != nil {
		return stopError{err}
	}
	return nil
}

func (h *htmlReader) drain() error {
	for _, it := range h.pending {
		if err := h.emit(it); err != nil {
			return err
		}
	}
	h.pending = nil
	return nil
}

// describe reads date and size of a row.
func (h *htmlReader) describe(row *item) {
	if h.time != "" || h.size != "" {
		h.describeCaddy(row)
		return
	}
	tail := strings.ReplaceAll(strings.TrimLeft(string(h.tail), "/"), "\u00a0", " ")
	words := strings.Fields(tail)
	var date shownDate
	dated, size := -1, 0
	for i := 0; i+1 < len(words) && i < 3; i++ {
		if d, ok := parseDate(words[i], words[i+1]); ok {
			date, dated, size = d, i, i+2
			break
		}
	}
	if dated >= 0 {
		row.mtime, row.precision, row.zoneUnknown = date.at.UnixNano(), date.precision, true
	}
	if row.kind != listing.File || size >= len(words) {
		return
	}
	if lo, hi, ok := sizeBounds(words[size], h.dialects(date, dated >= 0)...); ok {
		row.sizeMin, row.sizeMax = lo, hi
	}
}

// dialects guesses whose sizes these are; nearest candidates when it cannot be
// told.
func (h *htmlReader) dialects(date shownDate, dated bool) []dialect {
	switch {
	case dated && date.form == yearJanForm:
		return []dialect{lighttpd}
	case h.apache, dated && date.form == isoForm:
		return []dialect{apache}
	case h.parent:
		return []dialect{nginx}
	}
	return []dialect{apache, nginx, lighttpd}
}

// describeCaddy reads what Caddy's page says to its own script.
func (h *htmlReader) describeCaddy(row *item) {
	if n, err := strconv.ParseInt(h.size, 10, 64); err == nil && n >= 0 && row.kind == listing.File {
		row.sizeMin, row.sizeMax = n, n
	}
	linked := bytes.Contains(h.tail, []byte("↱")) // the time is the link's
	if at, err := parseRFC3339(h.time); err == nil && !linked {
		row.mtime, row.precision = at.Truncate(time.Second).UnixNano(), time.Second
	}
}

// end decides what the page was.
func (h *htmlReader) end(cause error) (page, error) {
	if err := h.flush(); err != nil {
		return h.page, err
	}
	if errors.Is(cause, html.ErrBufferExceeded) {
		cause = fmt.Errorf("%w: a tag of more than %d bytes", listing.ErrNotIndex, maxToken)
	}
	if !errors.Is(cause, io.EOF) {
		return h.page, cause
	}
	// Without a title that says so, most children have to have a date.
	if !h.index() && (h.rows == 0 || 2*h.rows < h.links) {
		return h.page, listing.ErrNotIndex
	}
	if err := h.drain(); err != nil {
		return h.page, err
	}
	for i, it := range h.loose {
		// Links in a header or footer text are not rows; where rows have no
		// date and size at all, they cannot be told apart.
		if h.loosely[i] && h.rows > 0 {
			continue
		}
		if err := h.emit(it); err != nil {
			return h.page, err
		}
	}
	if h.links == 0 || h.at.from == noPlace {
		h.page.astray = h.astray
	}
	if !h.ended {
		h.page.cut = "the page ends without </html>"
	}
	return h.page, nil
}

package autoindex

import (
	"encoding/hex"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// pageRows writes the rows of a page by appending: a folder may have 50,000, for
// which html/template takes seconds, and which are many megabytes. What it appends
// is either constant, or went through appendText, appendPageHref or a function that
// gives digits.
type pageRows struct {
	*Page

	to     io.Writer // that of the template
	list   *Listing
	words  *page.Words
	shown  Columns
	parent bool // the first row leads to the folder above
	now    time.Time

	b    []byte
	ages map[int64]string // by minutes, as HTML
}

// rowsAtOnce is about how many bytes of rows are held before they are written.
const rowsAtOnce = 64 << 10

// write writes the rows where the template that calls it has arrived, past the
// template: it executes step by step and keeps nothing back. What it gets to
// write itself is nothing.
func (r *pageRows) write() (template.HTML, error) {
	r.b = make([]byte, 0, rowsAtOnce+4<<10)
	r.ages = make(map[int64]string)
	if r.parent {
		r.up()
	}
	for i := range r.list.Entries {
		r.row(&r.list.Entries[i])
		if len(r.b) >= rowsAtOnce {
			if err := r.flush(); err != nil {
				return "", err
			}
		}
	}
	return "", r.flush()
}

func (r *pageRows) flush() error {
	_, err := r.to.Write(r.b)
	r.b = r.b[:0]
	return err
}

func (r *pageRows) add(s string) { r.b = append(r.b, s...) }

func (r *pageRows) text(s string) { r.b = appendText(r.b, s) }

// up is the row that leads to the folder above.
func (r *pageRows) up() {
	r.add(`<tr class="mirrorbrain-kind-up"><th scope="row"><a href="../">`)
	r.text(r.words.Index.Parent)
	r.add(`</a></th>`)
	for _, c := range [...]Columns{Size, Modified, Mirrors, Details} {
		if r.shown&c != 0 {
			r.add("<td></td>")
		}
	}
	r.add("</tr>\n")
}

func (r *pageRows) row(e *Entry) {
	r.add(`<tr class="mirrorbrain-kind-`)
	r.add(string(kindOf(e)))
	r.add(`"><th scope="row">`)
	r.name(e)
	r.add("</th>")
	if r.shown&Size != 0 {
		r.size(e)
	}
	if r.shown&Modified != 0 {
		r.modified(e)
	}
	if r.shown&Mirrors != 0 {
		r.mirrors(e)
	}
	if r.shown&Details != 0 {
		r.more(e)
	}
	r.add("</tr>\n")
}

// name is the link to the entry, and what there is to say about it in words.
func (r *pageRows) name(e *Entry) {
	r.href(e, "")
	r.text(e.Name)
	if e.Dir {
		r.add("/")
	}
	r.add("</a>")
	if e.Folder != "" {
		r.add(`<small><a href="`)
		r.b = appendPageHref(r.b, e.Folder, "")
		r.add(`">`)
		r.text(e.Folder)
		r.add("</a></small>")
	}
	if e.SymlinkTarget != "" {
		r.add("<small>→ ")
		r.text(e.SymlinkTarget)
		r.add("</small>")
	}
	if e.Description != "" && r.shown&Description != 0 {
		r.add("<small>")
		r.text(e.Description)
		r.add("</small>")
	}
}

// longestName is how many bytes the name of a file has on most disks. Servers that
// look for a file refuse longer ones; a query asks for the same.
const longestName = 255

// href begins a link to the entry or, with a suffix, to what there is about it.
func (r *pageRows) href(e *Entry, suffix string) {
	r.add(`<a href="`)
	r.b = appendPageHref(r.b, e.Folder, e.Name)
	if e.Dir {
		r.add("/")
	}
	if len(e.Name)+len(suffix) > longestName && suffix != "" {
		r.add("?")
		suffix = suffix[1:]
	}
	r.add(suffix)
	r.add(`">`)
}

func (r *pageRows) size(e *Entry) {
	n := e.Size
	if e.Dir {
		n = e.Bytes
	}
	r.add(`<td class="mirrorbrain-size">`)
	if n >= 0 {
		r.text(r.words.Size(n))
	}
	r.add("</td>")
}

func (r *pageRows) modified(e *Entry) {
	r.add(`<td class="mirrorbrain-modified">`)
	if !e.ModTime.IsZero() {
		t := e.ModTime.In(r.options.Location)
		r.add(`<time datetime="`)
		r.b = t.UTC().AppendFormat(r.b, "2006-01-02T15:04Z")
		r.add(`" title="`)
		r.b = t.AppendFormat(r.b, "2006-01-02 15:04 MST") // zones have letters, digits and signs (RFC 9636 section 3.2)
		r.add(`">`)
		r.add(r.age(e.ModTime))
		r.add("</time>")
	}
	r.add("</td>")
}

// age says how old something is. Ages are told in whole minutes at the least.
func (r *pageRows) age(t time.Time) string {
	d := max(0, r.now.Sub(t))
	minutes := int64(d / time.Minute)
	if s, ok := r.ages[minutes]; ok {
		return s
	}
	s := string(appendText(nil, r.words.AgoOf(d)))
	r.ages[minutes] = s
	return s
}

// mirrors is how many hold the file, with a link to which.
func (r *pageRows) mirrors(e *Entry) {
	listed := e.Documents.Has(MirrorList)
	r.add(`<td class="mirrorbrain-mirrors">`)
	if e.Dir || e.Mirrors < 0 && !listed {
		r.add("</td>")
		return
	}
	if listed {
		r.href(e, ".mirrorlist")
	}
	unit := r.words.Index.Several
	switch {
	case e.Mirrors < 0:
		r.text(r.words.Index.Mirrors)
	default:
		if e.Mirrors == 1 {
			unit = r.words.Index.Mirror
		}
		r.text(r.words.Number(int64(e.Mirrors)))
		r.add("<span> ")
		r.text(unit)
		r.add("</span>")
	}
	if listed {
		r.add("</a>")
	}
	r.add("</td>")
}

// more is how many files a folder has, and the other ways to get a file.
func (r *pageRows) more(e *Entry) {
	if e.Dir {
		r.add(`<td class="mirrorbrain-below">`)
		if e.Files >= 0 {
			r.text(r.words.Count(r.words.Index.Files, e.Files))
		}
		r.add("</td>")
		return
	}
	r.add(`<td class="mirrorbrain-more">`)
	r.ways(e)
	r.add("</td>")
}

// ways are those that most people can use; the list of mirrors has all.
func (r *pageRows) ways(e *Entry) {
	switch {
	case e.Documents.Has(Meta4):
		r.way(e, ".meta4", r.words.Index.Metalink)
	case e.Documents.Has(Metalink):
		r.way(e, ".metalink", r.words.Index.Metalink)
	}
	if e.Documents.Has(Torrent) {
		r.way(e, ".torrent", r.words.List.Documents["torrent"])
	}
	label := r.words.List.Documents["sha256"]
	switch {
	case e.HasSHA256():
		r.add(`<details name="mirrorbrain-digest"><summary>`)
		r.text(label)
		r.add(`</summary><div><code class="mirrorbrain-copy" data-label="`)
		r.text(label)
		r.add(`">`)
		r.b = hex.AppendEncode(r.b, e.SHA256[:])
		r.add(`</code></div></details>`)
	case e.Documents.Has(SHA256):
		r.way(e, ".sha256", label)
	}
}

func (r *pageRows) way(e *Entry, suffix, label string) {
	r.href(e, suffix)
	r.text(label)
	r.add("</a> ")
}

// appendPageHref appends a relative URL (RFC 3986 section 4.2) of the bytes of a
// name. A colon in its first segment would make a scheme of what is before it.
func appendPageHref(b []byte, folder, name string) []byte {
	first := name
	if folder != "" {
		first, _, _ = strings.Cut(folder, "/")
	}
	if strings.IndexByte(first, ':') >= 0 || first == "" {
		b = append(b, "./"...)
	}
	return mirror.AppendEscaped(mirror.AppendEscaped(b, folder), name)
}

// appendText appends text as page.Readable has it, so that HTML reads it as
// text, also in an attribute in quotation marks.
func appendText(b []byte, s string) []byte {
	s = page.Readable(s)
	plain := 0
	for i := range len(s) {
		var entity string
		switch s[i] {
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;"
		case '&':
			entity = "&amp;"
		case '"':
			entity = "&#34;"
		case '\'':
			entity = "&#39;"
		default:
			continue
		}
		b = append(append(b, s[plain:i]...), entity...)
		plain = i + 1
	}
	return append(b, s[plain:]...)
}

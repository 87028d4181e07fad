package autoindex

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// pageView is a page as the template sees it: everything in words.
type pageView struct {
	page.Frame

	Path  string  // of the folder, with a slash at both ends
	Name  string  // the folder's own, or what was searched for in it
	Crumb []crumb // the folders above, or down to the one that was searched
	Facts []string

	Search   bool   // there is a form
	Asked    string // what was searched for; "" nothing was
	Pattern  string // names that do not match are left out
	Cut      string // what is not shown, in words
	Part     string
	Previous string // queries
	Next     string

	Header, Readme insert

	Heads []pageHead
	Table bool   // there are rows
	Empty string // what stands in place of them

	rows pageRows
}

// crumb is a folder above; URL is empty if there must be no link to it.
type crumb struct{ URL, Name string }

// pageHead is the head of a column. Query is empty if there is no link.
type pageHead struct{ Class, Label, Query, Sort string }

// insert is what an operator put beside the files.
type insert struct {
	Text string
	HTML template.HTML
}

func newInsert(i Insert) insert {
	if i.HTML {
		return insert{HTML: template.HTML(i.Text)} //nolint:gosec // markup of the operator's, see Insert
	}
	var b strings.Builder
	for line := range strings.Lines(i.Text) {
		text, end := strings.CutSuffix(line, "\n")
		b.WriteString(strings.ReplaceAll(page.Readable(strings.TrimSuffix(text, "\r")), "␉", "\t"))
		if end {
			b.WriteByte('\n')
		}
	}
	return insert{Text: b.String()}
}

// view gives what the template sees when it is executed into to.
func (p *Page) view(to io.Writer, w *page.Words, l *Listing, now time.Time) *pageView {
	path := page.Readable(l.Path)
	v := &pageView{
		Frame: p.look.Frame(w, fmt.Sprintf(w.Index.Title, path)), Path: path, Search: p.options.Search,
		Asked: page.Readable(l.Ask.Search), Pattern: page.Readable(l.Ask.Pattern),
		Header: newInsert(l.Header), Readme: newInsert(l.Readme),
	}
	v.At(now.UnixNano())
	links := pageLinks{l}
	v.Programs, v.Plain = links.format(p.options.JSON), links.format(p.options.Text)
	v.crumbs(l, w)
	if v.Asked != "" {
		v.Title = fmt.Sprintf(w.Index.SearchTitle, v.Asked, path)
		v.Crumb = append(v.Crumb, crumb{"./", v.Name})
		v.Name = fmt.Sprintf(w.Index.Quoted, v.Asked)
	}
	v.missing(links, p.options.Fixed)
	shown := p.columns(l)
	v.heads(links, shown, p.options.Fixed)
	up := l.Parent && v.Asked == "" && len(v.Crumb) > 0
	v.rows = pageRows{Page: p, to: to, list: l, words: w, shown: shown, parent: up, now: now}
	v.Table = up || len(l.Entries) > 0
	v.facts(l)
	return v
}

// Rows writes the rows of the table.
func (v *pageView) Rows() (template.HTML, error) { return v.rows.write() }

// crumbs names the folder and those above it.
func (v *pageView) crumbs(l *Listing, w *page.Words) {
	names := strings.Split(strings.Trim(l.Path, "/"), "/")
	if names[0] == "" {
		v.Name = w.Index.Top
		return
	}
	v.Name = page.Readable(names[len(names)-1])
	for i := range names {
		c := crumb{Name: w.Index.Top}
		if i > 0 {
			c.Name = page.Readable(names[i-1])
		}
		if l.Parent {
			c.URL = strings.Repeat("../", len(names)-i)
		}
		v.Crumb = append(v.Crumb, c)
	}
}

// missing says what there is that the page does not show.
func (v *pageView) missing(links pageLinks, fixed bool) {
	w, l := &v.Words.Index, links.Listing
	first, last := l.Ask.Offset+1, l.Ask.Offset+len(l.Entries)
	switch {
	case l.Ask.Search != "" && l.Cut:
		v.Cut = w.Ended
	case len(l.Entries) > 0 && len(l.Entries) < l.Total:
		v.Part = fmt.Sprintf(w.Part, v.Words.Number(int64(first)), v.Words.Number(int64(last)), v.Words.Number(int64(l.Total)))
	case l.Cut:
		v.Cut = w.Cut
	}
	if !fixed {
		v.Previous, v.Next = links.parts()
	}
	switch {
	case len(l.Entries) > 0:
	case l.Ask.Search != "":
		v.Empty = w.Nothing
	default:
		v.Empty = w.Empty
	}
}

// columns leaves out those in which no entry has anything to say.
func (p *Page) columns(l *Listing) Columns {
	var said Columns
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Dir && e.Bytes >= 0 || !e.Dir && e.Size >= 0 {
			said |= Size
		}
		if !e.ModTime.IsZero() {
			said |= Modified
		}
		if !e.Dir && (e.Mirrors >= 0 || e.Documents.Has(MirrorList)) {
			said |= Mirrors
		}
		if e.Dir && e.Files >= 0 || e.Documents&(Meta4|Metalink|Torrent|SHA256) != 0 || e.HasSHA256() {
			said |= Details
		}
		if e.Description != "" {
			said |= Description
		}
	}
	return said & p.options.Columns
}

// heads names the columns, and links to the orders by them.
func (v *pageView) heads(links pageLinks, shown Columns, fixed bool) {
	w := &v.Words.Index
	for _, c := range [...]struct {
		column Column
		shown  Columns
		class  string
		label  string
	}{
		{ByName, 0, "name", w.Name},
		{BySize, Size, "size", w.Size},
		{ByModified, Modified, "modified", w.Modified},
		{ByMirrors, Mirrors, "mirrors", w.Mirrors},
		{Unsorted, Details, "more", w.More},
	} {
		if shown&c.shown != c.shown {
			continue
		}
		h := pageHead{Class: c.class, Label: c.label}
		if c.column != Unsorted && !fixed {
			h.Query = links.order(c.column)
		}
		if c.column == links.column() {
			h.Sort = "ascending"
			if links.Order.Descending {
				h.Sort = "descending"
			}
		}
		v.Heads = append(v.Heads, h)
	}
}

// facts counts what there is, if the page shows all of it.
func (v *pageView) facts(l *Listing) {
	w := v.Words
	if v.Asked != "" {
		v.Facts = []string{w.Count(w.Index.Found, int64(max(l.Total, len(l.Entries))))}
		return
	}
	if l.Total > len(l.Entries) {
		v.Facts = []string{w.Count(w.Index.Entries, int64(l.Total))}
		return
	}
	s := sum(l.Entries)
	if s.folders > 0 {
		v.Facts = append(v.Facts, w.Count(w.Index.Folders, s.folders))
	}
	if s.files > 0 || s.folders == 0 {
		v.Facts = append(v.Facts, w.Count(w.Index.Files, s.files))
	}
	switch {
	case s.folders > 0 && s.known:
		v.Facts = append(v.Facts, fmt.Sprintf(w.Index.Below, w.Size(s.bytesBelow), w.Count(w.Index.Files, s.filesBelow)))
	case s.bytes > 0:
		v.Facts = append(v.Facts, w.Size(s.bytes))
	}
}

// sums are those of the entries of a folder.
type sums struct {
	folders, files, bytes  int64
	filesBelow, bytesBelow int64 // in all depths
	known                  bool  // what is below
}

func sum(entries []Entry) sums {
	s := sums{known: true}
	for i := range entries {
		e := &entries[i]
		if !e.Dir {
			s.files++
			s.bytes += max(0, e.Size)
			continue
		}
		s.folders++
		s.known = s.known && e.Files >= 0 && e.Bytes >= 0
		s.filesBelow += e.Files
		s.bytesBelow += e.Bytes
	}
	s.filesBelow += s.files
	s.bytesBelow += s.bytes
	return s
}

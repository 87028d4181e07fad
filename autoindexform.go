package mirrorbrain

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// AutoindexForm is how listings are written.
type AutoindexForm struct {
	// The format for requests that ask for none: `html`, `plain`, `fancy`, `table`,
	// `text`, `json`, or `auto`, by the Accept header. Default: `auto`.
	Format string `json:"format,omitempty"`

	// By what entries are sorted: `name`, `modified`, `size`, `description` or
	// `mirrors`, and `asc` or `desc` after it. Default: `name`, `asc`.
	Sort []string `json:"sort,omitempty"`

	// Whether folders stand before files. Default: true.
	FoldersFirst *bool `json:"folders_first,omitempty"`

	// Whether numbers in names are compared as numbers. Default: true.
	VersionSort *bool `json:"version_sort,omitempty"`

	// Whether upper and lower case are the same in the order of names. Default:
	// true.
	IgnoreCase *bool `json:"ignore_case,omitempty"`

	// The columns beside the name in `fancy` and `table`: of `modified`, `size`,
	// `description`, `mirrors`, and `details`, which links to the mirror list of
	// each file as MirrorBrain did. Default: `modified`, `size`, `description`.
	Columns []string `json:"columns,omitempty"`

	// The width of names and of descriptions in characters, in `fancy` and `table`.
	// -1: as wide as the longest. Default: 23.
	NameWidth        int `json:"name_width,omitempty"`
	DescriptionWidth int `json:"description_width,omitempty"`

	// How times are written in `fancy` and `table`: a layout of Go's package time,
	// or `apache2.2` for `02-Jan-2006 15:04`. Default: `2006-01-02 15:04`.
	DateFormat string `json:"date_format,omitempty"`

	// The same for `text`. Default: `January 2, 2006 at 15:04:05`.
	TextDateFormat string `json:"text_date_format,omitempty"`

	// The time zone of these times, such as `Europe/Berlin`, or `local`. Default:
	// UTC.
	TimeZone string `json:"time_zone,omitempty"`

	// Whether the first row leads to the folder above. Default: true.
	Parent *bool `json:"parent,omitempty"`

	// Whether columns link to other orders. Default: true.
	ColumnLinks *bool `json:"column_links,omitempty"`

	// Whether there are lines above and below the entries of `fancy`. Default:
	// true.
	Rules *bool `json:"rules,omitempty"`

	// Whether what clients ask for in the query about order and format is ignored.
	// Default: false.
	IgnoreClient bool `json:"ignore_client,omitempty"`

	// Descriptions: of the first pattern that matches an entry. Default: none.
	Descriptions []AutoindexDescription `json:"descriptions,omitempty"`

	// Names of files whose text stands above the entries; the first that is in the
	// folder counts. What ends in .html or .htm is markup. Default: none.
	Header []string `json:"header,omitempty"`

	// The same for the text below. Default: none.
	Readme []string `json:"readme,omitempty"`

	// Whether `header` markup comes after the beginning of the page. If not, it is
	// the page's beginning itself, in `plain`, `fancy` and `table`. Default: true.
	Preamble *bool `json:"preamble,omitempty"`

	// URL of a style sheet for `plain`, `fancy` and `table`. Default: none.
	StyleSheet string `json:"style_sheet,omitempty"`

	// Markup for the head of `plain`, `fancy` and `table`. Default: none.
	HeadInsert string `json:"head_insert,omitempty"`

	options  autoindex.Options
	describe autoindex.Descriptions
	page     *autoindex.Page
}

// AutoindexDescription describes what matches a pattern.
type AutoindexDescription struct {
	// A glob for the whole path if it has a slash, for the name if it has
	// wildcards, else a part of the name.
	Pattern string `json:"pattern,omitempty"`

	// Text, without markup.
	Text string `json:"text,omitempty"`
}

func (f *AutoindexForm) setFormDefaults() {
	def(&f.Format, "auto")
	for _, on := range []**bool{&f.FoldersFirst, &f.VersionSort, &f.IgnoreCase, &f.Parent, &f.ColumnLinks, &f.Rules, &f.Preamble} {
		defPtr(on, true)
	}
}

// sortWords are those of `sort`; Caddy's are among them.
var sortWords = map[string]autoindex.Column{
	"name": autoindex.ByName, "modified": autoindex.ByModified, "time": autoindex.ByModified, "size": autoindex.BySize,
	"description": autoindex.ByDescription, "mirrors": autoindex.ByMirrors,
}

var columnWords = map[string]autoindex.Columns{
	"modified": autoindex.Modified, "size": autoindex.Size, "description": autoindex.Description,
	"mirrors": autoindex.Mirrors, "details": autoindex.Details,
}

// provideForm turns the settings into what package autoindex knows.
func (f *AutoindexForm) provideForm() (err error) {
	f.options = autoindex.Options{
		NameWidth: f.NameWidth, DescriptionWidth: f.DescriptionWidth, DateLayout: f.DateFormat, TextDateLayout: f.TextDateFormat,
		IgnoreClient: f.IgnoreClient, SuppressColumnSorting: !*f.ColumnLinks, SuppressRules: !*f.Rules,
		SuppressHTMLPreamble: !*f.Preamble, StyleSheet: f.StyleSheet, HeadInsert: f.HeadInsert,
	}
	if f.options.Format, err = autoindex.ParseFormat(f.Format); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	if f.options.Order, err = f.order(); err != nil {
		return err
	}
	for _, word := range f.Columns {
		c, ok := columnWords[word]
		if !ok {
			return fmt.Errorf("columns: %q is none of modified, size, description, mirrors, details", word)
		}
		f.options.Columns |= c
	}
	if f.DateFormat == "apache2.2" {
		f.options.DateLayout = autoindex.OldDateFormat
	}
	if f.options.Location, err = location(f.TimeZone); err != nil {
		return err
	}
	for _, d := range f.Descriptions {
		if err := f.describe.Add(d.Text, d.Pattern); err != nil {
			return err
		}
	}
	return f.options.Validate()
}

func (f *AutoindexForm) order() (o autoindex.Order, err error) {
	o = autoindex.Order{Column: autoindex.ByName, FoldersFirst: *f.FoldersFirst, Version: *f.VersionSort, IgnoreCase: *f.IgnoreCase}
	if len(f.Sort) == 0 {
		return o, nil
	}
	column, ok := sortWords[f.Sort[0]]
	if !ok || len(f.Sort) > 2 {
		return o, fmt.Errorf("sort: %q: name, modified, size, description or mirrors, and then asc or desc", strings.Join(f.Sort, " "))
	}
	o.Column = column
	if len(f.Sort) == 2 {
		if f.Sort[1] != "asc" && f.Sort[1] != "desc" {
			return o, fmt.Errorf("sort: %q is neither asc nor desc", f.Sort[1])
		}
		o.Descending = f.Sort[1] == "desc"
	}
	return o, nil
}

func location(name string) (*time.Location, error) {
	switch name {
	case "", "UTC", "utc":
		return time.UTC, nil
	case "local":
		return time.Local, nil
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time_zone: %w", err)
	}
	return l, nil
}

// providePage prepares the page for people.
func (f *AutoindexForm) providePage(x *Autoindex) (err error) {
	f.page, err = autoindex.NewPage(x.look, autoindex.PageOptions{
		Columns: f.options.Columns, Location: f.options.Location, Fixed: f.IgnoreClient || !*f.ColumnLinks,
		Search: *x.Search, JSON: "format=json", Text: "format=text",
	})
	return err
}

// ask reads a query: beside what package autoindex reads, `format` is understood,
// for links to the same in another format.
func (f *AutoindexForm) ask(query string) autoindex.Ask {
	a := f.options.Ask(query)
	if f.IgnoreClient || a.Format != autoindex.Auto || !strings.Contains(query, "format=") {
		return a
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if word, ok := strings.CutPrefix(pair, "format="); ok {
			if format, err := autoindex.ParseFormat(word); err == nil {
				a.Format = format
			}
			break
		}
	}
	return a
}

package mirrorbrain

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// The order of the directive is registered with that of mirrorbrain, behind
// which it stands.
func init() {
	httpcaddyfile.RegisterHandlerDirective("mirrorbrain_autoindex", parseAutoindex)
}

// parseAutoindex hides the Caddyfile, as file_server does.
func parseAutoindex(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	x := new(Autoindex)
	if err := x.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	x.Hide = append(x.Hide, h.Caddyfiles()...)
	return x, nil
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	mirrorbrain_autoindex [<matcher>] [<instance>] {
//	    source            auto | disk | index
//	    root              <path> | off
//	    fs                <name>
//	    hide              <files...>
//	    ignore            <globs...>
//	    index_files       <names...> | off
//	    symlinks          follow | inside | hide
//	    reveal_symlinks   on | off
//	    closed            hide | pass
//	    max_entries       <n>
//	    search            on | off
//	    latest            on | off
//	    refresh           <duration>
//	    cache_size        <size>
//	    max_age           <duration> | off
//
//	    format            auto | html | plain | fancy | table | text | json
//	    sort              name | modified | size | description | mirrors [asc | desc]
//	    folders_first     on | off
//	    version_sort      on | off
//	    ignore_case       on | off
//	    columns           [modified] [size] [description] [mirrors] [details]
//	    name_width        <n> | *
//	    description_width <n> | *
//	    date_format       <layout> | apache2.2
//	    text_date_format  <layout>
//	    time_zone         <zone>
//	    parent            on | off
//	    column_links      on | off
//	    rules             on | off
//	    ignore_client     on | off
//	    describe          <pattern> <text>
//	    header            <names...>
//	    readme            <names...>
//	    preamble          on | off
//	    style_sheet       <url>
//	    head_insert       <markup>
//	    pages { ... }
//	}
//
// hide, ignore, describe, header and readme may be repeated.
func (x *Autoindex) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		x.Instance = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, x, autoindexOptions, []string{"hide", "ignore", "describe", "header", "readme"})
}

var autoindexOptions = map[string]func(*caddyfile.Dispenser, *Autoindex) error{
	"source":          func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.Source) },
	"root":            func(d *caddyfile.Dispenser, x *Autoindex) error { return rootArg(d, &x.Root) },
	"fs":              func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.FileSystem) },
	"hide":            func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Hide) },
	"ignore":          func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Ignore) },
	"index_files":     parseIndexFiles,
	"symlinks":        func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.Symlinks) },
	"reveal_symlinks": func(d *caddyfile.Dispenser, x *Autoindex) error { return yes(d, &x.RevealSymlinks) },
	"closed":          func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.Closed) },
	"max_entries":     func(d *caddyfile.Dispenser, x *Autoindex) error { return positive(d, &x.MaxEntries) },
	"search":          func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.Search) },
	"latest":          func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.Latest) },
	"refresh":         func(d *caddyfile.Dispenser, x *Autoindex) error { return duration(d, &x.Refresh) },
	"cache_size":      func(d *caddyfile.Dispenser, x *Autoindex) error { return size(d, &x.CacheSize) },
	"max_age":         func(d *caddyfile.Dispenser, x *Autoindex) error { return age(d, &x.MaxAge) },
	"pages":           func(d *caddyfile.Dispenser, x *Autoindex) error { return parsePages(d, &x.Pages) },

	"format":            func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.Format) },
	"sort":              func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Sort) },
	"folders_first":     func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.FoldersFirst) },
	"version_sort":      func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.VersionSort) },
	"ignore_case":       func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.IgnoreCase) },
	"columns":           func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Columns) },
	"name_width":        func(d *caddyfile.Dispenser, x *Autoindex) error { return width(d, &x.NameWidth) },
	"description_width": func(d *caddyfile.Dispenser, x *Autoindex) error { return width(d, &x.DescriptionWidth) },
	"date_format":       func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.DateFormat) },
	"text_date_format":  func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.TextDateFormat) },
	"time_zone":         func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.TimeZone) },
	"parent":            func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.Parent) },
	"column_links":      func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.ColumnLinks) },
	"rules":             func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.Rules) },
	"ignore_client":     func(d *caddyfile.Dispenser, x *Autoindex) error { return yes(d, &x.IgnoreClient) },
	"describe":          parseDescribe,
	"header":            func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Header) },
	"readme":            func(d *caddyfile.Dispenser, x *Autoindex) error { return list(d, &x.Readme) },
	"preamble":          func(d *caddyfile.Dispenser, x *Autoindex) error { return onOff(d, &x.Preamble) },
	"style_sheet":       func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.StyleSheet) },
	"head_insert":       func(d *caddyfile.Dispenser, x *Autoindex) error { return oneArg(d, &x.HeadInsert) },
}

func parseDescribe(d *caddyfile.Dispenser, x *Autoindex) error {
	var e AutoindexDescription
	if !d.AllArgs(&e.Pattern, &e.Text) {
		return d.ArgErr()
	}
	x.Descriptions = append(x.Descriptions, e)
	return nil
}

// parseIndexFiles reads names; off alone is an empty list, which differs from
// none.
func parseIndexFiles(d *caddyfile.Dispenser, x *Autoindex) error {
	x.IndexFiles = []string{}
	if err := list(d, &x.IndexFiles); err != nil {
		return err
	}
	if len(x.IndexFiles) == 1 && x.IndexFiles[0] == "off" {
		x.IndexFiles = []string{}
	}
	return nil
}

func positive(d *caddyfile.Dispenser, to *int) error {
	if err := number(d, to); err != nil {
		return err
	}
	if *to == 0 {
		return d.Errf("'%s' is not a positive number", d.Val())
	}
	return nil
}

// width reads a number of characters, or * for as many as are needed.
func width(d *caddyfile.Dispenser, to *int) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	if s == "*" {
		*to = autoindex.Widest
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return d.Errf("'%s' is neither a number of characters nor *", s)
	}
	*to = n
	return nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/holding"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorlist"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

var tableFormats = []string{"html", "text", "markdown"}

// mirrorlistOptions are the flags of `mirrorlist`.
type mirrorlistOptions struct {
	format, out, filter, title string
	header, footer             string // files
	theme                      page.Theme
	noMap                      bool
	flags                      *pflag.FlagSet // which of them were given
}

func newMirrorlistCommand(a *app) *cobra.Command {
	var o mirrorlistOptions
	cmd := &cobra.Command{
		Use:   "mirrorlist [NAME...]",
		Short: "Write the list of mirrors for a website",
		Long: `Writes a table of the enabled mirrors, or of those named, for people: by continent
and country, with operator, links, the share of the load in one to four stars, and
a column for each marker (see 'mbctl markers') that says which mirrors have its
files. Mirrors for one network alone (--as-only, --prefix-only) are left out.
Users and passwords in URLs are never shown. The page needs no other file; it has
light and dark colours.

With -o the file is replaced at once, and keeps its mode.

When -o names a folder (one that is there, or a name that ends in a slash), the
pages of 'mirrorbrain_status' are written into it, with all that belongs to them:
index.html and the same in other orders, a page, JSON and a badge for each mirror,
mirrors.json, mirmon.txt, badge.svg. They need no server of ours, not even a web
server. Each file is replaced at once; those of mirrors that are gone are taken
away, if they were written by this command (.mbctl-files lists them). Flags go before
the table 'pages' of the instance in mbctl.toml, which has the keys of 'pages' in a
Caddyfile.`,
		Example: `  mbctl mirrorlist -o /srv/www/mirrors.html --title 'Mirrors of Example OS'
  mbctl mirrorlist -f markdown --filter '^eu-'
  mbctl mirrorlist -f text example
  mbctl mirrorlist -o /srv/www/mirrors/ --project 'Example OS' --language de`,
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runMirrorlist(cmd.Context(), args, o)
		},
	}
	fs := cmd.Flags()
	o.flags = fs
	fs.StringVarP(&o.format, "format", "f", "html", "`FORMAT`: html, text or markdown")
	fs.StringVarP(&o.out, "output", "o", "", "`FILE` to put it into, at once, or folder for the pages; - is standard output")
	fs.StringVarP(&o.filter, "filter", "F", "", "only mirrors whose names match this regular `EXPRESSION`")
	fs.StringVar(&o.title, "title", "", "`TEXT` of the heading (default Mirrors)")
	fs.StringVar(&o.header, "header", "", "`FILE` of HTML to put before the list")
	fs.StringVar(&o.footer, "footer", "", "`FILE` of HTML to put after the list")
	fs.StringVar(&o.theme.Name, "project", "", "folder: `NAME` of the project, at the head of each page")
	fs.StringVar(&o.theme.Home, "home", "", "folder: `URL` that the name leads to")
	fs.StringVar(&o.theme.Logo, "logo", "", "folder: `URL` of an image before the name")
	fs.StringVar(&o.theme.Style, "style", "", "folder: `URL` of a style sheet that is read after the pages' own")
	fs.StringVar(&o.theme.Templates, "templates", "", "folder: `FOLDER` with blocks that take the place of the pages' own")
	fs.StringSliceVar(&o.theme.Languages, "language", nil, "folder: `LANGUAGE` of the pages (default en)")
	fs.BoolVar(&o.noMap, "no-map", false, "folder: without the map of the world")
	offer(cmd, "format", tableFormats...)
	return cmd
}

func (a *app) runMirrorlist(ctx context.Context, names []string, o mirrorlistOptions) error {
	if !slices.Contains(tableFormats, o.format) {
		return usagef("--format %q: must be html, text or markdown", o.format)
	}
	filter, err := regexp.Compile(o.filter)
	if err != nil {
		return usagef("--filter: %w", err)
	}
	if outIsFolder(o.out) {
		return a.runMirrorPages(ctx, names, filter, o)
	}
	t := mirrorlist.Table{Title: o.title, Made: time.Now()}
	for file, to := range map[string]*string{o.header: &t.Header, o.footer: &t.Footer} {
		if file == "" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		*to = string(b)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	mirrors, err := a.listed(ctx, names, filter)
	if err != nil {
		return err
	}
	if err := fillTable(ctx, db, &t, mirrors); err != nil {
		return err
	}
	return a.writeTable(&t, o)
}

// listed gives the mirrors for the list.
func (a *app) listed(ctx context.Context, names []string, filter *regexp.Regexp) (list []mirror.Mirror, err error) {
	if len(names) == 0 {
		if list, err = a.db.Mirrors(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return slices.DeleteFunc(list, func(m mirror.Mirror) bool {
		return !m.Enabled || m.ASOnly || m.PrefixOnly || !filter.MatchString(m.Name)
	}), nil
}

func fillTable(ctx context.Context, db *store.Store, t *mirrorlist.Table, mirrors []mirror.Mirror) error {
	markers, err := db.Markers(ctx)
	if err != nil {
		return err
	}
	found, err := holding.FindMarkers(ctx, db, markers)
	if err != nil {
		return err
	}
	for _, f := range found {
		t.Markers = append(t.Markers, f.Name)
	}
	for i := range mirrors {
		m := &mirrors[i]
		row := mirrorlist.TableMirror{
			Name: m.Name, Continent: m.Continent, Country: m.Country, Operator: m.OperatorName, OperatorURL: m.OperatorURL,
			Notes: m.PublicNotes, URLs: append(slices.Clone(m.HTTP), m.FTP, m.Rsync), Score: m.Score,
		}
		if len(found) > 0 {
			h, err := db.HoldingsOf(ctx, m.ID)
			if err != nil {
				return fmt.Errorf("mirror %s: %w", m.Name, err)
			}
			for _, f := range found {
				row.Holds = append(row.Holds, f.Has(h.Held))
			}
		}
		t.Mirrors = append(t.Mirrors, row)
	}
	return nil
}

func (a *app) writeTable(t *mirrorlist.Table, o mirrorlistOptions) error {
	var b bytes.Buffer
	switch {
	case a.json:
		return a.printJSON(tableDoc(t))
	case o.format == "html":
		if err := t.WriteHTML(&b); err != nil {
			return err
		}
	case o.format == "markdown":
		b.Write(t.AppendMarkdown(nil))
	default:
		b.Write(t.AppendText(nil))
	}
	return a.output(o.out, b.Bytes())
}

// listedDoc is a mirror of the list in JSON output.
type listedDoc struct {
	Name      string          `json:"name"`
	Continent string          `json:"continent"`
	Country   string          `json:"country"`
	Operator  string          `json:"operator"`
	URLs      []string        `json:"urls"`
	Score     int             `json:"score"`
	Markers   map[string]bool `json:"markers"`
}

func tableDoc(t *mirrorlist.Table) []listedDoc {
	docs := []listedDoc{}
	for i := range t.Mirrors {
		m := &t.Mirrors[i]
		d := listedDoc{m.Name, m.Continent, m.Country, m.Operator, []string{}, m.Score, map[string]bool{}}
		for _, u := range m.URLs {
			if u = withoutUser(u); u != "" {
				d.URLs = append(d.URLs, u)
			}
		}
		for j, name := range t.Markers {
			d.Markers[name] = m.Holds[j]
		}
		docs = append(docs, d)
	}
	return docs
}

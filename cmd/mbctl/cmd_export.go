package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var exportFormats = []string{"yaml", "json", "csv", "mirmon", "mirmon-apache"}

// exportOptions are the flags of `export`.
type exportOptions struct {
	format, out, dir string
	all, emails      bool
}

func newExportCommand(a *app) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export FORMAT",
		Short: "Write the mirrors for other programs, or to keep them in git",
		Long: `Writes the mirrors in one of these formats:

  yaml           every setting of every mirror, as 'mbctl import' reads it. With
                 --dir each mirror has a file NAME.yaml, fit to be kept in git:
                 the same mirrors give the same bytes. Files of mirrors that are
                 gone are removed, if 'mbctl export' wrote them
  json, csv      what everybody may know of the enabled mirrors, and their state
  mirmon         the list of mirrors that mirmon reads (list_style plain): country,
                 URL, one line for each URL
  mirmon-apache  the same with list_style apache: protocol, country, URL

Passwords are never written. In YAML a comment says where one belongs; import
keeps the stored one as long as the rest of its URL stays. The other formats
leave out users too, and have contacts only with --emails. mirmon looks for a
file below each URL, so mirrors of a subtree are left out for it.

A dump for PostgreSQL is what pg_dump makes.`,
		Example: `  mbctl export yaml --dir mirrors && git -C mirrors add -A && git -C mirrors commit -m mirrors
  mbctl export mirmon -o /etc/mirmon/mirrors
  mbctl export csv --all`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: exportFormats,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.format = args[0]
			return a.runExport(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.out, "output", "o", "", "`FILE` to put it into, at once; - is standard output")
	fs.StringVar(&o.dir, "dir", "", "yaml: `FOLDER` with one file for each mirror")
	fs.BoolVarP(&o.all, "all", "a", false, "disabled mirrors too (yaml: always)")
	fs.BoolVar(&o.emails, "emails", false, "json, csv, mirmon: with the contacts, which are private")
	cmd.MarkFlagsMutuallyExclusive("output", "dir")
	return cmd
}

func (a *app) runExport(ctx context.Context, o exportOptions) error {
	switch {
	case !slices.Contains(exportFormats, o.format):
		return usagef("export: there is no format %q, only: %s", o.format, strings.Join(exportFormats, ", "))
	case o.dir != "" && o.format != "yaml":
		return usagef("--dir is for yaml: %s goes into one file (-o)", o.format)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	mirrors, err := db.Mirrors(ctx)
	if err != nil {
		return err
	}
	if len(mirrors) == 0 {
		a.sayNoMirrors(0)
	}
	if o.dir != "" {
		return a.exportFolder(o.dir, mirrors)
	}
	if o.format != "yaml" && !o.all {
		mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool { return !m.Enabled })
	}
	data, err := a.exported(o, mirrors)
	if err != nil {
		return err
	}
	return a.output(o.out, data)
}

// exported is what one stream of a format holds.
func (a *app) exported(o exportOptions, mirrors []mirror.Mirror) ([]byte, error) {
	switch o.format {
	case "yaml":
		return yamlStream(mirrors)
	case "csv":
		return a.exportCSV(mirrors, o.emails)
	case "json":
		docs := []publicDoc{}
		for i := range mirrors {
			docs = append(docs, a.publicOf(&mirrors[i], o.emails))
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err := enc.Encode(docs)
		return b.Bytes(), err
	default:
		return a.exportMirmon(mirrors, o), nil
	}
}

func yamlStream(mirrors []mirror.Mirror) ([]byte, error) {
	var b bytes.Buffer
	for i := range mirrors {
		doc, err := mirrorYAML(&mirrors[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(doc)
	}
	return b.Bytes(), nil
}

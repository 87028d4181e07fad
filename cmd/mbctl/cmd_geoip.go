package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

func newGeoIPCommand(a *app) *cobra.Command {
	var edition string
	var force bool
	update := &cobra.Command{
		Use:   "update",
		Short: "Get new GeoIP databases from their publishers",
		Long: `Gets the databases at geoip and geoip_asn of mbctl.toml anew from geoip_source and
geoip_asn_source:

  dbip             DB-IP's free databases, of this month or else the last
  maxmind          MaxMind's free ones, with maxmind_account and the license key in
                   maxmind_license_file
  maxmind:EDITION  another one of MaxMind's, for example maxmind:GeoIP2-City
  https://...      an mmdb file, plain, .gz or .tar.gz

Only what changed is fetched. A new database takes the old one's place at once,
after it was read to its end, opened and asked; whatever goes wrong, the old one
stays. Nodes on this host have it in use a moment later.

Exit codes: 0 got or not changed; 1 error; 2 usage; 3 some databases failed.`,
		Example: "  mbctl geoip update\n  mbctl geoip update --edition asn --force",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch edition {
			case "", "city", "country", "asn":
				return a.runGeoIPUpdate(cmd.Context(), edition, force)
			}
			return usagef("--edition %s: must be city, country or asn", edition)
		},
	}
	update.Flags().StringVar(&edition, "edition", "", "get this `EDITION` alone: city, country or asn")
	update.Flags().BoolVar(&force, "force", false, "get it even if it is there, or older than what is there")
	status := &cobra.Command{
		Use:   "status",
		Short: "Show the GeoIP databases of this host, and which ones nodes use",
		Long: `Shows the GeoIP databases of this host, and which files the nodes use. Piped, the
columns are separated by tabs: host or node, use, file, type, date, age, source.`,
		Example: "  mbctl geoip status",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runGeoIPStatus(cmd.Context()) },
	}
	return group("geoip", "GeoIP databases: files that tell places and networks", update, status)
}

// geoipDoc is a database in JSON output.
type geoipDoc struct {
	Node   string     `json:"node,omitempty"` // "": this host
	Use    string     `json:"use"`
	Path   string     `json:"path"`
	Type   string     `json:"type,omitempty"`
	Built  *time.Time `json:"built,omitempty"`
	Source string     `json:"source,omitempty"`

	Changed *bool  `json:"changed,omitempty"`
	Note    string `json:"note,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (d *geoipDoc) fill(info geoip.Info) {
	if d.Type = info.Type; info.Type != "" {
		d.Built = &info.Built
	}
}

func (d *geoipDoc) built(now time.Time) (date, old string) {
	if d.Built == nil {
		return "", ""
	}
	return d.Built.Format(time.DateOnly), age(*d.Built, now)
}

func (a *app) runGeoIPUpdate(ctx context.Context, edition string, force bool) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	done, err := conf.updateGeoIP(ctx, edition, force)
	if errors.Is(err, errNoGeoIPSource) {
		return fmt.Errorf("%w: set geoip and geoip_source, or geoip_asn and geoip_asn_source, in %s", err, a.configFile())
	}
	if err != nil {
		return err
	}
	docs := []geoipDoc{}
	var failed []error
	for _, u := range done {
		d := geoipDoc{Use: u.use, Path: u.path, Source: u.URL, Changed: &u.Changed, Note: u.Note}
		d.fill(u.Info)
		if u.err != nil {
			d.Error = u.err.Error()
			failed = append(failed, fmt.Errorf("%s: %w", u.path, u.err))
		}
		docs = append(docs, d)
	}
	if a.json {
		err = a.printJSON(docs)
	} else {
		a.sayUpdates(docs, time.Now())
	}
	switch {
	case len(failed) == 0:
		return err
	case len(failed) < len(done):
		return &codedError{exitSomeFailed, errors.Join(failed...)}
	}
	return errors.Join(failed...)
}

func (a *app) sayUpdates(docs []geoipDoc, now time.Time) {
	for i := range docs {
		d := &docs[i]
		if d.Error != "" {
			continue // said as the error
		}
		note := d.Note
		if *d.Changed {
			note = "got from " + d.Source
		}
		date, old := d.built(now)
		a.say("%s", printable(fmt.Sprintf("%s: %s; in use is %s, built %s (%s)", d.Path, note, d.Type, date, old)))
	}
}

func (a *app) runGeoIPStatus(ctx context.Context) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	docs := []geoipDoc{}
	for _, f := range conf.geoipFiles() {
		d := geoipDoc{Use: f.use, Path: f.path}
		if f.source != "" {
			if src, err := conf.geoipSource(&f, ""); err != nil {
				d.Error = err.Error()
			} else {
				d.Source = src.String()
			}
		}
		info, err := geoip.Inspect(f.path, f.kinds)
		if err != nil {
			d.Error = err.Error()
		}
		d.fill(info)
		docs = append(docs, d)
	}
	nodes, err := a.geoipOfNodes(ctx)
	if err != nil {
		a.note("what nodes use is not known: %s", printable(err.Error()))
	}
	if docs = append(docs, nodes...); a.json {
		return a.printJSON(docs)
	}
	a.printGeoIP(docs, time.Now())
	return nil
}

// geoipOfNodes gives the files that nodes use, as they said.
func (a *app) geoipOfNodes(ctx context.Context) (docs []geoipDoc, err error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		var said struct {
			GeoIP    string `json:"geoip"`
			GeoIPASN string `json:"geoip_asn"`
		}
		if err := json.Unmarshal([]byte(n.Settings), &said); err != nil {
			continue // of another version
		}
		if said.GeoIP != "" {
			docs = append(docs, geoipDoc{Node: n.Name, Use: "places", Path: said.GeoIP})
		}
		if said.GeoIPASN != "" {
			docs = append(docs, geoipDoc{Node: n.Name, Use: "networks", Path: said.GeoIPASN})
		}
	}
	return docs, nil
}

func (a *app) printGeoIP(docs []geoipDoc, now time.Time) {
	s := sheet{header: []string{"where", "for", "file", "type", "built", "age", "source"}}
	for i := range docs {
		d := &docs[i]
		where, note := "here", d.Source
		if d.Node != "" {
			where = "node " + d.Node
		}
		if d.Error != "" {
			note = d.Error
		}
		date, old := d.built(now)
		s.rows = append(s.rows, []string{where, d.Use, d.Path, d.Type, date, old, note})
	}
	if len(docs) == 0 {
		a.note("No GeoIP database is configured: geoip and geoip_asn in %s", a.configFile())
		return
	}
	a.printTable(s)
}

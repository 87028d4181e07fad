package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newASNUpdateCommand(a *app) *cobra.Command {
	var f tableFlags
	var urls []string
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch the table of announced prefixes, and import it if it is new",
		Long: `Fetches files from where asn_sources in mbctl.toml or --url say (http, https, and
paths of files), and does what 'asn import' does with all of them together. What
has not changed since the last time is not fetched again, and when nothing has,
nothing is imported. A source whose name is pfx2as-creation.log (CAIDA's list of
its files) stands for the newest file on it.

When anything fails the table that is there stays. 'mbctl daemon' does it every
asn_interval (1d), if asn_sources is set.`,
		Example: `  mbctl asn update --url https://iptoasn.com/data/ip2asn-combined.tsv.gz
  mbctl asn update --dry-run --url https://publicdata.caida.org/datasets/routing/routeviews-prefix2as/pfx2as-creation.log
  mbctl -q asn update                      # from cron, with asn_sources`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runASNUpdate(cmd.Context(), urls, f)
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&urls, "url", nil, "`URL` or file to import instead of asn_sources (several: one table)")
	return cmd
}

func (a *app) runASNUpdate(ctx context.Context, urls []string, f tableFlags) error {
	if len(urls) == 0 {
		conf, err := a.config()
		if err != nil {
			return err
		}
		if urls = conf.ASNSources; len(urls) == 0 {
			return usagef("no source is known: set asn_sources in %s, or name one with --url", a.configFile())
		}
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	u := networkUpdate{db: db, sources: urls, force: f.force}
	defer u.clean()
	fresh, err := u.fetch(ctx)
	if err != nil {
		return notChanged(err)
	}
	if !fresh {
		return a.sayUnchanged(u.present)
	}
	t, err := u.load()
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.showTableChange(ctx, db, t, u.names(), f.force)
	}
	if err := u.replace(ctx, t); err != nil {
		return err
	}
	return a.sayImported(t, u.names())
}

func (a *app) sayUnchanged(present store.ASImport) error {
	if a.json {
		return a.printJSON(map[string]any{"changed": false, "prefixes": present.Prefixes})
	}
	a.say("not changed: the sources are as they were when %s prefixes were imported on %s", count(present.Prefixes), present.At.UTC().Format("2006-01-02 15:04 MST"))
	return nil
}

// networkUpdate is one run of `asn update`.
type networkUpdate struct {
	db      *store.Store
	sources []string // URLs and paths
	force   bool     // take what has not changed, too, and what is small

	present store.ASImport
	got     []fetched // of each source
	dir     string    // temporary; "": none yet
}

// fetch gets the files, and reports whether one of them is new.
func (u *networkUpdate) fetch(ctx context.Context) (fresh bool, err error) {
	if u.present, err = u.db.ASImport(ctx); err != nil {
		return false, err
	}
	known, err := readSourceStates(ctx, u.db, u.present.Generation, u.sources)
	if err != nil {
		return false, err
	}
	if u.dir, err = os.MkdirTemp("", "mbctl-asn-*"); err != nil {
		return false, err
	}
	if u.force {
		known = make([]sourceState, len(u.sources))
	}
	u.got = make([]fetched, len(u.sources))
	for i, source := range u.sources {
		if u.got[i], err = fetchSource(ctx, source, u.dir, known[i]); err != nil {
			return false, err
		}
	}
	for i := range u.got {
		fresh = fresh || !u.got[i].unchanged && (known[i].Sum == "" || u.got[i].Sum != known[i].Sum)
	}
	if !fresh {
		return false, nil
	}
	// An import is of all files of one state.
	for i, source := range u.sources {
		if !u.got[i].unchanged {
			continue
		}
		if u.got[i], err = fetchSource(ctx, source, u.dir, sourceState{}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// load reads what was fetched.
func (u *networkUpdate) load() (*networks, error) {
	t, err := loadNetworks(u.files())
	if err == nil {
		return t, nil
	}
	text := err.Error() // which names temporary files
	for i := range u.got {
		text = strings.ReplaceAll(text, u.got[i].path, u.got[i].name)
	}
	return nil, notChanged(errors.New(text))
}

// replace stores the table, and remembers what it was made from.
func (u *networkUpdate) replace(ctx context.Context, t *networks) error {
	if err := t.replace(ctx, u.db, strings.Join(u.names(), ", "), u.force); err != nil {
		return err
	}
	if err := u.remember(ctx); err != nil {
		return fmt.Errorf("the table was imported, but the next update will fetch it again: %w", err)
	}
	return nil
}

func (u *networkUpdate) remember(ctx context.Context) error {
	present, err := u.db.ASImport(ctx)
	if err != nil {
		return err
	}
	states := make([]sourceState, len(u.got))
	for i := range u.got {
		states[i] = u.got[i].sourceState
	}
	return writeSourceStates(ctx, u.db, present.Generation, u.sources, states)
}

func (u *networkUpdate) files() []string {
	all := make([]string, len(u.got))
	for i := range u.got {
		all[i] = u.got[i].path
	}
	return all
}

// names are the sources as they may be shown.
func (u *networkUpdate) names() []string {
	all := make([]string, len(u.got))
	for i := range u.got {
		all[i] = u.got[i].name
	}
	return all
}

func (u *networkUpdate) clean() {
	if u.dir != "" {
		_ = os.RemoveAll(u.dir) // nobody needs it
	}
}

// showSource makes a source fit to be shown: what some publishers have behind
// the question mark is a password, too, and what others have for a user's name a key.
func showSource(source string) string {
	if strings.Contains(source, "://") {
		source, _, _ = strings.Cut(source, "?")
	}
	if u, err := url.Parse(source); err == nil && u.User != nil {
		u.User = nil
		return u.String()
	}
	return mirror.Redact(source)
}

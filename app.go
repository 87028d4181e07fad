package mirrorbrain

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// defaultInstance is the name of the instance that is meant where none is named.
const defaultInstance = "default"

// App holds what the `mirrorbrain` handlers answer from: for each instance (a
// tree with its mirrors) a database, of which a copy is kept in memory, and
// GeoIP data. A database that is away stops neither the start nor a reload, and
// no request waits for it.
type App struct {
	// The instances by name. Handlers that name none use `default`. Default: one
	// instance `default` with default settings.
	Instances map[string]*Instance `json:"instances,omitempty"`

	logger    *slog.Logger
	instances map[string]*instance
	release   []func() // gives back what was taken from the pools

	mu     sync.Mutex
	sites  []*Handler
	listed map[string]bool    // instances whose index is listed where there is no local tree
	cancel context.CancelFunc // of the loops of this configuration
	loops  sync.WaitGroup
}

// Instance is a tree with its mirrors.
type Instance struct {
	// URL of the database: `postgres://user:password@host1,host2/name` or
	// `sqlite:///absolute/path.db`. Placeholders are replaced when the
	// configuration is loaded, so that `{env.MIRRORBRAIN_DATABASE}` and
	// `{file./run/secrets/dsn}` keep passwords out of it. Default: the SQLite
	// file that `mbctl` uses too, `/var/lib/mirrorbrain/mirrorbrain.db` if that
	// folder exists, else `$XDG_DATA_HOME/mirrorbrain/mirrorbrain.db`.
	Database string `json:"database,omitempty"`

	// How many connections to PostgreSQL may be open at once. Default: 4.
	MaxConnections int `json:"max_connections,omitempty"`

	// A City or Country database (mmdb) for clients' countries, continents and
	// coordinates. It is read again when the file changes. Placeholders are
	// replaced when the configuration is loaded. Default: none.
	GeoIP string `json:"geoip,omitempty"`

	// An AS database (mmdb), for addresses that the prefix table in the database
	// does not know. Otherwise as `geoip`. Default: none.
	GeoIPASN string `json:"geoip_asn,omitempty"`

	// Where networks are, whatever the databases say. For the same network they go
	// before the rules of the database (`mbctl geo`). Placeholders in networks are
	// replaced when the configuration is loaded. Default: none.
	GeoOverrides []geoip.Override `json:"geo_overrides,omitempty"`

	// Mirrors whose last accepted scan is older take no requests. Default: the
	// setting in the database, else 14d.
	MaxScanAge caddy.Duration `json:"max_scan_age,omitempty"`

	// How the pages of the sites look that do not say it themselves. Default: as
	// they come.
	Pages page.Theme `json:"pages,omitzero"`

	// The name under which `mbctl status` shows this server. Where instances share
	// a database, a second one of the same name gets that of the instance appended.
	// Default: the host's name.
	Node string `json:"node,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "mirrorbrain",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision joins the pools. It opens no connection.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = ctx.Slogger()
	logs.offer(a.logger)
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if len(a.Instances) == 0 {
		a.Instances = map[string]*Instance{defaultInstance: {}}
	}
	a.instances = map[string]*instance{}
	repl := caddy.NewReplacer()
	for name, conf := range a.Instances {
		if err := mirror.ValidName(name); err != nil {
			return fmt.Errorf("instance: %w", err)
		}
		if conf == nil {
			conf = new(Instance)
		}
		in, err := a.provisionInstance(name, *conf, repl)
		if err != nil {
			return fmt.Errorf("instance %s: %w", name, err)
		}
		a.instances[name] = in
	}
	a.tellNodesApart()
	return nil
}

// tellNodesApart names the nodes of instances that share a database, which would
// otherwise take turns in one row of it.
func (a *App) tellNodesApart() {
	names := slices.Sorted(maps.Keys(a.instances))
	if i := slices.Index(names, defaultInstance); i > 0 { // that one keeps its name
		names = slices.Insert(slices.Delete(names, i, i+1), 0, defaultInstance)
	}
	taken := map[[2]string]bool{}
	for _, name := range names {
		in := a.instances[name]
		if taken[[2]string{in.db.file, in.Node}] {
			in.Node += "/" + name
		}
		taken[[2]string{in.db.file, in.Node}] = true
	}
}

func (a *App) provisionInstance(name string, conf Instance, repl *caddy.Replacer) (*instance, error) {
	in := &instance{Instance: conf, name: name}
	for _, s := range []struct {
		what string
		text *string
	}{{"database", &in.Database}, {"geoip", &in.GeoIP}, {"geoip_asn", &in.GeoIPASN}, {"node", &in.Node}} {
		if *s.text == "" {
			continue
		}
		// What is configured and comes out empty must not become the default.
		v, err := repl.ReplaceOrErr(*s.text, true, true)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.what, err)
		}
		if v == "" {
			return nil, fmt.Errorf("%s: %s is empty", s.what, *s.text)
		}
		*s.text = v
	}
	if in.MaxScanAge < 0 || in.MaxConnections < 0 {
		return nil, fmt.Errorf("max_scan_age and max_connections must not be negative")
	}
	if in.Node == "" {
		in.Node = hostname()
	}
	if err := in.provisionOverrides(repl); err != nil {
		return nil, err
	}
	var err error
	if in.db, err = acquire(a, databases, databaseKey(in.Database, in.MaxConnections), func() (*database, error) {
		return newDatabase(in.Database, in.MaxConnections)
	}); err != nil {
		return nil, err
	}
	if in.GeoIP != "" {
		if in.places, err = acquire(a, placeFiles, absolute(in.GeoIP), func() (*placeFile, error) {
			db, err := geoip.Open(in.GeoIP, logs.logger())
			return &placeFile{db}, err
		}); err != nil {
			return nil, err
		}
	}
	if in.GeoIPASN != "" {
		if in.networks, err = acquire(a, networkFiles, absolute(in.GeoIPASN), func() (*networkFile, error) {
			db, err := geoip.OpenASN(in.GeoIPASN, logs.logger())
			return &networkFile{db}, err
		}); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Start launches the loops: the catalogs' (which go on over reloads) and those
// that tell the databases about this node.
func (a *App) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	a.mu.Lock()
	a.cancel = cancel
	a.mu.Unlock()
	running.add(a)
	a.follow()
	watched := map[*database]bool{}
	for _, in := range a.instances {
		in.db.start()
		a.loops.Go(func() { a.announce(ctx, in) })
		if !watched[in.db] && a.bringsForward(in.db) {
			watched[in.db] = true
			a.loops.Go(func() { a.bringForward(ctx, in) })
		}
	}
	return nil
}

// Stop ends the loops of this configuration.
func (a *App) Stop() error {
	a.stopLoops()
	return nil
}

func (a *App) stopLoops() {
	running.remove(a)
	if left := running.last(); left != nil { // a reload that failed leaves the old configuration at work
		left.follow()
	}
	a.mu.Lock()
	cancel := a.cancel
	a.cancel = nil
	a.mu.Unlock()
	if cancel != nil {
		cancel()
		a.loops.Wait()
	}
}

// Cleanup gives back what Provision took, however far it came.
func (a *App) Cleanup() error {
	a.stopLoops()
	release := a.release
	a.release = nil
	for _, f := range slices.Backward(release) {
		f()
	}
	logs.retract(a.logger)
	return nil
}

// addSite notes a handler of this configuration, for the node's settings.
func (a *App) addSite(h *Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sites = append(a.sites, h)
}

// addListed notes that the folders of an instance's index can be listed.
func (a *App) addListed(instance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listed == nil {
		a.listed = map[string]bool{}
	}
	a.listed[instance] = true
}

// isListed reports whether what is no file may be a folder that is listed.
func (a *App) isListed(instance string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.listed[instance]
}

// names lists the instances for messages.
func (a *App) names() string {
	names := make([]string, 0, len(a.instances))
	for name := range a.instances {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

var (
	_ caddy.App             = (*App)(nil)
	_ caddy.Provisioner     = (*App)(nil)
	_ caddy.CleanerUpper    = (*App)(nil)
	_ caddyfile.Unmarshaler = (*App)(nil)
)

package mirrorbrain

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func init() { caddy.RegisterModule(new(Autoindex)) }

// Autoindex lists folders: as a page for people, in the forms that Apache's
// mod_autoindex has, as text, and as JSON. It reads the local tree, and adds what
// the index knows of the files; or lists the index alone. What is not a folder, or
// has an index file, it passes on to the next handler, which is `file_server`.
//
// It needs neither the `mirrorbrain` handler nor a database.
type Autoindex struct {
	// The instance of the `mirrorbrain` app whose index is used. Default:
	// `default`, if the configuration has any.
	Instance string `json:"instance,omitempty"`

	// Where entries come from: `disk`, the local tree alone; `index`, the index
	// alone; `auto`, the local tree with what the index knows of it, or the index
	// where there is no local tree. Default: `auto`.
	Source string `json:"source,omitempty"`

	// The local tree. `off`: there is none. Placeholders are replaced at each
	// request. Default: `{http.vars.root}`, which the `root` directive sets.
	Root string `json:"root,omitempty"`

	// The file system of the configuration that the local tree is in.
	// Placeholders are replaced at each request. Default: `{http.vars.fs}`, else
	// the disk.
	FileSystem string `json:"fs,omitempty"`

	// Files or folders that are hidden, and passed on: as `hide` of `file_server`.
	// Default: the Caddyfile.
	Hide []string `json:"hide,omitempty"`

	// Names that are left out of listings: globs as of Apache's `IndexIgnore`.
	// Default: none.
	Ignore []string `json:"ignore,omitempty"`

	// Files that stand for their folder, which is passed on then. An empty list:
	// none. Default:
	// `index.html`, `index.txt`.
	IndexFiles []string `json:"index_files,omitzero"`

	// What becomes of symbolic links: `follow`, `inside`, only if they lead to
	// something below the root, or `hide`. Default: `follow`.
	Symlinks string `json:"symlinks,omitempty"`

	// Whether the targets of symbolic links are told, in JSON and in the page.
	// Default: false.
	RevealSymlinks bool `json:"reveal_symlinks,omitempty"`

	// Whether files and folders that others may not read (a staged release) are
	// left out: `hide` or `pass`. Default: `hide`.
	Closed string `json:"closed,omitempty"`

	// How many entries are shown; a listing that is cut says so. Default: 50000.
	MaxEntries int `json:"max_entries,omitempty"`

	// Whether names can be searched for (`?q=`) below a folder. Default: true where
	// there is an index, else false.
	Search *bool `json:"search,omitempty"`

	// Whether `?latest=<glob>` leads to the newest match. Default: true.
	Latest *bool `json:"latest,omitempty"`

	// How old a listing from memory may be. Default: 2s.
	Refresh caddy.Duration `json:"refresh,omitempty"`

	// How much memory listings may take, in bytes. Default: 64 MiB.
	CacheSize int64 `json:"cache_size,omitempty"`

	// How long clients and shared caches may keep a listing without asking. -1: not
	// at all. Default: 5s.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	AutoindexForm

	// How the page for people looks. Default: as the instance's `pages` say.
	Pages page.Theme `json:"pages,omitzero"`

	logger  *slog.Logger
	app     *App
	rt      *instance // nil: no index
	fsmap   caddy.FileSystems
	hide    []string // as Hide, where there are no placeholders absolute
	links   disk.Links
	ignore  []*autoindex.Pattern
	look    *page.Look
	memory  *listings
	walking chan struct{} // holds one for each search of the disk
}

// The values of Autoindex.Source.
const (
	sourceAuto  = "auto"
	sourceDisk  = "disk"
	sourceIndex = "index"
)

// CaddyModule returns the Caddy module information.
func (*Autoindex) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.mirrorbrain_autoindex",
		New: func() caddy.Module { return new(Autoindex) },
	}
}

// Provision sets up the handler.
func (x *Autoindex) Provision(ctx caddy.Context) error {
	x.logger = ctx.Slogger()
	x.fsmap = ctx.FileSystems()
	def(&x.Source, sourceAuto)
	if err := x.provisionIndex(ctx); err != nil {
		return err
	}
	x.setDefaults()
	repl := caddy.NewReplacer()
	x.provisionHide(repl)
	for _, text := range x.Ignore {
		p, err := autoindex.ParsePattern(text)
		if err != nil {
			return fmt.Errorf("ignore: %w", err)
		}
		x.ignore = append(x.ignore, p)
	}
	var err error
	if x.look, err = openPages(&x.Pages, x.rt, repl); err != nil {
		return err
	}
	if err := x.provideForm(); err != nil {
		return err
	}
	if err := x.providePage(x); err != nil {
		return err
	}
	x.walking = make(chan struct{}, 1)
	x.memory = newListings(x.CacheSize)
	return nil
}

// provisionIndex finds the instance. Without any in the configuration, the local
// tree is listed as it is.
func (x *Autoindex) provisionIndex(ctx caddy.Context) error {
	var mod any
	var err error
	switch {
	case x.Source == sourceDisk:
		return nil
	case x.Source == sourceAuto && x.Instance == "":
		if mod, err = ctx.AppIfConfigured("mirrorbrain"); errors.Is(err, caddy.ErrNotConfigured) {
			return nil
		}
	default:
		mod, err = ctx.App("mirrorbrain")
	}
	if err != nil {
		return fmt.Errorf("getting the mirrorbrain app: %w", err)
	}
	def(&x.Instance, defaultInstance)
	x.app = mod.(*App)
	if x.rt = x.app.instances[x.Instance]; x.rt == nil {
		return fmt.Errorf("no instance %q: the global option mirrorbrain configures %s", x.Instance, x.app.names())
	}
	if x.Root == rootOff {
		x.app.addListed(x.Instance)
	}
	return nil
}

func (x *Autoindex) setDefaults() {
	def(&x.Root, "{http.vars.root}")
	def(&x.FileSystem, "{http.vars.fs}")
	def(&x.Symlinks, "follow")
	def(&x.Closed, "hide")
	def(&x.MaxEntries, 50_000)
	def(&x.Refresh, caddy.Duration(2*time.Second))
	def(&x.CacheSize, 64<<20)
	def(&x.MaxAge, caddy.Duration(5*time.Second))
	defPtr(&x.Search, x.rt != nil)
	defPtr(&x.Latest, true)
	if x.IndexFiles == nil {
		x.IndexFiles = []string{"index.html", "index.txt"}
	}
	x.setFormDefaults()
	x.links = disk.Follow
	switch x.Symlinks {
	case "inside":
		x.links = disk.Inside
	case "hide":
		x.links = disk.Hide
	}
}

// provisionHide makes paths absolute, as those that they are compared with are.
func (x *Autoindex) provisionHide(repl *caddy.Replacer) {
	for _, h := range x.Hide {
		if !strings.Contains(h, "{") {
			h = absoluteHide(repl.ReplaceAll(h, ""))
		}
		x.hide = append(x.hide, h)
	}
}

// absoluteHide leaves single names as they are.
func absoluteHide(h string) string {
	if strings.ContainsRune(h, filepath.Separator) {
		if abs, err := caddy.FastAbs(h); err == nil {
			return abs
		}
	}
	return h
}

// Validate checks what can be checked without the world outside.
func (x *Autoindex) Validate() error {
	for _, c := range []struct {
		name, value string
		allowed     []string
	}{
		{"source", x.Source, []string{sourceDisk, sourceIndex, sourceAuto}},
		{"symlinks", x.Symlinks, []string{"follow", "inside", "hide"}},
		{"closed", x.Closed, []string{"hide", "pass"}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			return fmt.Errorf("%s: %q is none of %s", c.name, c.value, strings.Join(c.allowed, ", "))
		}
	}
	switch {
	case x.MaxEntries < 1:
		return fmt.Errorf("max_entries: must be positive, not %d", x.MaxEntries)
	case x.CacheSize < 0:
		return errors.New("cache_size must not be negative")
	case x.Refresh <= 0 || time.Duration(x.Refresh) > time.Hour:
		return fmt.Errorf("refresh: must be positive and at most 1h, not %v", time.Duration(x.Refresh))
	case x.MaxAge < -1:
		return errors.New("max_age: must be positive, or off (-1)")
	case x.Source == sourceDisk && x.Root == rootOff:
		return errors.New("source is disk, but root is off")
	case x.Source == sourceDisk && x.Instance != "":
		return fmt.Errorf("source is disk, but there is the instance %s to be used", x.Instance)
	}
	for _, name := range slices.Concat(x.IndexFiles, x.Header, x.Readme) {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("%q is not the name of a file", name)
		}
	}
	return nil
}

// Cleanup gives back the memory.
func (x *Autoindex) Cleanup() error {
	if x.memory != nil {
		x.memory.close()
	}
	return nil
}

var (
	_ caddy.Module                = (*Autoindex)(nil)
	_ caddy.Provisioner           = (*Autoindex)(nil)
	_ caddy.Validator             = (*Autoindex)(nil)
	_ caddy.CleanerUpper          = (*Autoindex)(nil)
	_ caddyhttp.MiddlewareHandler = (*Autoindex)(nil)
	_ caddyfile.Unmarshaler       = (*Autoindex)(nil)
)

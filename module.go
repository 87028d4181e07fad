package mirrorbrain

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/retry"
)

func init() {
	caddy.RegisterModule(new(App))
	caddy.RegisterModule(new(Handler))
	caddy.RegisterModule(new(StampMatcher))
	caddy.RegisterModule(new(AdminAPI))
}

// Handler redirects requests for files to mirrors that have them. What it does
// not redirect (folders, files it does not know, files that are exempt or that
// changed since the last index run) it passes on, so that `file_server` behind
// it serves it.
//
// It sets these placeholders, which are also fields of the access log:
//
// Placeholder | Description
// ------------|---------------
// `{http.mirrorbrain.result}` | `redirect`, `local`, `document`, `exempt` or `error`
// `{http.mirrorbrain.reason}` | why, in one word
// `{http.mirrorbrain.mirror}` | name of the mirror redirected to
// `{http.mirrorbrain.realm}` | how close it is to the client: `prefix`, `as`, `country`, `other_country`, `region`, `world` or `fallback`
// `{http.mirrorbrain.country}` | the client's country, two lower-case letters
// `{http.mirrorbrain.continent}` | the client's continent, two lower-case letters
// `{http.mirrorbrain.asn}` | the client's AS number
// `{http.mirrorbrain.prefix}` | the announced prefix that the client is in
// `{http.mirrorbrain.representation}` | what was answered about the file: `redirect`, or the document: `meta4`, `sha256`, ...
type Handler struct {
	// The instance of the app to answer from. Default: `default`.
	Instance string `json:"instance,omitempty"`

	// The local copy of the tree, against which the index is checked. `off`:
	// there is none, and requests are answered from the index alone.
	// Placeholders are replaced at each request; one that comes out empty means
	// `off`. Default: `{http.vars.root}`, which the `root` directive sets.
	Root string `json:"root,omitempty"`

	// Where clients are redirected for what no mirror has, when there is no
	// local root: the base URL of the origin's tree. Placeholders are replaced
	// when the configuration is loaded. Default: what `mbctl index --http` told
	// the database.
	OriginURL string `json:"origin_url,omitempty"`

	// Smaller files are served from here, in bytes. Default: 4096.
	MinSize *int64 `json:"min_size,omitempty"`

	// Files of these MIME types are served from here: globs such as `text/*`,
	// in lower or upper case. The type follows from the file's extension, as it
	// does in `file_server`. Default: none.
	ExcludeMIME []string `json:"exclude_mime,omitempty"`

	// Clients whose User-Agent matches one of these globs are served from here.
	// Default: none.
	ExcludeAgent []string `json:"exclude_agent,omitempty"`

	// Clients in these networks (CIDR, or single addresses) are served from
	// here. Placeholders are replaced when the configuration is loaded.
	// Default: none.
	ExcludeNetwork []string `json:"exclude_network,omitempty"`

	// Files whose path matches one of these globs are served from here. A glob
	// with a slash is compared with the whole path below the root, where `**`
	// stands for any number of folders, and one that ends in a slash stands for
	// everything below; a glob without a slash is compared with the file's name.
	// Default: none.
	ExcludePath []string `json:"exclude_path,omitempty"`

	// Whether trust anchors are served from here: signatures, checksum lists
	// and repository indexes. Default: true.
	ExcludeDefaults *bool `json:"exclude_defaults,omitempty"`

	// What HEAD requests get: `redirect`, as GET, or `local`. Default:
	// `redirect`.
	Head string `json:"head,omitempty"`

	// What requests get for a file that no suitable mirror has: `local`,
	// `fallback`, `404` or `503`. Without a local root, `local` is a redirect to
	// the origin. Default: `fallback` if there are any, else `local`.
	NoMirror string `json:"no_mirror,omitempty"`

	// Larger files are never served from here for want of a mirror, in bytes;
	// the answer is 503 then. Default: 0, which is no limit.
	LocalMaxSize int64 `json:"local_max_size,omitempty"`

	// Whether a scan of a folder is brought forward when clients ask for new files
	// in it that no mirror has. `mbctl daemon` does it. Default: true.
	BringScansForward *bool `json:"bring_scans_forward,omitempty"`

	// What requests get while there is no catalog yet: `local`, `fallback` or
	// `503`. Default: `local`.
	NotReady string `json:"not_ready,omitempty"`

	// What is done with files that the index does not know and that others may
	// not read, or that are in such a folder (a staged release): `hide` answers
	// 404, `pass` leaves them to the next handler. Default: `hide`.
	Closed string `json:"closed,omitempty"`

	// How old the look at the local file may be that is compared with the index.
	// -1: files are not looked at. Default: 1s.
	CheckFile caddy.Duration `json:"check_file,omitempty"`

	// Whether clients on http may be sent to mirrors that have only https:
	// `allow` or `never`. Clients on https are never sent to http. Default:
	// `allow`.
	HTTPSUpgrade string `json:"https_upgrade,omitempty"`

	// Servers that have everything, for files no mirror has. Default: none.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`

	DocumentSettings

	// For how long after a file changed mirrors are acceptable that hold one of
	// its former versions. Default: for no file.
	AllowOutdated []Allowance `json:"allow_outdated,omitempty"`

	// For how long after a file was removed from the origin requests for it go to
	// mirrors that still hold it. Default: for no file.
	KeepRemoved []Allowance `json:"keep_removed,omitempty"`

	// Folders with package repositories, whose index files go only to mirrors
	// that hold the current version of all of them. Default: none.
	Repositories []Repository `json:"repositories,omitempty"`

	// The key with which the URLs that clients are sent to are signed, for
	// mirrors that ask for it. Placeholders are replaced when the configuration
	// is loaded. Default: none, they are not signed.
	StampKey string `json:"stamp_key,omitempty"`

	// How they are signed: `hmac-sha256`, or `md5` as MirrorBrain does. Default:
	// `md5`.
	StampAlgorithm string `json:"stamp_algorithm,omitempty"`

	// Networks (CIDR, or single addresses) from which clients may simulate
	// others without limits and see private reasons. Placeholders are replaced
	// when the configuration is loaded. Default: none.
	DebugFrom []string `json:"debug_from,omitempty"`

	// A path that answers 503 until there is a catalog, then 200 and JSON with
	// its revision and age. Default: none.
	Health string `json:"health,omitempty"`

	// The pages about the mirrors, as `mirrorbrain_status` shows them. Default: none.
	Status *StatusSettings `json:"status,omitempty"`

	redirector.Settings

	// Whether answers tell clients the prefix (`X-Prefix`) and the AS (`X-AS`)
	// that they are in, where these are known. What shared caches may keep does
	// not. Default: false.
	NetworkHeaders *bool `json:"network_headers,omitempty"`

	// The Cache-Control field of redirects; one that an earlier handler set is
	// kept. Default: `private, no-cache`.
	CacheControl string `json:"cache_control,omitempty"`

	logger *slog.Logger
	app    *App
	rt     *instance

	originURL string
	minSize   int64
	rules     *redirector.Rules
	fallbacks redirector.Fallbacks
	debugFrom []netip.Prefix
	links     bool // whether the Link fields name duplicates
	checkAge  time.Duration

	outdated, kept allowances
	stamp          *redirector.Stamp // nil: redirects are not signed
	torrents       bool              // there is something to find peers with

	retries     *retry.Memory // nil: clients that come back get any mirror
	statusPages *statusSite   // nil: none

	selector  selector
	roots     roots
	forwarded forwarded
	counts    *counters
}

// Fallback is a server that is believed to have every file.
type Fallback struct {
	// Base URL of the tree there. Placeholders are replaced when the
	// configuration is loaded.
	URL string `json:"url,omitempty"`

	// Two-letter code of the continent whose clients it is for. Default: all.
	Continent string `json:"continent,omitempty"`

	// Two-letter code of the country whose clients it is for. Default: all.
	Country string `json:"country,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.mirrorbrain",
		New: func() caddy.Module { return new(Handler) },
	}
}

// defaultMinSize is MirrorBrain's default for the same setting.
const defaultMinSize = 4096

// Provision sets up the handler. It opens no connection.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Slogger()
	if h.Instance == "" {
		h.Instance = defaultInstance
	}
	mod, err := ctx.App("mirrorbrain")
	if err != nil {
		return fmt.Errorf("getting the mirrorbrain app: %w", err)
	}
	h.app = mod.(*App)
	if h.rt = h.app.instances[h.Instance]; h.rt == nil {
		return fmt.Errorf("no instance %q: the global option mirrorbrain configures %s", h.Instance, h.app.names())
	}
	h.setDefaults()
	repl := caddy.NewReplacer()
	if err := h.provisionTargets(repl); err != nil {
		return err
	}
	if err := h.provisionRules(repl); err != nil {
		return err
	}
	if err := h.provisionDocuments(repl); err != nil {
		return err
	}
	if err := h.provisionPages(repl); err != nil {
		return err
	}
	if h.Status != nil {
		if h.Status.Pages.Zero() {
			h.Status.Pages = h.Pages
		}
		if h.statusPages, err = h.Status.provision(h.rt, repl); err != nil {
			return fmt.Errorf("status: %w", err)
		}
		if h.statusPages.path == "" {
			return fmt.Errorf("status: the path / has the tree's folders; choose one like /mirrors")
		}
	}
	h.provisionChoice()
	h.checkAge = time.Duration(h.CheckFile)
	h.minSize = *h.MinSize
	h.forwarded.logger = h.logger
	h.counts = newCounters(h.Instance)
	h.app.addSite(h)
	return nil
}

// setDefaults fills in what is not configured, so that the struct as JSON is
// the effective configuration.
func (h *Handler) setDefaults() {
	h.setDocumentDefaults()
	h.setChoiceDefaults()
	def(&h.Root, "{http.vars.root}")
	def(&h.Head, "redirect")
	def(&h.NotReady, "local")
	def(&h.Closed, "hide")
	def(&h.HTTPSUpgrade, "allow")
	def(&h.CacheControl, "private, no-cache")
	def(&h.CheckFile, caddy.Duration(time.Second))
	defPtr(&h.MinSize, defaultMinSize)
	defPtr(&h.ExcludeDefaults, true)
	defPtr(&h.BringScansForward, true)
	if h.NoMirror == "" {
		h.NoMirror = "local"
		if len(h.Fallbacks) > 0 {
			h.NoMirror = "fallback"
		}
	}
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func defPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// Validate checks what can be checked without the world outside.
func (h *Handler) Validate() error {
	for _, c := range []struct {
		name, value string
		allowed     []string
	}{
		{"head", h.Head, []string{"redirect", "local"}},
		{"no_mirror", h.NoMirror, []string{"local", "fallback", "404", "503"}},
		{"not_ready", h.NotReady, []string{"local", "fallback", "503"}},
		{"closed", h.Closed, []string{"hide", "pass"}},
		{"https_upgrade", h.HTTPSUpgrade, []string{"allow", "never"}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			return fmt.Errorf("%s: %q is none of %s", c.name, c.value, strings.Join(c.allowed, ", "))
		}
		if c.value == "fallback" && len(h.fallbacks) == 0 {
			return fmt.Errorf("%s is fallback, but there is no fallback", c.name)
		}
	}
	switch {
	case h.minSize < 0, h.LocalMaxSize < 0:
		return fmt.Errorf("min_size and local_max_size must not be negative")
	case h.Health != "" && !strings.HasPrefix(h.Health, "/"):
		return fmt.Errorf("health: %q is not a path beginning with a slash", h.Health)
	}
	if err := h.validateChoice(); err != nil {
		return err
	}
	return h.validateDocuments()
}

// Cleanup ends what the handler keeps ready for requests.
func (h *Handler) Cleanup() error {
	h.roots.close()
	return nil
}

var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)

package mirrorbrain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// AdminAPI answers operators at Caddy's admin endpoint, which sees everything:
// `GET /mirrorbrain/instances` lists what there is, and `GET /mirrorbrain/explain`
// says why a client gets what it gets.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.mirrorbrain",
		New: func() caddy.Module { return new(AdminAPI) },
	}
}

// Routes implements caddy.AdminRouter.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/mirrorbrain/instances", Handler: caddy.AdminHandlerFunc(a.instances)},
		{Pattern: "/mirrorbrain/explain", Handler: caddy.AdminHandlerFunc(a.explain)},
	}
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// onlyGet refuses other methods; HEAD gets what GET gets without the body.
func onlyGet(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	w.Header().Set("Allow", "GET, HEAD")
	return apiError(http.StatusMethodNotAllowed, "method %s: must be GET", r.Method)
}

// instanceInfo is an instance in the answer of /mirrorbrain/instances.
type instanceInfo struct {
	Name     string     `json:"name"`
	Node     string     `json:"node"`
	Database string     `json:"database"` // without passwords
	Ready    bool       `json:"ready"`
	Revision int64      `json:"revision"` // of the database, that the catalog is a copy of
	Age      float64    `json:"age"`      // seconds since the catalog was last known to be up to date
	Files    int        `json:"files"`
	Mirrors  int        `json:"mirrors"`
	Prefixes int        `json:"prefixes"` // in the AS table
	GeoIP    string     `json:"geoip,omitempty"`
	GeoIPASN string     `json:"geoip_asn,omitempty"`
	Sites    []siteInfo `json:"sites"`
}

// siteInfo is a site of an instance.
type siteInfo struct {
	Site   int    `json:"site"` // counting from 1
	Root   string `json:"root"`
	Policy string `json:"policy"`
}

func (*AdminAPI) instances(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	list := []instanceInfo{}
	if app := running.last(); app != nil {
		for _, name := range slices.Sorted(maps.Keys(app.instances)) {
			list = append(list, app.info(app.instances[name]))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

func (a *App) info(in *instance) instanceInfo {
	c := in.db.catalog
	view := c.View()
	head, _ := c.Position()
	info := instanceInfo{
		Name: in.name, Node: in.Node, Database: in.db.store.Describe(),
		Ready: view.Ready(), Revision: head.Revision, Age: in.age(),
		Files: view.Files(), Mirrors: len(view.Holdings().Mirrors), Prefixes: in.db.prefixes.Load().Len(),
		GeoIP: in.GeoIP, GeoIPASN: in.GeoIPASN, Sites: []siteInfo{},
	}
	for i, h := range a.sitesOf(in) {
		info.Sites = append(info.Sites, siteInfo{Site: i + 1, Root: h.Root, Policy: h.Policy})
	}
	return info
}

// age is for how many seconds the catalog has not been known to be up to date.
func (in *instance) age() float64 {
	_, since := in.db.catalog.Position()
	if since.IsZero() {
		return 0
	}
	return time.Since(since).Round(time.Millisecond).Seconds()
}

// sitesOf gives the sites of an instance in the order in which the node's
// settings have them.
func (a *App) sitesOf(in *instance) (list []*Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.sites {
		if h.rt == in {
			list = append(list, h)
		}
	}
	return list
}

// node describes the node and the catalog that it answers from.
func (h *Handler) node(v *catalog.View) *explain.Node {
	return &explain.Node{
		Name: h.rt.Node, Instance: h.Instance, Revision: v.Head().Revision, Age: h.rt.age(),
		Site: slices.Index(h.app.sitesOf(h.rt), h) + 1,
	}
}

// site finds the site that a request to the admin API is about.
func (*AdminAPI) site(args url.Values) (*Handler, error) {
	app := running.last()
	if app == nil {
		return nil, apiError(http.StatusServiceUnavailable, "the configuration has no mirrorbrain")
	}
	name := cmp.Or(args.Get("instance"), defaultInstance)
	if args.Get("instance") == "" && len(app.instances) == 1 {
		for only := range app.instances {
			name = only
		}
	}
	in := app.instances[name]
	if in == nil {
		return nil, apiError(http.StatusNotFound, "no instance %q; there are: %s", name, app.names())
	}
	sites, n := app.sitesOf(in), 1
	if text := args.Get("site"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			return nil, apiError(http.StatusBadRequest, "site %q is not a number", text)
		}
	}
	if n < 1 || n > len(sites) {
		return nil, apiError(http.StatusNotFound, "instance %s has %d sites, not %d", name, len(sites), n)
	}
	return sites[n-1], nil
}

func (a *AdminAPI) explain(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	args := r.URL.Query()
	h, err := a.site(args)
	if err != nil {
		return err
	}
	q, err := h.adminQuestion(r, args)
	if err != nil {
		return err
	}
	slot, ok := h.rt.db.enter()
	if !ok {
		return apiError(http.StatusServiceUnavailable, "the configuration is being replaced")
	}
	defer h.rt.db.leave(slot)
	if q.view = h.rt.db.catalog.View(); !q.view.Ready() {
		return apiError(http.StatusServiceUnavailable, "there is no catalog yet")
	}
	report := q.report(q.find(), true)
	if q.unrooted {
		report.Notes = append(report.Notes, "Where the local copy of the tree is shows at the first request; the file on disk was not looked at.")
	}
	return writeReport(w, report, http.StatusOK)
}

// adminQuestion is the question that a client would ask.
func (h *Handler) adminQuestion(r *http.Request, args url.Values) (*question, error) {
	asked := args.Get("path")
	if u, err := url.Parse(asked); err == nil && u.Host != "" {
		asked = u.Path
	}
	file, ok := mirror.RequestPath("/" + strings.TrimLeft(asked, "/"))
	if !ok {
		return nil, apiError(http.StatusBadRequest, "path %q is not that of a file", asked)
	}
	var addr netip.Addr
	if text := args.Get("ip"); text != "" {
		var err error
		if addr, err = netip.ParseAddr(text); err != nil {
			return nil, apiError(http.StatusBadRequest, "ip %q is not an address", text)
		}
	}
	args.Del("ip") // it is the client's, not what a client says
	ask, err := redirector.ParseAsk(args.Encode())
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	vars := map[string]any{caddyhttp.ClientIPVarKey: ""}
	if addr.IsValid() {
		vars[caddyhttp.ClientIPVarKey] = addr.Unmap().WithZone("").String()
	}
	client := r.Clone(r.Context())
	client.Header, client.TLS = http.Header{}, nil
	if agent := args.Get("agent"); agent != "" {
		client.Header.Set("User-Agent", agent)
	}
	q := new(question)
	q.reset(h, client, vars, caddy.NewReplacer(), &outcome{rt: h.rt}, file)
	if q.ask = ask; ask.HTTPS == "" {
		q.ask.HTTPS = "1"
	}
	h.findRoot(q)
	return q, nil
}

// findRoot gives a question without a request the root that the last request
// had.
func (h *Handler) findRoot(q *question) {
	if h.Root == rootOff || !strings.Contains(h.Root, "{") {
		return
	}
	q.root = ""
	if last := h.roots.last.Load(); last != nil {
		q.root = last.root
		return
	}
	q.unrooted = true
}

var (
	_ caddy.Module      = (*AdminAPI)(nil)
	_ caddy.AdminRouter = (*AdminAPI)(nil)
)

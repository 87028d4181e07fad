package mirrorbrain

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The collectors live as long as the process; every configuration registers
// them in its own registry.
var (
	requestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "mirrorbrain", Name: "requests_total",
		Help: "Requests for files, by what became of them. Simulated ones are not counted.",
	}, []string{"instance", "result", "reason", "realm"})
	mirrorRedirectsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "mirrorbrain", Name: "mirror_redirects_total",
		Help: "Redirects to each mirror. Simulated ones are not counted.",
	}, []string{"instance", "mirror"})
)

// The sources of bytes.
const (
	sourceMirror   = "mirror"   // credited: what was redirected to mirrors
	sourceFallback = "fallback" // credited
	sourceOrigin   = "origin"   // credited: to the origin's own URL
	sourceLocal    = "local"    // really sent by this server
)

var (
	documentsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "mirrorbrain", Name: "documents_total",
		Help: "Documents about files and folders, by representation. Simulated requests are not counted.",
	}, []string{"instance", "representation"})
	bytesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "mirrorbrain", Name: "bytes_total",
		Help: "Bytes of files by who sends them: the whole file for each redirected GET, and what this server sent itself.",
	}, []string{"instance", "source"})
)

// registerMetrics adds the collectors to a registry, which may have them.
func registerMetrics(reg *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{requestsTotal, mirrorRedirectsTotal, documentsTotal, bytesTotal, catalogs{}} {
		err := reg.Register(c)
		if _, twice := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !twice {
			return err
		}
	}
	return nil
}

// mirrorCounters gives the counters of a list of mirrors, in its order.
func mirrorCounters(instance string, list []*mirror.Mirror) []prometheus.Counter {
	out := make([]prometheus.Counter, len(list))
	for i, m := range list {
		out[i] = mirrorRedirectsTotal.WithLabelValues(instance, m.Name)
	}
	return out
}

// counters are a handler's counters, found once.
type counters struct {
	instance string
	mirrors  map[string]prometheus.Counter // redirects to mirrors, by realm

	mirror, fallback, origin, local prometheus.Counter // bytes
}

func newCounters(instance string) *counters {
	c := &counters{
		instance: instance, mirrors: map[string]prometheus.Counter{},
		mirror:   bytesTotal.WithLabelValues(instance, sourceMirror),
		fallback: bytesTotal.WithLabelValues(instance, sourceFallback),
		origin:   bytesTotal.WithLabelValues(instance, sourceOrigin),
		local:    bytesTotal.WithLabelValues(instance, sourceLocal),
	}
	for t := range mirror.Tiers {
		c.mirrors[t.String()] = requestsTotal.WithLabelValues(instance, resultRedirect, reasonMirror, t.String())
	}
	return c
}

func (c *counters) count(o *outcome) {
	switch {
	case o.simulated:
	case o.reason == reasonMirror:
		c.mirrors[o.realm].Inc()
	default:
		requestsTotal.WithLabelValues(c.instance, o.result, o.reason, o.realm).Inc()
	}
}

// catalogs collects what the catalogs of the running configuration are like.
type catalogs struct{}

var (
	catalogLabels = []string{"instance"}
	readyDesc     = prometheus.NewDesc("caddy_mirrorbrain_catalog_ready", "Whether there is a catalog to answer from.", catalogLabels, nil)
	revisionDesc  = prometheus.NewDesc("caddy_mirrorbrain_catalog_revision", "Revision of the database that the catalog is a copy of.", catalogLabels, nil)
	ageDesc       = prometheus.NewDesc("caddy_mirrorbrain_catalog_age_seconds", "Time since the catalog was last known to be what the database has.", catalogLabels, nil)
	filesDesc     = prometheus.NewDesc("caddy_mirrorbrain_catalog_files", "Files in the index.", catalogLabels, nil)
	mirrorsDesc   = prometheus.NewDesc("caddy_mirrorbrain_catalog_mirrors", "Mirrors, in whatever state.", catalogLabels, nil)
	prefixesDesc  = prometheus.NewDesc("caddy_mirrorbrain_prefixes", "Prefixes in the AS table.", catalogLabels, nil)
)

// Describe implements prometheus.Collector.
func (catalogs) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readyDesc, revisionDesc, ageDesc, filesDesc, mirrorsDesc, prefixesDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (catalogs) Collect(ch chan<- prometheus.Metric) {
	app := running.last()
	if app == nil {
		return
	}
	for name, in := range app.instances {
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name)
		}
		v := in.db.catalog.View()
		head, since := in.db.catalog.Position()
		gauge(filesDesc, float64(v.Files()))
		gauge(mirrorsDesc, float64(len(v.Holdings().Mirrors)))
		gauge(prefixesDesc, float64(in.db.prefixes.Load().Len()))
		gauge(revisionDesc, float64(head.Revision))
		if !v.Ready() {
			gauge(readyDesc, 0)
			continue
		}
		gauge(readyDesc, 1)
		if !since.IsZero() {
			gauge(ageDesc, time.Since(since).Seconds())
		}
	}
}

// running are the apps that were started and not stopped: one, or two during a
// reload.
var running apps

type apps struct {
	mu   sync.Mutex
	list []*App
}

func (r *apps) add(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, a)
}

func (r *apps) remove(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, b := range r.list {
		if a == b {
			r.list = append(r.list[:i:i], r.list[i+1:]...)
			return
		}
	}
}

func (r *apps) last() *App {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		return nil
	}
	return r.list[len(r.list)-1]
}

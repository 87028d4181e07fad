// Package checkup looks for everything that can be wrong with one mirror: in the
// database, the name system, the network, its certificates, and in what its
// servers answer. It changes nothing, and a mirror that lies or dawdles costs it
// no more than some time.
package checkup

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/protocols"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
)

// Result says how a check ended.
type Result string

// The results.
const (
	OK   Result = "OK"
	Warn Result = "WARN" // works, but not for everybody, or not for long
	Fail Result = "FAIL" // clients or scans suffer
	Skip Result = "SKIP" // there was nothing to look at
)

// Finding is what one check found.
type Finding struct {
	Check  string // a few words, "TLS"
	About  string // the URL, host or file it is about, without password; may be ""
	Result Result
	What   string // what was found
	Mend   string // what follows from it and what to do; "" with OK and Skip
}

// Options for Run; zero values are defaults.
type Options struct {
	Timeout time.Duration // for one answer. Default: 20s
	// MaxTime bounds the whole. Default: 3m.
	MaxTime time.Duration
	// Client asks web servers; it decides how far redirects may lead. It must be set.
	Client *http.Client
	// RsyncProgram lists instead of the built-in client; "": that one.
	RsyncProgram string
	MaxScanAge   time.Duration // holdings older than that take a mirror out. 0: no limit
	Log          *slog.Logger

	// For tests. Default: the real ones.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	TLS     *tls.Config
	Now     func() time.Time
	Open    func(rawURL string, o listing.Options) (listing.Lister, error)
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	if o.MaxTime <= 0 {
		o.MaxTime = 3 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Resolve == nil {
		o.Resolve = resolve
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Open == nil {
		o.Open = protocols.Open
	}
	return o
}

// checker looks at one mirror.
type checker struct {
	Subject

	o       Options
	proxied bool // connections go through a proxy of the mirror's settings
}

// reachable decides how connections are made, as scans make them.
func (c *checker) reachable() (Finding, bool) {
	r := &c.Mirror.Rules
	d, err := reach.New(reach.Options{Contact: c.o.Timeout, Source: r.Source, Proxy: r.Proxy})
	if err != nil {
		return Finding{Check: "settings", Result: Fail, What: because(err), Mend: "mbctl edit " + c.Mirror.Name}, false
	}
	c.proxied = d.Proxied()
	if c.o.Dial == nil {
		c.o.Dial = d.Dial
	}
	return Finding{}, true
}

// Run makes all checks, side by side, and gives what they found in an order
// that is always the same.
func Run(ctx context.Context, s Subject, o Options) []Finding {
	c := &checker{Subject: s, o: o.withDefaults()}
	if f, ok := c.reachable(); !ok {
		return []Finding{f}
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.MaxTime)
	defer cancel()
	checks := []func(context.Context) []Finding{c.database, c.names}
	add := func(base string, some ...func(context.Context, string) []Finding) {
		slots := make(chan struct{}, atOnce)
		for _, check := range some {
			checks = append(checks, func(ctx context.Context) []Finding {
				slots <- struct{}{}
				defer func() { <-slots }()
				return check(ctx, base)
			})
		}
	}
	for _, base := range s.Mirror.HTTP {
		add(base, c.connects, c.certificates, c.front, c.lists, c.absent, c.files, c.content, c.headers, c.ranges, c.packed, c.trace)
	}
	if s.Mirror.Rsync != "" {
		add(s.Mirror.Rsync, c.daemon)
	}
	for _, base := range []string{s.Mirror.FTP, s.Mirror.S3} {
		if base != "" {
			add(base, c.lists)
		}
	}
	out := make([][]Finding, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { out[i] = check(ctx) })
	}
	wg.Wait()
	return slices.Concat(out...)
}

// atOnce is how many checks of one base URL are made side by side: many servers
// let a client have but a few connections.
const atOnce = 3

// Worst is the worst result among findings; OK for none.
func Worst(all []Finding) Result {
	worst := OK
	for _, f := range all {
		if f.Result == Fail || f.Result == Warn && worst == OK {
			worst = f.Result
		}
	}
	return worst
}

// because gives an error in words that fit a line: of a deadline, that there
// was no answer in time.
func because(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return listing.Plain(err).Error()
}

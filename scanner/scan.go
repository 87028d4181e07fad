// Package scanner finds out what mirrors hold: it lists each by rsync, FTP or
// HTTP, matches the listing with the versions that the origin had, proves a
// sample by HEAD and commits the result.
package scanner

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// OpenLister makes the lister that a URL asks for.
type OpenLister func(url string, o listing.Options) (listing.Lister, error)

// Options of a scan. Zero values are defaults.
type Options struct {
	Jobs    int    // mirrors at once; default 4
	Subtree string // limits the scan to this folder of the tree
	Enable  bool   // switch on what was scanned with success
	// Protocols are tried in this order. Default: rsync, ftp, http.
	Protocols []string
	Timeout   time.Duration // how long a server may stay silent; default 60s
	// MaxTime is how long the listing of one mirror may take, in all ways that
	// are tried: each may take half of what is left, the last one all. Without a
	// new entry it ends after ten timeouts. Default 12h.
	MaxTime time.Duration
	// MaxEntries is how many entries of a listing are taken; one with more is
	// not believed. Default: 200 million.
	MaxEntries int
	DryRun     bool // report what would change, change nothing
	Force      bool // believe a listing that lacks most of what was held
	// RsyncProgram is a program to list with instead of the built-in client.
	RsyncProgram string
	Holder       string // who is at work, for others to see; default: host and process
	// Once skips mirrors that another scanned after the list of mirrors was read:
	// what was due then is done.
	Once bool
	// LeaseTTL is how long after this host died another may scan a mirror that
	// was being scanned; default one minute.
	LeaseTTL time.Duration
	// Progress, if set, is told now and then how far each mirror is. It is called
	// from several goroutines, and must be quick.
	Progress func(Progress)
	Log      *slog.Logger // default: nobody
	// Open makes listers. Default: by the URL's scheme.
	Open OpenLister
}

// Progress is how far the scan of one mirror is.
type Progress struct {
	Mirror   string
	Protocol string
	Listed   int  // entries so far
	Done     bool // this mirror is finished
}

func (o Options) withDefaults() (Options, error) {
	if o.Jobs <= 0 {
		o.Jobs = 4
	}
	if len(o.Protocols) == 0 {
		o.Protocols = []string{"rsync", "ftp", "http"}
	}
	for _, p := range o.Protocols {
		if !slices.Contains([]string{"rsync", "ftp", "http"}, p) {
			return o, fmt.Errorf("protocol %q is not one of rsync, ftp, http", p)
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = listing.DefaultTimeout
	}
	if o.MaxTime <= 0 {
		o.MaxTime = 2 * listing.DefaultTime
	}
	if o.Holder == "" {
		host, _ := os.Hostname()
		o.Holder = fmt.Sprintf("%s (process %d)", host, os.Getpid())
	}
	if o.LeaseTTL <= 0 {
		o.LeaseTTL = leaseTTL
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Open == nil {
		o.Open = defaultOpen
	}
	sub, err := mirror.CleanSubtree(o.Subtree)
	if err != nil {
		return o, fmt.Errorf("subtree: %w", err)
	}
	o.Subtree = sub
	return o, nil
}

// Scan scans mirrors, several at once, those first whose last accepted scan is
// the oldest. There is one report for each, in that order. An error means that
// no mirror was tried. When ctx ends, scans under way stop and lose nothing.
func Scan(ctx context.Context, db *store.Store, mirrors []mirror.Mirror, o Options) ([]Report, error) {
	return scanAll(ctx, db, mirrors, o, func(ctx context.Context, folders []string) (*index, error) {
		return loadIndex(ctx, db, folders)
	})
}

// scanAll is Scan with an index that load gives.
func scanAll(ctx context.Context, db *store.Store, mirrors []mirror.Mirror, o Options,
	load func(ctx context.Context, folders []string) (*index, error),
) ([]Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	mirrors = slices.Clone(mirrors)
	slices.SortStableFunc(mirrors, func(a, b mirror.Mirror) int {
		return cmp.Or(a.Scan.Succeeded.Compare(b.Scan.Succeeded), strings.Compare(a.Name, b.Name))
	})
	ix, err := load(ctx, bounds(mirrors, o.Subtree))
	if err != nil {
		return nil, err
	}
	reports := make([]Report, len(mirrors))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(o.Jobs, len(mirrors)) {
		wg.Go(func() {
			for i := range next {
				reports[i] = scanOne(ctx, db, ix, mirrors[i], o)
				o.Progress(Progress{Mirror: mirrors[i].Name, Protocol: reports[i].Protocol, Listed: reports[i].Listed, Done: true})
			}
		})
	}
	for i := range mirrors {
		next <- i
	}
	close(next)
	wg.Wait()
	return reports, nil
}

// bounds are the folders that the scans are limited to.
func bounds(mirrors []mirror.Mirror, subtree string) []string {
	var all []string
	for i := range mirrors {
		if b, _, ok := bound(&mirrors[i], subtree); ok && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all
}

// bound gives the folder of the tree that a scan of m is about, and the folder
// below m's URLs that must be listed. It reports false when m carries nothing
// of subtree.
func bound(m *mirror.Mirror, subtree string) (folder, below string, ok bool) {
	switch {
	case mirror.Below(subtree, m.Subtree):
		return subtree, strings.TrimPrefix(strings.TrimPrefix(subtree, m.Subtree), "/"), true
	case mirror.Below(m.Subtree, subtree):
		return m.Subtree, "", true
	}
	return "", "", false
}

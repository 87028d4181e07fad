// Package scanner finds out what mirrors hold: it lists each by rsync, FTP, S3
// or HTTP, matches the listing with the versions that the origin had, proves a
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
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// OpenLister makes the lister that a URL asks for.
type OpenLister func(url string, o listing.Options) (listing.Lister, error)

// Protocols are those that mirrors are listed by, in the order in which they
// are tried: the exact ones first.
var Protocols = []string{"rsync", "ftp", "s3", "http"}

// Options of a scan. Zero values are defaults.
type Options struct {
	Jobs    int    // mirrors at once; default 4
	Subtree string // limits the scan to this folder of the tree
	Enable  bool   // switch on what was scanned with success
	// Protocols are tried in this order. Default: rsync, ftp, s3, http.
	Protocols []string
	// Exclude are globs of paths in the tree, as of the index's exclude, that are
	// looked at on no mirror; none is credited with what they match. A mirror's
	// own are added.
	Exclude []string
	// Top are the names of the folders at the top of the tree that are looked at;
	// empty: all. No mirror is credited with anything outside them.
	Top []string
	// NoRangeCheck believes files beyond 2 and 4 GiB without a range request.
	NoRangeCheck bool
	Timeout      time.Duration // how long a server may stay silent; default 60s
	// MaxTime is how long the listing of one mirror may take, in all ways that
	// are tried: each may take half of what is left, the last one all. Without a
	// new entry it ends after ten timeouts. Default 12h.
	MaxTime time.Duration
	// MaxEntries is how many entries of a listing are taken; one with more is
	// not believed. Default: 200 million.
	MaxEntries int
	DryRun     bool // report what would change, change nothing
	Force      bool // believe a listing that lacks most of what was held
	// DigestSize is the largest size in bytes of doubtful files that are fetched,
	// to be settled by their digest. Default: 1 MiB; negative: none is.
	DigestSize int64
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

	// Tests change these.
	busyPauses []time.Duration
	uplink     *uplink
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
		o.Protocols = Protocols
	}
	for _, p := range o.Protocols {
		if !slices.Contains(Protocols, p) {
			return o, fmt.Errorf("protocol %q is not one of %s", p, strings.Join(Protocols, ", "))
		}
	}
	if _, err := origin.NewGlobs(o.Exclude); err != nil {
		return o, fmt.Errorf("excludes of all mirrors: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = listing.DefaultTimeout
	}
	if o.MaxTime <= 0 {
		o.MaxTime = 2 * listing.DefaultTime
	}
	o.DigestSize = cmp.Or(o.DigestSize, defaultDigestSize)
	o.LeaseTTL = cmp.Or(max(o.LeaseTTL, 0), leaseTTL)
	if o.busyPauses == nil {
		o.busyPauses = busyPauses
	}
	if o.uplink == nil {
		o.uplink = newUplink()
	}
	if o.Holder == "" {
		host, _ := os.Hostname()
		o.Holder = fmt.Sprintf("%s (process %d)", host, os.Getpid())
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
//
// When more than half of at least five mirrors that had not failed before
// fail, the scanner doubts itself: no failure is remembered, and Report.Doubt says what is
// likely wrong here.
func Scan(ctx context.Context, db *store.Store, mirrors []mirror.Mirror, o Options) ([]Report, error) {
	return scanAll(ctx, db, mirrors, o, func(ctx context.Context, n needs, _ *Options) (*index, error) {
		return loadIndex(ctx, db, n)
	})
}

// scanAll is Scan with an index that load gives.
func scanAll(ctx context.Context, db *store.Store, mirrors []mirror.Mirror, o Options,
	load func(context.Context, needs, *Options) (*index, error),
) ([]Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	mirrors = slices.Clone(mirrors)
	slices.SortStableFunc(mirrors, func(a, b mirror.Mirror) int {
		return cmp.Or(a.Scan.Succeeded.Compare(b.Scan.Succeeded), strings.Compare(a.Name, b.Name))
	})
	ix, err := load(ctx, needsOf(mirrors, &o, o.Subtree), &o)
	if err != nil {
		return nil, err
	}
	r := newRound(db, ix, mirrors, o)
	r.run(ctx)
	return r.reports, nil
}

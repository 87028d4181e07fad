package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const moveInHelp = `New mirrors start disabled; those that are enabled there will be once a scan has
succeeded (with --enable at once, but they take requests only after a scan). Who
has which file is not taken over: mbctl scan --all finds that out.

It can be repeated. Only what changed there since the last time is changed here;
what was changed here stays, what was changed on both sides is listed as a
conflict, mirrors that are gone there are named and stay, and mirrors that were
deleted here stay deleted unless --only names them.

Digests count for files whose size and time are those in the index; so run 'mbctl
index' first. Some of the files, drawn at random, and the largest are read again
before any digest is believed. A difference refuses everything (exit code 5).
SHA-256 is stored; 'mbctl hash' adds the rest when it reads the files.

Shares are what a mirror gets of the requests for a file that all mirrors have:
from its own country, and from clients of whom nothing is known.`

// moveInFlags are those of both imports from other redirectors.
type moveInFlags struct {
	only                      []string
	dryRun, enable, noDigests bool
	sample                    int
	sampleBytes               string
	root                      string
}

func (f *moveInFlags) add(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.only, "only", nil, "only the mirrors with these `NAMES`; one that was deleted here comes back")
	fs.BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would be changed, change nothing")
	fs.BoolVar(&f.enable, "enable", false, "enable new mirrors that are enabled there at once")
	fs.BoolVar(&f.noDigests, "no-digests", false, "leave the digests")
	fs.IntVar(&f.sample, "sample", 20, "`NUMBER` of files to check digests against, drawn at random")
	fs.StringVar(&f.sampleBytes, "sample-bytes", "4GiB", "read at most this `SIZE` of them, and as much of the largest file")
	fs.StringVar(&f.root, "root", "", "the tree is in `DIR` on this host (default: where it was indexed)")
}

// moveIn is one import from another redirector.
type moveIn struct {
	inventory *movein.Inventory
	source    string // URL without password
	digests   movein.DigestSource
	settings  *foreignSettings // nil: there was no file
	flags     *moveInFlags

	plan   *movein.Plan
	shares []movein.Shares
	sums   *movein.Digests
	note   string // why there are no digests
}

// markerStore gives where markers are kept; nil: they are printed only.
func markerStore(_ *store.Store) movein.MarkerStore { return nil }

func (a *app) moveIn(ctx context.Context, in *moveIn) error {
	if in.flags.sample < 1 {
		return usagef("--sample %d: must be at least 1", in.flags.sample)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	for _, name := range in.flags.only {
		if !in.knows(name) {
			return usagef("--only %s: %s has no such mirror", name, in.inventory.Title)
		}
	}
	if in.plan, err = movein.MakePlan(ctx, db, markerStore(db), in.inventory, in.flags.only); err != nil {
		return err
	}
	policy := redirector.DefaultPolicy()
	policy.MaxScanAge = 0
	in.shares = in.plan.Shares(policy, time.Now())
	// Before anything is written: a difference refuses everything.
	if err := a.checkDigests(ctx, db, in); err != nil {
		return err
	}
	if !in.flags.dryRun {
		if err := a.storeMoveIn(ctx, db, in); err != nil {
			return err
		}
	}
	return a.printMoveIn(in)
}

func (in *moveIn) knows(name string) bool {
	for i := range in.inventory.Records {
		if r := &in.inventory.Records[i]; r.Name == name || r.Mirror.Name == name {
			return true
		}
	}
	return false
}

func (a *app) storeMoveIn(ctx context.Context, db *store.Store, in *moveIn) error {
	if err := in.plan.Apply(ctx, db, markerStore(db), who(), in.flags.enable); err != nil {
		return fmt.Errorf("%w (what was stored before stays; run it again)", err)
	}
	if in.sums != nil {
		if err := in.sums.Store(ctx, db); err != nil {
			return fmt.Errorf("the mirrors are stored, the digests not: %w", err)
		}
	}
	return nil
}

// checkDigests reads the digests and checks a sample of them, or notes why not.
func (a *app) checkDigests(ctx context.Context, db *store.Store, in *moveIn) error {
	f := in.flags
	if f.noDigests {
		return nil
	}
	limit, err := parseSize(f.sampleBytes)
	if err != nil {
		return usagef("--sample-bytes: %w", err)
	}
	origin, err := db.Origin(ctx)
	if err != nil {
		return err
	}
	if origin.URL == "" {
		in.note = "digests were left: there is no index yet; 'mbctl index DIR', then this again"
		return nil
	}
	o := checksum.Options{Root: f.root}
	if err := chooseTree(&o, origin); err != nil {
		if f.root != "" {
			return err
		}
		in.note = fmt.Sprintf("digests were left: they have to be checked against the files, and the origin is %s; --root DIR says where a copy is",
			mirror.Redact(origin.URL))
		return nil
	}
	s := movein.Sampling{Root: o.Root, Copied: o.Copied, Files: f.sample, Bytes: limit}
	in.sums, err = movein.ReadDigests(ctx, db, in.digests, s)
	if err == nil {
		if in.sums.Report.Taken > 0 {
			a.say("checking digests against the files ...")
		}
		err = in.sums.Check(ctx, s)
	}
	if errors.Is(err, movein.ErrDiffers) {
		return &codedError{exitRefused, fmt.Errorf("%w; nothing was changed. Without its digests: --no-digests", err)}
	}
	return err
}

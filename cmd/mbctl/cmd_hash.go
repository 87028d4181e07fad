package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/torrent"
)

// hashFlags are what `hash` takes besides the run's own options.
type hashFlags struct {
	masks, ignores []string
	zsync, hybrid  bool
}

func newHashCommand(a *app) *cobra.Command {
	var o checksum.Options
	var f hashFlags
	cmd := &cobra.Command{
		Use:     "hash [PATH...]",
		Aliases: []string{"makehashes"},
		Short:   "Compute digests of the files in the index",
		Long: `Reads the files of the index once each and stores MD5, SHA-1, SHA-256 and
SHA-512, digests of pieces, BitTorrent's info hashes, zsync's block sums where
they are switched on, and the OpenPGP signature in an .asc or .sig file beside
it. PATH is a folder or a file of the tree; without one all is looked at.

A file that has its digests is not read again. One that is not as the index
knows it (size or times) is passed over until 'mbctl index' has run. Interrupting
loses no file that was finished, and runs on several hosts share the work.

Exit codes: 0 done; 1 error; 2 usage; 3 some files could not be read, the others
are done; 4 database unreachable.`,
		Example: `  mbctl index && mbctl hash                # after a change, and from cron
  mbctl hash releases/2.1 --mask '*.iso'
  mbctl hash --root /mnt/copy -j 8         # on a host that has a copy of the tree
  mbctl hash --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := a.config()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("zsync") {
				f.zsync = conf.ZSync
			}
			if !cmd.Flags().Changed("bittorrent-v2") {
				f.hybrid = conf.HybridTorrents
			}
			o.ZSync, o.Tree = f.zsync, f.hybrid
			return a.runHash(cmd.Context(), args, f, o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Root, "root", "", "the tree is in `DIR` on this host (default: where it was indexed)")
	fs.IntVarP(&o.Jobs, "jobs", "j", 0, "`NUMBER` of files read at once (default: hash_jobs, or one for each CPU)")
	fs.StringArrayVarP(&f.masks, "mask", "f", nil, "only files that match this `GLOB`; may be repeated")
	fs.StringArrayVarP(&f.ignores, "ignore", "i", nil, "no files that match this `GLOB`, or are below a folder that does; may be repeated")
	fs.BoolVar(&f.zsync, "zsync", false, "compute block sums for zsync (default: zsync)")
	fs.BoolVar(&f.hybrid, "bittorrent-v2", false, "make torrents hybrids of BitTorrent 1 and 2 (default: bittorrent_v2)")
	fs.BoolVar(&o.Force, "force", false, "hash what has its digests, too")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "say what would be hashed, do nothing")
	return cmd
}

func (a *app) runHash(ctx context.Context, paths []string, f hashFlags, o checksum.Options) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	if err := f.apply(conf, &o); err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	known, err := db.Origin(ctx)
	if err != nil {
		return err
	}
	if known.URL == "" {
		return errors.New("there is no index yet, and hashing goes by it: run 'mbctl index DIR' first")
	}
	if err := chooseTree(&o, known); err != nil {
		return err
	}
	if o.Paths, err = treePaths(paths, o.Root); err != nil {
		return err
	}
	out := a.newHashOutput(o.DryRun)
	o.Holder, o.InfoHashes, o.Tell, o.Progress = holder(), torrent.InfoHashes, out.tell, out.progress()
	report, err := checksum.Run(ctx, db, o)
	out.finish()
	switch {
	case errors.Is(err, store.ErrNotFound) && report.Nothing():
		return fmt.Errorf("%w: the index has nothing there; is it spelt right, and was 'mbctl index' run since it is there?", err)
	case err != nil && report.Nothing() && ctx.Err() == nil:
		return err
	}
	if ctx.Err() == nil || !report.Nothing() {
		if perr := a.printHashReport(&report, out); perr != nil {
			return perr
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; what was finished is stored, the next run goes on from there")
	case err != nil:
		return err
	case report.Unreadable > 0:
		return &codedError{exitSomeFailed, fmt.Errorf("%s of %s files could not be read", count(report.Unreadable),
			count(report.Files+report.Signatures+report.Changed+report.Unreadable))}
	}
	return nil
}

// apply completes the options from the configuration and the masks.
func (f *hashFlags) apply(conf *instance, o *checksum.Options) error {
	switch {
	case o.Jobs < 0:
		return usagef("--jobs %d: must be at least 1", o.Jobs)
	case conf.HashJobs < 0:
		return fmt.Errorf("configuration: hash_jobs = %d: must be at least 1", conf.HashJobs)
	case o.Jobs == 0:
		o.Jobs = conf.HashJobs
	}
	o.LeastPiece = int64(conf.PieceSize)
	if n := o.LeastPiece; n != 0 && (n < checksum.MinPiece || n > checksum.MaxPiece || n&(n-1) != 0) {
		return fmt.Errorf("configuration: piece_size = %d: must be a power of two from 16KiB to 16MiB", n)
	}
	if len(f.masks) == 0 {
		f.masks = conf.HashMask
	}
	masks, err := origin.NewGlobs(f.masks)
	if err != nil {
		return usagef("--mask: %w", err)
	}
	ignores, err := origin.NewGlobs(slices.Concat(conf.HashIgnore, f.ignores))
	if err != nil {
		return usagef("--ignore: %w", err)
	}
	all := len(f.masks) == 0
	o.Select = func(p string) bool { return (all || masks.MatchBelow(p, false)) && !ignores.MatchBelow(p, false) }
	return nil
}

// chooseTree finds the folder that holds the tree: what was named, else what
// was indexed.
func chooseTree(o *checksum.Options, known store.Origin) error {
	local := ""
	if strings.HasPrefix(known.URL, "file://") {
		u, err := url.Parse(known.URL)
		if err != nil {
			return fmt.Errorf("remembered origin %s: %w", known.URL, err)
		}
		local = u.Path
	}
	host, _ := os.Hostname()
	switch {
	case o.Root != "":
		abs, err := filepath.Abs(o.Root)
		if err != nil {
			return fmt.Errorf("--root: %w", err)
		}
		// The same folder on the same host is no copy.
		o.Root, o.Copied = abs, abs != local || host != known.Host
	case local == "":
		return usagef("hash: the origin is %s: say with --root DIR where a copy of its files is", mirror.Redact(known.URL))
	default:
		o.Root = local
	}
	info, err := os.Stat(o.Root)
	switch {
	case err == nil && info.IsDir() || o.DryRun:
		return nil
	case err == nil:
		err = fmt.Errorf("%s is no folder", o.Root)
	}
	if known.Host != host && !o.Copied {
		err = fmt.Errorf("%w (the tree was indexed on %s; --root DIR says where it is on this host)", err, known.Host)
	}
	return fmt.Errorf("the tree: %w", err)
}

// treePaths turns what people type into paths of the tree: a path of the tree,
// or one of the file system below root. What lies below another is left out.
func treePaths(args []string, root string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		p := arg
		if filepath.IsAbs(p) {
			if clean := filepath.Clean(p); mirror.Below(clean, root) {
				p = clean[len(root):]
			}
		}
		p, err := mirror.CleanSubtree(strings.TrimPrefix(p, "./"))
		if p == "." {
			p, err = "", nil
		}
		if err != nil {
			return nil, usagef("hash: %w", err)
		}
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var apart []string
	for _, p := range paths {
		if !slices.ContainsFunc(apart, func(above string) bool { return mirror.Below(p, above) }) {
			apart = append(apart, p)
		}
	}
	return apart, nil
}

// sizeOf is a number of bytes for people.
func sizeOf(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

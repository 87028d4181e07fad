package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const patternHelp = `PATTERN is a path in the tree, a folder with a slash at its end for all below
it, or has wildcards: "*" and "?" within a name, "**" for any number of folders,
"[a-z]", and MirrorBrain's "%" for anything. One without a slash means names in
any folder; "\" takes a character's meaning away. Quote it for the shell.`

func newFileCommand(a *app) *cobra.Command {
	return group("file", "Which mirrors have which files", newFileLsCommand(a), newFileRmCommand(a), newFileAddCommand(a))
}

func newFileRmCommand(a *app) *cobra.Command {
	var names []string
	var force bool
	cmd := &cobra.Command{
		Use:   "rm PATTERN -m NAME",
		Short: "Take files from a mirror until its next scan",
		Long: `Takes files from a mirror: no client is sent there for them any more. The next
scan credits the mirror again with what it has. More than one file are taken
only with --force.

` + patternHelp,
		Example: `  mbctl file rm iso/x.iso -m example
  mbctl file rm 'update/leap/%' -m example --force`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePaths,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runFileRm(cmd.Context(), args[0], names, force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also more than one file")
	a.addMirrorFlag(cmd, &names, "the `MIRROR` that loses them (exact name; several allowed)")
	return cmd
}

// addMirrorFlag adds -m with its completion.
func (a *app) addMirrorFlag(cmd *cobra.Command, names *[]string, usage string) {
	cmd.Flags().StringSliceVarP(names, "mirror", "m", nil, usage)
	_ = cmd.RegisterFlagCompletionFunc("mirror", a.completeMirrors) // fails only for flags that are not there
}

func (a *app) runFileRm(ctx context.Context, text string, names []string, force bool) error {
	if len(names) == 0 {
		return usagef("file rm: from which mirror? Say -m NAME")
	}
	pattern, err := glob.Parse(text)
	if err != nil {
		return usagef("%w", err)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	var mirrors []mirror.Mirror
	for _, name := range names {
		m, err := a.exactMirror(ctx, name)
		if err != nil {
			return err
		}
		mirrors = append(mirrors, m)
	}
	ids, paths, err := a.idsOf(ctx, pattern)
	switch {
	case err != nil:
		return err
	case ids.IsEmpty():
		return a.nothingMatches(ctx, pattern)
	case paths > 1 && !force:
		return &codedError{exitRefused, fmt.Errorf("%q means %s files: to take them all, say --force", text, count(paths))}
	}
	var docs []map[string]any
	for _, m := range mirrors {
		h, err := db.HoldingsOf(ctx, m.ID)
		if err != nil {
			return err
		}
		held := roaring.And(h.Held, ids)
		if !held.IsEmpty() {
			if err := db.EditHeld(ctx, m.ID, nil, held, who(), "file rm "+text); err != nil {
				return err
			}
		}
		docs = append(docs, map[string]any{"mirror": m.Name, "removed": held.GetCardinality()})
		if held.IsEmpty() {
			a.say("%s: was not credited with any of it", m.Name)
		} else {
			a.say("%s: %s taken away until the next scan", m.Name, plural(held.GetCardinality(), "file"))
		}
	}
	if a.json {
		return a.printJSON(docs)
	}
	return nil
}

// idsOf gives the versions that match, former ones too, and of how many paths.
func (a *app) idsOf(ctx context.Context, pattern *glob.Pattern) (*roaring.Bitmap, int, error) {
	ids, paths, last := roaring.New(), 0, ""
	f, err := a.db.Find(ctx, store.FindWish{Pattern: pattern, Former: true})
	if err != nil {
		return nil, 0, err
	}
	for {
		rows, err := f.Next(ctx)
		if err != nil || len(rows) == 0 {
			return ids, paths, err
		}
		for _, r := range rows {
			ids.Add(uint32(r.ID))
			if string(r.Path) != last {
				paths, last = paths+1, string(r.Path)
			}
		}
	}
}

// nothingMatches is the error for a pattern that the index has nothing for.
func (a *app) nothingMatches(ctx context.Context, pattern *glob.Pattern) error {
	if n, err := a.indexed(ctx); err != nil {
		return err
	} else if n == 0 {
		return fmt.Errorf("the index is empty: run 'mbctl index DIR' first")
	}
	if path, ok := pattern.Exact(); ok {
		if real, err := a.db.Resolve(ctx, path); err != nil {
			return err
		} else if real != path {
			return fmt.Errorf("%q stands for %q, by a link: name that", path, real)
		}
		_, n, _, err := a.db.FolderIDs(ctx, path)
		switch {
		case err == nil:
			return fmt.Errorf("%q is a folder with %s files: '%s/' means all of them", path, count(n), path)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	return fmt.Errorf("the index has no file %q", pattern)
}

func newFileAddCommand(a *app) *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "add PATH -m NAME",
		Short: "Credit a mirror with a file without a scan",
		Long: `Credits a mirror with the current version of a file, once its web server has
shown that it has it: each of the mirror's HTTP base URLs is asked by HEAD, and
size and time must agree as in a scan, else it is refused.`,
		Example:           "  mbctl file add iso/x.iso -m example",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePaths,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runFileAdd(cmd.Context(), args[0], names)
		},
	}
	a.addMirrorFlag(cmd, &names, "the `MIRROR` that has it (several allowed)")
	return cmd
}

func (a *app) runFileAdd(ctx context.Context, text string, names []string) error {
	if len(names) == 0 {
		return usagef("file add: to which mirror? Say -m NAME")
	}
	path, err := treePath(text)
	if err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	var mirrors []mirror.Mirror
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return err
		}
		mirrors = append(mirrors, m)
	}
	k, err := a.known(ctx, path)
	if err != nil {
		return err
	}
	now := k.current()
	if now.ID == 0 {
		pattern, err := glob.Parse(glob.Quote(path))
		if err != nil {
			return usagef("%w", err)
		}
		return a.nothingMatches(ctx, pattern)
	}
	var docs []map[string]any
	var refused []string
	for i := range mirrors {
		m := &mirrors[i]
		err := a.proves(ctx, m, k)
		docs = append(docs, map[string]any{"mirror": m.Name, "added": err == nil, "error": errText(err)})
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s: %v", m.Name, err))
			continue
		}
		if err := db.EditHeld(ctx, m.ID, roaring.BitmapOf(uint32(now.ID)), nil, who(), "file add "+path); err != nil {
			return err
		}
		a.say("%s: is credited with %s", m.Name, printable(path))
	}
	if a.json {
		if err := a.printJSON(docs); err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return &codedError{exitRefused, errors.New(strings.Join(refused, "\n"))}
	}
	return nil
}

// proves asks each base URL of a mirror; nil: all have the current version.
func (a *app) proves(ctx context.Context, m *mirror.Mirror, k *knownFile) error {
	rel, ok := below(m, k.path)
	if !ok {
		return fmt.Errorf("carries %s/ alone", m.Subtree)
	}
	o, err := a.askOptions()
	if err != nil {
		return err
	}
	var clients askers
	defer clients.close()
	var places []copies.Place
	for _, base := range m.HTTP {
		p, err := clients.place(m, base, rel)
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	for _, c := range copies.Ask(ctx, places, o) {
		if err := k.proved(&c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// proved says why a copy is not shown to be the current version.
func (k *knownFile) proved(c *copies.Copy) error {
	want := k.current()
	switch verdict, v := scanner.Judge(c.Entry, k.times); {
	case c.Err != nil:
		return c.Err
	case c.Page:
		return fmt.Errorf("%s: a web page came instead", c.URL())
	case c.Status != http.StatusOK && c.Status != http.StatusPartialContent:
		return fmt.Errorf("%s: HTTP status %d", c.URL(), c.Status)
	case c.Entry.SizeMin != want.Size:
		return fmt.Errorf("%s: has %s, not %d", c.URL(), sizeOr(c.Entry), want.Size)
	case verdict != scanner.Held:
		return fmt.Errorf("%s: its time, %s, is not the current version's, %s", c.URL(),
			timeText(c.Entry.MTime, c.Entry.Precision), timeText(want.MTime, want.Precision))
	case v.ID != want.ID:
		return fmt.Errorf("%s: is a former version", c.URL())
	}
	return nil
}

func sizeOr(e listing.Entry) string {
	if e.SizeMin < 0 {
		return "no size"
	}
	return sizeText(e.SizeMin, e.SizeMax) + " bytes"
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// plural gives "1 file" or "2 files".
func plural[T ~int | ~int64 | ~uint64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// dirsFlags are what `dirs` takes.
type dirsFlags struct {
	all      bool
	segments int
	dir      string
	missing  string
	files    bool
	limit    int

	hasSegments, hasDir, hasMissing bool
}

func newDirsCommand(a *app) *cobra.Command {
	var f dirsFlags
	cmd := &cobra.Command{
		Use:   "dirs [NAME]",
		Short: "Show how much of which folder mirrors have, and what they lack",
		Long: `Shows in per cent how much of the present files mirrors hold, by folder. Each
folder counts with all below it, down to --segments levels.

  dirs                        by folder: how many mirrors have all, some, nothing
  dirs NAME                   by folder: how much of it the mirror has
  dirs --dir DIR              by mirror: how much of the folder it has
  dirs --dir DIR --segments 1 by folder, below DIR
  dirs --missing DIR          the mirrors that lack something of the folder
  dirs NAME --missing DIR     what the mirror lacks, by folder, or with --files
                              file by file

Without --all, disabled mirrors do not count. What a mirror's --subtree leaves
out is not missing, and shown as "-". Piped, the columns are separated by tabs.`,
		Example: `  mbctl dirs
  mbctl dirs example -s 1
  mbctl dirs --dir releases/2.1
  mbctl dirs --missing releases/2.1 --all
  mbctl dirs example --missing / --files`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			given := cmd.Flags().Changed
			f.hasSegments, f.hasDir, f.hasMissing = given("segments"), given("dir"), given("missing")
			return a.runDirs(cmd.Context(), strings.Join(args, ""), f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.all, "all", "a", false, "count disabled mirrors, too")
	fs.IntVarP(&f.segments, "segments", "s", 2, "`LEVELS` of folders that are shown")
	fs.StringVarP(&f.dir, "dir", "d", "", "only this `FOLDER`")
	fs.StringVar(&f.missing, "missing", "", "what is missing of this `FOLDER` (/ is the whole tree)")
	fs.BoolVar(&f.files, "files", false, "with NAME and --missing: file by file")
	fs.IntVar(&f.limit, "limit", 10_000, "with --files: end after this `NUMBER`")
	for _, name := range []string{"dir", "missing"} {
		_ = cmd.RegisterFlagCompletionFunc(name, a.completeFolders) // fails only for flags that are not there
	}
	return cmd
}

func (a *app) runDirs(ctx context.Context, name string, f dirsFlags) error {
	switch {
	case f.hasDir && f.hasMissing:
		return usagef("dirs: --dir or --missing, not both")
	case f.files && (name == "" || !f.hasMissing):
		return usagef("dirs --files: goes with NAME and --missing DIR")
	case f.segments < 0 || f.segments > 100:
		return usagef("--segments %d: must be from 0 to 100", f.segments)
	case f.limit < 1:
		return usagef("--limit %d: must be at least 1", f.limit)
	}
	dir, err := mirror.CleanSubtree(f.dir + f.missing)
	if err != nil {
		return usagef("%w", err)
	}
	if _, err := a.store(ctx); err != nil {
		return err
	}
	var names []string
	if name != "" {
		names = []string{name}
	}
	holders, err := a.holders(ctx, names)
	if err != nil {
		return err
	}
	total := len(holders)
	if !f.all && name == "" {
		holders = slices.DeleteFunc(holders, func(h heldBy) bool { return !h.m.Enabled })
	}
	if len(holders) == 0 {
		return a.noMirrors(total)
	}
	switch {
	case name != "" && f.hasMissing:
		err = a.missingOf(ctx, &holders[0], dir, f)
	case f.hasMissing, name == "" && f.hasDir && !f.hasSegments:
		err = a.dirsByMirror(ctx, holders, dir, f.hasMissing)
	default:
		err = a.dirsByFolder(ctx, holders, dir, f.segments, name != "")
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the index has no folder %q: is it spelt right, and was 'mbctl index' run since it is there?", dir)
	}
	return err
}

// coverage says how much of a folder a mirror has.
type coverage struct {
	carried bool // the folder is in the mirror's part of the tree, or some of it
	held    uint64
	of      uint64 // files of the folder that are in the mirror's part
}

func (c coverage) percent() float64 { return share(c.held, c.of) }

func (c coverage) text() string {
	if !c.carried {
		return "-"
	}
	return percent(c.percent())
}

// parts are the ids of the parts of the tree that mirrors carry, by folder.
type parts map[string]*roaring.Bitmap

// partsOf reads the parts; a part that is not in the index is empty.
func (a *app) partsOf(ctx context.Context, holders []heldBy) (parts, error) {
	all := parts{}
	for i := range holders {
		sub := holders[i].m.Subtree
		if _, ok := all[sub]; ok || sub == "" {
			continue
		}
		ids, _, _, err := a.db.FolderIDs(ctx, sub)
		if errors.Is(err, store.ErrNotFound) {
			ids = roaring.New()
		} else if err != nil {
			return nil, err
		}
		all[sub] = ids
	}
	return all, nil
}

// cover computes how much of a folder a mirror has.
func (p parts) cover(h *heldBy, folder string, ids *roaring.Bitmap) coverage {
	sub := h.m.Subtree
	switch {
	case mirror.Below(folder, sub):
		return coverage{true, h.held.AndCardinality(ids), ids.GetCardinality()}
	case !mirror.Below(sub, folder):
		return coverage{}
	}
	own := roaring.And(ids, p[sub])
	return coverage{true, h.held.AndCardinality(own), own.GetCardinality()}
}

// dirDoc is a folder in JSON output.
type dirDoc struct {
	Folder   string        `json:"folder"`
	Files    int64         `json:"files"`
	Bytes    int64         `json:"bytes"`
	Complete int           `json:"complete"` // mirrors that have all
	Partial  int           `json:"partial"`  // some
	None     int           `json:"none"`     // nothing
	Percent  float64       `json:"percent"`  // the mean of those that carry it
	Mirrors  []coverageDoc `json:"mirrors"`
	one      coverage      // of the only mirror
}

type coverageDoc struct {
	Mirror  string  `json:"mirror"`
	State   string  `json:"state"`
	Held    uint64  `json:"held"`
	Of      uint64  `json:"of"`
	Percent float64 `json:"percent"`
}

func (a *app) dirsByFolder(ctx context.Context, holders []heldBy, dir string, levels int, one bool) error {
	own, err := a.partsOf(ctx, holders)
	if err != nil {
		return err
	}
	docs := []dirDoc{}
	err = a.db.FolderTotals(ctx, dir, levels, func(t store.FolderTotal) error {
		if t.Files > 0 {
			docs = append(docs, own.folder(&t, holders))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(docs, func(x, y dirDoc) int {
		// As a tree is printed: a folder, what is in it, the next.
		return strings.Compare(strings.ReplaceAll(x.Folder, "/", "\x00"), strings.ReplaceAll(y.Folder, "/", "\x00"))
	})
	if a.json {
		return a.printJSON(docs)
	}
	s := sheet{header: []string{"files", "bytes", "all", "some", "none", "mean", "folder"}, right: []int{0, 1, 2, 3, 4, 5}}
	if one {
		s = sheet{header: []string{"files", "bytes", "held", "share", "folder"}, right: []int{0, 1, 2, 3}}
	}
	for i := range docs {
		s.rows = append(s.rows, docs[i].cells(one))
	}
	a.printTable(s)
	return nil
}

func (d *dirDoc) cells(one bool) []string {
	folder := d.Folder + "/"
	if one {
		return []string{fmt.Sprint(d.Files), fmt.Sprint(d.Bytes), fmt.Sprint(d.one.held), d.one.text(), folder}
	}
	mean := "-"
	if len(d.Mirrors) > 0 {
		mean = percent(d.Percent)
	}
	return []string{fmt.Sprint(d.Files), fmt.Sprint(d.Bytes), fmt.Sprint(d.Complete), fmt.Sprint(d.Partial), fmt.Sprint(d.None), mean, folder}
}

// folder sums up how much of a folder the mirrors have.
func (p parts) folder(t *store.FolderTotal, holders []heldBy) dirDoc {
	d := dirDoc{Folder: t.Path, Files: t.Files, Bytes: t.Bytes, Mirrors: []coverageDoc{}}
	sum := 0.0
	for i := range holders {
		c := p.cover(&holders[i], t.Path, t.IDs)
		d.one = c
		if !c.carried {
			continue
		}
		switch c.held {
		case c.of:
			d.Complete++
		case 0:
			d.None++
		default:
			d.Partial++
		}
		sum += c.percent()
		d.Mirrors = append(d.Mirrors, docOfCoverage(&holders[i], c))
	}
	if n := len(d.Mirrors); n > 0 {
		d.Percent = sum / float64(n)
	}
	return d
}

func docOfCoverage(h *heldBy, c coverage) coverageDoc {
	return coverageDoc{Mirror: h.m.Name, State: string(h.state), Held: c.held, Of: c.of, Percent: c.percent()}
}

// dirsByMirror shows how much of one folder each mirror has.
func (a *app) dirsByMirror(ctx context.Context, holders []heldBy, dir string, lacking bool) error {
	own, err := a.partsOf(ctx, holders)
	if err != nil {
		return err
	}
	ids, files, size, err := a.db.FolderIDs(ctx, dir)
	if err != nil {
		return err
	}
	docs := []coverageDoc{}
	for i := range holders {
		c := own.cover(&holders[i], dir, ids)
		if wanted := c.held > 0 && !lacking || c.held < c.of && lacking; c.carried && wanted {
			docs = append(docs, docOfCoverage(&holders[i], c))
		}
	}
	slices.SortStableFunc(docs, func(x, y coverageDoc) int {
		if lacking {
			return cmp.Compare(x.Percent, y.Percent)
		}
		return cmp.Compare(y.Percent, x.Percent)
	})
	if a.json {
		return a.printJSON(map[string]any{"folder": dir, "files": files, "bytes": size, "mirrors": docs})
	}
	if len(docs) == 0 {
		if lacking {
			a.note("No mirror lacks anything of %s/.", printable(dir))
		} else {
			a.note("No mirror has anything of %s/.", printable(dir))
		}
		return nil
	}
	s := sheet{header: []string{"mirror", "state", "held", "of", "missing", "share"}, right: []int{2, 3, 4, 5}}
	for _, d := range docs {
		s.rows = append(s.rows, []string{d.Mirror, d.State, fmt.Sprint(d.Held), fmt.Sprint(d.Of), fmt.Sprint(d.Of - d.Held), percent(d.Percent)})
	}
	a.printTable(s)
	return nil
}

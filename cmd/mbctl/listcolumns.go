package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// listDoc is a mirror in the JSON output of `list`.
type listDoc struct {
	mirrorDoc

	Current *currentDoc `json:"current,omitempty"` // with -N
}

// currentDoc says how much of what the origin has now a mirror holds.
type currentDoc struct {
	Files   uint64  `json:"files"`
	Percent float64 `json:"percent"` // of the files that the mirror's subtree has
}

// listColumn is a column that `list` shows when asked.
type listColumn struct {
	flag, short, usage string
	cell               func(m *mirror.Mirror, d *listDoc) string
}

// listColumns are in the order in which they are shown.
var listColumns = []listColumn{
	{"asn", "", "show AS numbers", func(m *mirror.Mirror, _ *listDoc) string {
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(m.ASNs), " ", ","), "[]")
	}},
	{"prefix", "", "show prefixes", func(_ *mirror.Mirror, d *listDoc) string { return strings.Join(d.Prefix, ",") }},
	{"prio", "", "show the score once more (MirrorBrain's word)", func(m *mirror.Mirror, _ *listDoc) string { return fmt.Sprint(m.Score) }},
	{"region-only", "", "show whether it is for its continent alone", func(m *mirror.Mirror, _ *listDoc) string { return yesNo(m.RegionOnly) }},
	{"country-only", "", "show whether it is for its country alone", func(m *mirror.Mirror, _ *listDoc) string { return yesNo(m.CountryOnly) }},
	{"as-only", "", "show whether it is for its AS alone", func(m *mirror.Mirror, _ *listDoc) string { return yesNo(m.ASOnly) }},
	{"prefix-only", "", "show whether it is for its prefixes alone", func(m *mirror.Mirror, _ *listDoc) string { return yesNo(m.PrefixOnly) }},
	{"other-countries", "", "show the other countries served", func(m *mirror.Mirror, _ *listDoc) string { return strings.Join(m.OtherCountries, ",") }},
	{"files", "N", "show how many of the origin's present files it holds, and the per cent of its part of the tree", func(_ *mirror.Mirror, d *listDoc) string {
		return fmt.Sprintf("%d (%s)", d.Current.Files, percent(d.Current.Percent))
	}},
	{"http", "H", "show all HTTP URLs", func(_ *mirror.Mirror, d *listDoc) string { return strings.Join(d.HTTP, ",") }},
	{"ftp", "F", "show the FTP URL", func(_ *mirror.Mirror, d *listDoc) string { return d.FTP }},
	{"rsync", "R", "show the rsync URL", func(_ *mirror.Mirror, d *listDoc) string { return d.Rsync }},
}

func addListColumns(fs *pflag.FlagSet) {
	fs.SortFlags = false // the order of the columns
	for _, c := range listColumns {
		fs.BoolP(c.flag, c.short, false, c.usage)
	}
}

// askedColumns gives the names of the columns whose flags were given.
func askedColumns(fs *pflag.FlagSet) (names []string) {
	for _, c := range listColumns {
		if on, err := fs.GetBool(c.flag); err == nil && on {
			names = append(names, c.flag)
		}
	}
	return names
}

func moreCells(m *mirror.Mirror, d *listDoc, names []string) (cells []string) {
	for _, c := range listColumns {
		for _, name := range names {
			if c.flag == name {
				cells = append(cells, c.cell(m, d))
			}
		}
	}
	return cells
}

// currentFiles counts what a mirror has of the present tree, as far as it is
// meant to have it.
func (a *app) currentFiles(ctx context.Context, m *mirror.Mirror) (*currentDoc, error) {
	ids, files, _, err := a.db.FolderIDs(ctx, m.Subtree)
	if errors.Is(err, store.ErrNotFound) {
		return &currentDoc{}, nil
	} else if err != nil {
		return nil, err
	}
	h, err := a.db.HoldingsOf(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	n := h.Held.AndCardinality(ids)
	return &currentDoc{Files: n, Percent: share(n, uint64(max(files, 0)))}, nil
}

// share gives n of all in per cent; nothing of nothing is all of it.
func share(n, all uint64) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(n) / float64(all)
}

// percent never rounds up to 100 what lacks a file, nor down to 0 what has one.
func percent(p float64) string {
	switch {
	case p > 99.9 && p < 100:
		p = 99.9
	case p > 0 && p < 0.1:
		p = 0.1
	}
	return fmt.Sprintf("%.1f%%", p)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// firstURL is the URL that stands for a mirror in lists.
func firstURL(m *mirror.Mirror) string {
	if len(m.HTTP) == 0 {
		return ""
	}
	return redactURL(m.HTTP[0])
}

package main

import (
	"context"
	"fmt"
	"iter"
	"maps"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// networks is what some files say of the networks of the Internet.
type networks struct {
	table *asn.Table
	names asn.Names
	stats []asn.Stats // of each file
}

// loadNetworks puts files together. Where two have the same prefix, or a name
// for one AS, the first file counts.
func loadNetworks(files []string) (*networks, error) {
	t := &networks{names: asn.Names{}}
	var tables []*asn.Table
	for _, file := range files {
		d, err := asn.Load(file)
		if err != nil {
			return nil, err
		}
		tables, t.stats = append(tables, d.Table), append(t.stats, d.Stats)
		for number, name := range d.Names {
			if _, known := t.names[number]; !known {
				t.names[number] = name
			}
		}
	}
	t.table = joined(tables)
	if t.table.Len() == 0 {
		return nil, fmt.Errorf("the files have names and no prefixes: name a table, too")
	}
	return t, nil
}

func joined(tables []*asn.Table) *asn.Table {
	var with []*asn.Table
	for _, t := range tables {
		if t.Len() > 0 {
			with = append(with, t)
		}
	}
	if len(with) == 1 {
		return with[0]
	}
	return asn.Build(func(yield func(asn.Prefix) bool) {
		for _, t := range with {
			for p := range t.All() {
				if !yield(p) {
					return
				}
			}
		}
	})
}

// replace stores the table. It refuses what looks like a part of one.
func (t *networks) replace(ctx context.Context, db *store.Store, source string, force bool) error {
	if !force {
		if err := t.plausible(ctx, db); err != nil {
			return err
		}
	}
	_, err := db.ReplaceASTable(ctx, store.ASTable{
		Source: source,
		Prefixes: func(yield func(store.Prefix) error) error {
			return eachOf(t.table.All(), func(p asn.Prefix) error { return yield(store.Prefix(p)) })
		},
		Names: func(yield func(store.ASName) error) error {
			return eachOf(maps.Keys(t.names), func(n uint32) error {
				return yield(store.ASName{ASN: n, Name: t.names[n].Text, Country: t.names[n].Country})
			})
		},
	})
	if err != nil {
		return notChanged(err)
	}
	return nil
}

// plausible holds that the table has at least half of the prefixes that are
// there.
func (t *networks) plausible(ctx context.Context, db *store.Store) error {
	present, err := db.ASImport(ctx)
	if err != nil {
		return err
	}
	if int64(t.table.Len())*2 < present.Prefixes {
		return &codedError{exitRefused, notChanged(fmt.Errorf("the new one has %s prefixes, less than half of the %s that are there; --force takes it all the same",
			count(t.table.Len()), count(present.Prefixes)))}
	}
	return nil
}

func notChanged(err error) error { return fmt.Errorf("the table was not changed: %w", err) }

func (t *networks) andNames() string {
	if len(t.names) == 0 {
		return ""
	}
	return fmt.Sprintf(" and %s names", count(len(t.names)))
}

// eachOf calls fn for all until it fails.
func eachOf[T any](all iter.Seq[T], fn func(T) error) error {
	for v := range all {
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

// tableChange is how a table differs from the present one.
type tableChange struct {
	Before  int      `json:"before"` // prefixes
	After   int      `json:"after"`
	Added   int      `json:"added"`
	Removed int      `json:"removed"`
	Changed int      `json:"changed"` // another AS
	Names   int      `json:"names"`   // that would be there
	Some    []string `json:"examples"`
}

// someChanges is how many examples of each kind are shown.
const someChanges = 5

func compareTables(before, after *asn.Table) tableChange {
	c := tableChange{Before: before.Len(), After: after.Len(), Some: []string{}}
	var added, removed, changed []string
	example := func(list *[]string, format string, args ...any) {
		if len(*list) < someChanges {
			*list = append(*list, fmt.Sprintf(format, args...))
		}
	}
	for p := range after.All() {
		was, ok := before.Get(p.Prefix)
		switch {
		case !ok:
			c.Added++
			example(&added, "+%s AS%d", p.Prefix, p.ASN)
		case was != p.ASN:
			c.Changed++
			example(&changed, " %s AS%d -> AS%d", p.Prefix, was, p.ASN)
		}
	}
	for p := range before.All() {
		if _, ok := after.Get(p.Prefix); !ok {
			c.Removed++
			example(&removed, "-%s AS%d", p.Prefix, p.ASN)
		}
	}
	c.Some = append(append(append(c.Some, added...), removed...), changed...)
	return c
}

// showTableChange is --dry-run.
func (a *app) showTableChange(ctx context.Context, db *store.Store, t *networks, files []string, force bool) error {
	before, err := a.prefixTable(ctx)
	if err != nil {
		return err
	}
	c := compareTables(before, t.table)
	c.Names = len(t.names)
	if a.json {
		if err := a.printJSON(c); err != nil {
			return err
		}
	} else {
		a.say("would import %s prefixes%s: %s added, %s removed, %s with another AS, of %s that are there",
			count(c.After), t.andNames(), count(c.Added), count(c.Removed), count(c.Changed), count(c.Before))
		a.sayFiles(t.stats, files)
		for _, line := range c.Some {
			a.say("  %s", line)
		}
	}
	if force {
		return nil
	}
	return t.plausible(ctx, db)
}

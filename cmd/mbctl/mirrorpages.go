package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/holding"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorstatus"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/survey"
)

// outIsFolder reports whether what is to be written to is a folder.
func outIsFolder(name string) bool {
	if strings.HasSuffix(name, "/") {
		return true
	}
	info, err := os.Stat(name)
	return name != "" && err == nil && info.IsDir()
}

// runMirrorPages writes the pages about the mirrors into a folder.
func (a *app) runMirrorPages(ctx context.Context, names []string, filter *regexp.Regexp, o mirrorlistOptions) error {
	if o.format != "html" || o.header != "" || o.footer != "" || o.title != "" {
		return usagef("mirrorlist -o %s: a folder gets all its pages; --format, --title, --header and --footer are for one file (see --templates)", o.out)
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	theme := conf.Pages.under(o.flags, o.theme, o.noMap)
	look, err := page.Open(theme)
	if err != nil {
		return usagef("%w", err)
	}
	pages, err := mirrorstatus.New(look, mirrorstatus.Options{Map: theme.Map == nil || *theme.Map})
	if err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	world, err := holding.World(ctx, db)
	if err != nil {
		return err
	}
	reader := survey.New(db)
	site, err := reader.Site(ctx, world, survey.Options{MaxScanAge: a.maxScanAge()})
	if err != nil {
		return err
	}
	wanted, err := a.listed(ctx, names, filter)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for i := range wanted {
		keep[wanted[i].Name] = true
	}
	site.Mirrors = slices.DeleteFunc(site.Mirrors, func(m mirrorstatus.Mirror) bool { return !keep[m.Name] })
	folder := &pageFolder{dir: o.out}
	past := func(m *mirrorstatus.Mirror) (*mirrorstatus.History, error) {
		return reader.History(ctx, m.ID, time.Now())
	}
	if err := folder.open(mirrorstatus.FileNames(site)); err != nil {
		return err
	}
	if err := pages.Files(site, look.Words(""), past, folder.write); err != nil {
		return err
	}
	if err := folder.finish(); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(folder.done)
	}
	a.say("%s: %d mirrors, %d files written, %d unchanged, %d removed", o.out, len(site.Mirrors), len(folder.done.Written), folder.done.Unchanged, len(folder.done.Removed))
	return nil
}

// pageManifest lists the files that were written, so that others are left alone.
const pageManifest = ".mbctl-files"

// pageFolder is a folder with files of ours among others.
type pageFolder struct {
	dir    string
	before []string // ours that were there
	wanted []string
	done   folderDoc
}

// open reads which files are ours, and lists those that come now before any is
// written: an interruption leaves none that nobody takes away.
func (f *pageFolder) open(wanted []string) error {
	f.wanted, f.done = wanted, folderDoc{Written: []string{}, Removed: []string{}}
	if err := os.MkdirAll(f.dir, 0o755); err != nil { //nolint:gosec // it holds no secrets
		return err
	}
	text, err := os.ReadFile(filepath.Join(f.dir, pageManifest))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(text)) {
		// Nobody else's hand in the list may lead out of the folder.
		if name := strings.TrimSuffix(line, "\n"); name != "" && name == filepath.Base(name) && !strings.HasPrefix(name, ".") {
			f.before = append(f.before, name)
		}
	}
	for _, name := range wanted {
		file := filepath.Join(f.dir, name)
		if _, err := os.Lstat(file); err == nil && !slices.Contains(f.before, name) {
			return fmt.Errorf("%s is there, and was not written by this command (%s does not list it): take it away, or choose another folder", file, pageManifest)
		}
	}
	return f.list(append(slices.Clone(f.before), wanted...))
}

// write puts a file into its place; one that is as it should be is left alone.
func (f *pageFolder) write(name string, body []byte) error {
	file := filepath.Join(f.dir, name)
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, body) {
		f.done.Unchanged++
		return nil
	}
	if err := writeWhole(file, body); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	f.done.Written = append(f.done.Written, name)
	return nil
}

func (f *pageFolder) list(names []string) error {
	file := filepath.Join(f.dir, pageManifest)
	names = slices.Clone(names)
	slices.Sort(names)
	if err := writeWhole(file, []byte(strings.Join(slices.Compact(names), "\n")+"\n")); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// finish takes away the files of mirrors that are gone.
func (f *pageFolder) finish() error {
	for _, name := range f.before {
		if slices.Contains(f.wanted, name) {
			continue
		}
		if err := os.Remove(filepath.Join(f.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f.done.Removed = append(f.done.Removed, name)
	}
	return f.list(f.wanted)
}

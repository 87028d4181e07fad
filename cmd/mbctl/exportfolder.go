package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const yamlSuffix = ".yaml"

// folderDoc is the JSON form of what was done in a folder.
type folderDoc struct {
	Written   []string `json:"written"`
	Removed   []string `json:"removed"`
	Unchanged int      `json:"unchanged"`
}

// exportFolder keeps one file for each mirror. Files that are as they should be
// are left alone, so that their times say when a mirror changed.
func (a *app) exportFolder(dir string, mirrors []mirror.Mirror) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // it holds no secrets
		return err
	}
	done := folderDoc{Written: []string{}, Removed: []string{}}
	keep := map[string]bool{}
	for i := range mirrors {
		doc, err := mirrorYAML(&mirrors[i])
		if err != nil {
			return err
		}
		name := mirrors[i].Name + yamlSuffix
		keep[name] = true
		data := append([]byte(yamlHead+"\n"), doc...)
		if old, err := os.ReadFile(filepath.Join(dir, name)); err == nil && bytes.Equal(old, data) {
			done.Unchanged++
			continue
		}
		if err := writeWhole(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
		}
		done.Written = append(done.Written, name)
	}
	var err error
	if done.Removed, err = removeOthers(dir, keep); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(done)
	}
	for _, name := range done.Written {
		a.say("wrote %s", name)
	}
	for _, name := range done.Removed {
		a.say("removed %s", printable(name))
	}
	a.say("%s: %d mirrors, %d files written, %d removed", dir, len(mirrors), len(done.Written), len(done.Removed))
	return nil
}

// removeOthers removes the files of mirrors that are gone: those that begin as
// ours do.
func removeOthers(dir string, keep map[string]bool) (removed []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	removed = []string{}
	for _, e := range entries {
		if keep[e.Name()] || !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), yamlSuffix) {
			continue
		}
		file := filepath.Join(dir, e.Name())
		if ours, err := beginsWith(file, yamlHead+"\n"); err != nil || !ours {
			continue // not to be read, not ours to remove
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		removed = append(removed, e.Name())
	}
	return removed, nil
}

func beginsWith(file, head string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, len(head))
	n, err := f.Read(b)
	return string(b[:n]) == head, err
}

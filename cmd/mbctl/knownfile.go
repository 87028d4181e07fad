package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// knownFile is what the index knows of a path.
type knownFile struct {
	path     string
	versions []store.FileRow  // the current one first
	times    []mirror.Version // each version with each of its times
	sha256   map[mirror.FileID][32]byte
}

// known reads what the index knows of a path; that may be nothing.
func (a *app) known(ctx context.Context, path string) (*knownFile, error) {
	rows, err := a.db.VersionsOf(ctx, path)
	if err != nil {
		return nil, err
	}
	k := &knownFile{path: path, versions: rows, sha256: map[mirror.FileID][32]byte{}}
	var ids []mirror.FileID
	for _, r := range rows {
		ids = append(ids, r.ID)
		k.times = append(k.times, r.Version)
		d, err := a.db.Digests(ctx, r.ID)
		switch {
		case err == nil:
			k.sha256[r.ID] = d.SHA256
		case !errors.Is(err, store.ErrNotFound): // not hashed
			return nil, err
		}
	}
	alts, err := a.db.AltMTimesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		for _, alt := range alts[r.ID] {
			v := r.Version
			v.MTime, v.Precision = alt.MTime, alt.Precision
			k.times = append(k.times, v)
		}
	}
	return k, nil
}

// current is the present version; ID 0: there is none.
func (k *knownFile) current() mirror.Version {
	if len(k.versions) > 0 && k.versions[0].Current() {
		return k.versions[0].Version
	}
	return mirror.Version{}
}

// copyIs says in a word what a mirror's copy is.
type copyIs string

const (
	copyCurrent  copyIs = "current"
	copyFormer   copyIs = "former"   // a version that was replaced or removed
	copyOther    copyIs = "other"    // nothing that the index knows
	copyDoubtful copyIs = "doubtful" // could be several versions, or too little is told
	copyMissing  copyIs = "missing"
	copyPage     copyIs = "web page" // in the place of the file
	copyNoAnswer copyIs = "no answer"
	copyThere    copyIs = "there" // the index does not know the path
)

// judge says what a copy is, and what is known by its bytes goes before what
// size and time seem to say.
func (k *knownFile) judge(c *copies.Copy) (is copyIs, digest string) {
	switch {
	case c.Page:
		return copyPage, ""
	case !c.Found && c.Status != 0 && !absent(c.Status):
		return copyNoAnswer, ""
	case !c.Found && c.Err != nil:
		return copyNoAnswer, ""
	case !c.Found:
		return copyMissing, ""
	case len(k.versions) == 0:
		return copyThere, hexOf(c)
	case c.Digested:
		return k.judgeBytes(c)
	}
	switch verdict, v := scanner.Judge(c.Entry, k.times); verdict {
	case scanner.Held:
		if v.Current() {
			return copyCurrent, ""
		}
		return copyFormer, ""
	case scanner.Doubtful:
		return copyDoubtful, ""
	default:
		return copyOther, ""
	}
}

func (k *knownFile) judgeBytes(c *copies.Copy) (is copyIs, digest string) {
	unhashed := false
	for _, v := range k.versions {
		sum, ok := k.sha256[v.ID]
		switch {
		case ok && sum == c.SHA256 && v.Current():
			return copyCurrent, "equal"
		case ok && sum == c.SHA256:
			return copyFormer, "equal"
		case !ok && v.Size == c.Read:
			unhashed = true
		}
	}
	if unhashed {
		bySize := *c
		bySize.Digested = false
		is, _ = k.judge(&bySize)
		return is, "not hashed here"
	}
	return copyOther, "differs"
}

// absent reports whether a status says that the file is not there.
func absent(status int) bool {
	return status == http.StatusNotFound || status == http.StatusGone || status == http.StatusForbidden
}

func hexOf(c *copies.Copy) string {
	if !c.Digested {
		return ""
	}
	return hex.EncodeToString(c.SHA256[:])
}

// below gives the path below a mirror's base URLs; false: it is not in the part
// of the tree that the mirror carries.
func below(m *mirror.Mirror, path string) (string, bool) {
	return m.There(path)
}

// copyURL is where clients are sent for a path; "": nowhere.
func copyURL(m *mirror.Mirror, path string) string {
	rel, ok := below(m, path)
	if !ok || len(m.HTTP) == 0 {
		return ""
	}
	return redactURL(m.HTTP[0]) + mirror.EscapePath(rel)
}

// treePath reads a path of the tree as people type it.
func treePath(s string) (string, error) {
	p := strings.TrimPrefix(s, "/")
	switch {
	case strings.HasSuffix(p, "/"):
		return "", usagef("%q is a folder: name a file", s)
	case p == "":
		return "", usagef("which file? Paths begin at the tree's root")
	}
	if err := mirror.ValidPath(p); err != nil {
		return "", usagef("%w", err)
	}
	return p, nil
}

// askOptions are the options of copies.Ask from the configuration.
func (a *app) askOptions() (copies.Options, error) {
	conf, err := a.config()
	if err != nil {
		return copies.Options{}, err
	}
	return copies.Options{RsyncProgram: conf.RsyncProgram, Log: a.logger()}, nil
}

// askers hands out one web client for each mirror.
type askers struct {
	clients map[mirror.ID]*http.Client
}

func (w *askers) client(m *mirror.Mirror) (*http.Client, error) {
	if c, ok := w.clients[m.ID]; ok {
		return c, nil
	}
	c, err := scanner.NewClient(m, 20*time.Second)
	if err != nil {
		return nil, err
	}
	if w.clients == nil {
		w.clients = map[mirror.ID]*http.Client{}
	}
	w.clients[m.ID] = c
	return c, nil
}

// place is where a base URL of a mirror has a path below it.
func (w *askers) place(m *mirror.Mirror, base, rel string) (copies.Place, error) {
	client, err := w.client(m)
	return copies.Place{Mirror: m.Name, Base: base, Path: rel, Client: client, Listing: scanner.ListingOptions(m, base)}, err
}

func (w *askers) close() {
	for _, c := range w.clients {
		c.CloseIdleConnections()
	}
}

// timeText is a copy's time, as exactly as it is known.
func timeText(mtime int64, precision time.Duration) string {
	t := time.Unix(0, mtime).UTC()
	switch {
	case precision <= 0:
		return ""
	case precision >= 24*time.Hour:
		return t.Format("2006-01-02")
	case precision >= time.Minute:
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("2006-01-02 15:04:05")
}

// sizeText is a size as it was told.
func sizeText(from, to int64) string {
	switch {
	case from < 0:
		return ""
	case from != to:
		return fmt.Sprintf("%d-%d", from, to)
	}
	return fmt.Sprint(from)
}

// completions is how many names are offered to the shell.
const completions = 200

// completePaths offers paths of the index to the shell, for the first argument.
func (a *app) completePaths(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	const how = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	db, err := a.store(ctx)
	if err != nil {
		return nil, how
	}
	at := strings.LastIndexByte(start, '/') + 1
	files, folders, err := db.Names(ctx, strings.Trim(start[:at], "/"), start[at:], completions)
	if err != nil {
		return nil, how
	}
	var out []string
	for _, name := range folders {
		out = appendPlain(out, start[:at]+name+"/")
	}
	for _, name := range files {
		out = appendPlain(out, start[:at]+name)
	}
	return out, how
}

// completeFolders offers folders of the index.
func (a *app) completeFolders(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	all, how := a.completePaths(cmd, nil, start)
	var folders []string
	for _, p := range all {
		if strings.HasSuffix(p, "/") {
			folders = append(folders, p)
		}
	}
	return folders, how
}

// appendPlain appends what a shell can be offered: a tab would end it, and a
// control character steer the terminal.
func appendPlain(list []string, s string) []string {
	if s == printable(s) {
		return append(list, s)
	}
	return list
}

package mirrorbrain

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// What a search may cost. One at a time asks a database, and one walks through a
// tree, so clients cannot keep either busy with many; the same search is answered
// from memory for a while.
const (
	searchFound    = 500             // names it finds
	searchTime     = 2 * time.Second // how long it looks
	searchPatience = 3 * time.Second // how long it waits for others
	searchAge      = 30 * time.Second
	searchEntries  = 200_000 // entries of a local tree it looks at
	searchDepth    = 64      // folders
)

// find looks for names below a folder.
func (x *Autoindex) find(ctx context.Context, p place, text string, c *folderContents) error {
	turns := x.walking
	if x.rt != nil {
		turns = x.rt.db.searching
	}
	wait := time.NewTimer(searchPatience)
	defer wait.Stop()
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-wait.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	if x.rt != nil {
		return x.findIndexed(ctx, p, text, c)
	}
	return x.findOnDisk(ctx, p, text, c)
}

// findOnDisk walks through the local tree.
func (x *Autoindex) findOnDisk(ctx context.Context, p place, text string, c *folderContents) error {
	tree, err := x.tree(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	text = lowered(text)
	c.listing.Entries, c.listing.Cut, err = tree.Search(ctx, p.path, func(name string) bool {
		return strings.Contains(lowered(name), text)
	}, disk.WalkLimits{Entries: searchEntries, Found: searchFound, Depth: searchDepth})
	x.markSigned(c.listing.Entries)
	return err
}

// lowered is in lower case as far as ASCII goes: names need not be UTF-8.
func lowered(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// findIndexed asks the index, and, where there is a local tree, looks whether
// what it says is still there for everybody.
func (x *Autoindex) findIndexed(ctx context.Context, p place, text string, c *folderContents) error {
	db := x.rt.db
	slot, ok := db.enter()
	if !ok {
		return errBusy
	}
	defer db.leave(slot)
	view := db.catalog.View()
	if !view.Ready() {
		return errBusy
	}
	shown, err := x.shows(p)
	if err != nil {
		return err
	}
	base, _ := view.Resolve(p.path)
	found, more, err := db.store.SearchNames(ctx, base, text, searchFound, searchTime)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fs.ErrNotExist
	case err != nil:
		x.logger.Debug("searching names", "folder", p.path, "err", err)
		return errBusy
	}
	for i := range found {
		if e, ok := shown(foundEntry(&found[i], base)); ok {
			c.listing.Entries = append(c.listing.Entries, e)
		}
	}
	c.listing.Cut = more
	x.annotateFrom(view, p.path, c.listing.Entries)
	return nil
}

// foundEntry makes an entry of what is found below a folder.
func foundEntry(f *store.FoundName, base string) autoindex.Entry {
	folder, name := "", f.Path
	if base != "" {
		name = strings.TrimPrefix(f.Path[len(base):], "/")
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		folder, name = name[:i+1], name[i+1:]
	}
	e := autoindex.New(name, f.Dir)
	e.Folder = folder
	if !f.Dir {
		e.Size, e.ModTime = f.Size, indexedTime(f.MTime, f.Precision)
	}
	return e
}

// shows gives a function that reports whether the listing of its folder would
// show an entry, and how.
func (x *Autoindex) shows(p place) (func(autoindex.Entry) (autoindex.Entry, bool), error) {
	if x.fromIndex(p) {
		hidden, ignored := x.hidden(p), x.ignored()
		return func(e autoindex.Entry) (autoindex.Entry, bool) {
			if hidden != nil && hidden(below(p.path, e.Folder+e.Name)) {
				return e, false
			}
			for part := range strings.SplitSeq(e.Folder+e.Name, "/") {
				if ignored != nil && ignored(part) {
					return e, false
				}
			}
			return e, true
		}, nil
	}
	tree, err := x.tree(p)
	if err != nil {
		return nil, err
	}
	return func(e autoindex.Entry) (autoindex.Entry, bool) {
		now, ok := tree.Lookup(below(p.path, e.Folder+e.Name))
		now.Folder = e.Folder
		return now, ok && now.Dir == e.Dir
	}, nil
}

// latest sends the client to the newest match. Where the file comes from is
// found out when it is asked for.
func (x *Autoindex) latest(w http.ResponseWriter, r *http.Request, p place, ask autoindex.Ask) error {
	c, err := x.listing(r.Context(), p, "")
	if err != nil {
		return x.problem(w, r, err)
	}
	x.cacheControl(w.Header())
	e := autoindex.Latest(c.listing.Entries, ask.Latest, ask.LatestBy)
	if e == nil {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusNotFound)
		if r.Method == http.MethodGet {
			var b bytes.Buffer
			b.WriteString("Nothing in this folder matches " + strings.ToValidUTF8(ask.Latest, "\uFFFD") + "\n")
			_, _ = b.WriteTo(w) // a client that went away is no error
		}
		return nil
	}
	to := "./" + mirror.EscapePath(e.Name)
	if e.Dir {
		to += "/"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
	return nil
}

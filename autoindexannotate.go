package mirrorbrain

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// readIndex lists a folder of the index. Names are asked of the database; all
// else is in memory.
func (x *Autoindex) readIndex(ctx context.Context, p place, c *folderContents) error {
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
	hidden := x.hidden(p)
	if hidden != nil && p.path != "" && hidden(p.path) {
		return fs.ErrNotExist
	}
	folder, _ := view.Resolve(p.path)
	list, err := db.store.ListFolder(ctx, folder, maxIndexed)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fs.ErrNotExist
	case err != nil:
		x.logger.Debug("listing a folder of the index", "folder", p.path, "err", err)
		return errBusy
	}
	entries := indexEntries(view, folder, list, x.RevealSymlinks)
	if len(entries) == 0 && p.path != "" { // all that was in it is gone
		return fs.ErrNotExist
	}
	ignored := x.ignored()
	for _, e := range entries {
		if (ignored == nil || !ignored(e.Name)) && (hidden == nil || !hidden(below(p.path, e.Name))) {
			c.listing.Entries = append(c.listing.Entries, e)
		}
	}
	c.listing.Cut = list.More
	x.annotateFrom(view, p.path, c.listing.Entries)
	return nil
}

// maxIndexed is how many files and folders of a folder are read from the index.
const maxIndexed = 1 << 20

// indexEntries makes entries of what the index has of a folder.
func indexEntries(view *catalog.View, folder string, l *store.FolderListing, reveal bool) []autoindex.Entry {
	entries := make([]autoindex.Entry, 0, len(l.Folders)+len(l.Files)+len(l.Aliases))
	for _, f := range l.Folders {
		e := autoindex.New(f.Name, true)
		e.Files, e.Bytes, e.Mode = f.Files, f.Bytes, fs.ModeDir
		entries = append(entries, e)
	}
	for _, f := range l.Files {
		e := autoindex.New(f.Name, false)
		e.Size, e.ModTime = f.Size, indexedTime(f.MTime, f.Precision)
		entries = append(entries, e)
	}
	for _, a := range l.Aliases {
		e := autoindex.New(a.Path, a.Folder)
		e.Symlink, e.Mode = true, fs.ModeSymlink
		if reveal {
			if to, err := filepath.Rel("/"+folder, "/"+a.Target); err == nil {
				e.SymlinkTarget = filepath.ToSlash(to)
			}
		}
		if !a.Folder {
			target, _ := view.Resolve(below(folder, a.Path))
			f, found := view.Lookup(target)
			if found != catalog.Found { // what it led to is gone
				continue
			}
			e.Size, e.ModTime = f.Size, indexedTime(f.MTime, f.Precision)
		}
		entries = append(entries, e)
	}
	return entries
}

// indexedTime is zero where the index does not know the time.
func indexedTime(ns int64, precision time.Duration) time.Time {
	if precision == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// annotate adds to the entries of a folder what the index knows of them.
func (x *Autoindex) annotate(folder string, entries []autoindex.Entry) {
	x.markSigned(entries)
	if x.rt == nil || x.Source == sourceDisk {
		return
	}
	db := x.rt.db
	slot, ok := db.enter()
	if !ok {
		return
	}
	defer db.leave(slot)
	view := db.catalog.View()
	if !view.Ready() {
		return
	}
	x.annotateFrom(view, folder, entries)
	x.countFolders(view, folder, entries)
}

// annotateFrom does it from the catalog alone. Files that differ from those in
// the index, by size or time, are not the index's.
func (x *Autoindex) annotateFrom(view *catalog.View, folder string, entries []autoindex.Entry) {
	x.markSigned(entries)
	base, _ := view.Resolve(folder)
	buf := []byte(base)
	if base != "" {
		buf = append(buf, '/')
	}
	top := len(buf)
	var ids []mirror.FileID
	var at []int
	for i := range entries {
		e := &entries[i]
		if e.Dir {
			continue
		}
		buf = append(append(buf[:top], e.Folder...), e.Name...)
		f, found := view.LookupBytes(buf)
		if found == catalog.NotFound && (e.Symlink || e.Folder != "") {
			if target, is := view.Resolve(string(buf)); is {
				f, found = view.Lookup(target)
			}
		}
		if found != catalog.Found || !sameFile(e, f) {
			continue
		}
		e.Indexed = true
		e.SHA256, _ = view.SHA256(f.ID)
		ids, at = append(ids, f.ID), append(at, i)
	}
	world := view.Holdings()
	counts := world.Holders(ids, x.usable(view))
	site := x.site()
	for n, i := range at {
		entries[i].Mirrors = counts[n]
		entries[i].Documents |= site.documentsOf(&entries[i], site.comesFromHere(base, &entries[i]))
	}
}

// sameFile reports whether an entry is the version that the index has.
func sameFile(e *autoindex.Entry, f catalog.Entry) bool {
	indexed := mirror.Version{MTime: f.MTime, Precision: f.Precision}
	return e.Size == f.Size && (f.Precision == 0 || indexed.SameTime(e.ModTime.UnixNano(), 1))
}

// usable are the positions of the mirrors that take requests.
func (x *Autoindex) usable(view *catalog.View) (list []int) {
	now, age := time.Now(), x.rt.scanAge(view)
	for i, m := range view.Holdings().Mirrors {
		if state, _ := m.State(now, age); state == mirror.StateUp {
			list = append(list, i)
		}
	}
	return list
}

// countFolders says what is below folders, as of the last index run.
func (x *Autoindex) countFolders(view *catalog.View, folder string, entries []autoindex.Entry) {
	if !hasFolders(entries) {
		return
	}
	base, _ := view.Resolve(folder)
	counted, _, err := x.rt.db.counted.get(strings.Clone(base))
	if err != nil {
		return
	}
	for i := range entries {
		e := &entries[i]
		if !e.Dir {
			continue
		}
		if c, ok := counted[e.Name]; ok {
			e.Files, e.Bytes = c.Files, c.Bytes
		}
	}
}

func hasFolders(entries []autoindex.Entry) bool {
	for i := range entries {
		if entries[i].Dir {
			return true
		}
	}
	return false
}

// readCounted asks the database what is below the folders of a folder.
func (d *database) readCounted(ctx context.Context, folder string) (map[string]store.ListedFolder, error) {
	list, err := d.store.ListFolders(ctx, folder, maxIndexed)
	if err != nil {
		return nil, err
	}
	counted := make(map[string]store.ListedFolder, len(list))
	for _, f := range list {
		counted[f.Name] = f
	}
	return counted, nil
}

func weighCounted(path string, counted map[string]store.ListedFolder) int {
	n := len(path)
	for name := range counted {
		n += 96 + len(name)
	}
	return n
}

// markSigned notes the files that have a signature beside them.
func (x *Autoindex) markSigned(entries []autoindex.Entry) {
	signed := map[[2]string]bool{}
	for i := range entries {
		e := &entries[i]
		for _, suffix := range [...]string{".asc", ".sig"} {
			if file, ok := strings.CutSuffix(e.Name, suffix); ok && !e.Dir {
				signed[[2]string{e.Folder, file}] = true
			}
		}
	}
	if len(signed) == 0 {
		return
	}
	for i := range entries {
		if e := &entries[i]; !e.Dir && signed[[2]string{e.Folder, e.Name}] {
			e.Documents |= autoindex.Signature
		}
	}
}

// site is the redirector that answers for documents about the files; nil: none
// is known. Of several for the instance it is the one with the same root, else
// the first.
func (x *Autoindex) site() *Handler {
	x.app.mu.Lock()
	defer x.app.mu.Unlock()
	var found *Handler
	for _, h := range x.app.sites {
		if h.Instance != x.Instance {
			continue
		}
		if h.Root == x.Root {
			return h
		}
		if found == nil {
			found = h
		}
	}
	return found
}

// comesFromHere reports whether everybody gets a file from here, as trust anchors
// are: there is no Metalink of it then. That of a repository's repomd.xml is left
// to dnf, which knows of it.
func (h *Handler) comesFromHere(folder string, e *autoindex.Entry) bool {
	return h != nil && h.rules.Exempt(path.Join(folder, e.Folder, e.Name), e.Size, nil, "", netip.Addr{}) != ""
}

// documentsOf are the documents about a file of the index that the site answers
// with; fromHere is what comesFromHere says. What is known of a file's bytes beside its SHA-256 is not in memory; it
// is computed together.
func (h *Handler) documentsOf(e *autoindex.Entry, fromHere bool) (d autoindex.Documents) {
	if h == nil {
		return 0
	}
	hashed := e.HasSHA256()
	elsewhere := !fromHere && (e.Mirrors > 0 || len(h.fallbacks) > 0)
	for _, o := range [...]struct {
		as     redirector.Representation
		d      autoindex.Documents
		exists bool
	}{
		{redirector.AsMirrorList, autoindex.MirrorList, true},
		{redirector.AsJSON, autoindex.FileJSON, true},
		{redirector.AsMeta4, autoindex.Meta4, elsewhere},
		{redirector.AsMetalink, autoindex.Metalink, elsewhere},
		{redirector.AsTorrent, autoindex.Torrent, hashed && h.torrents && e.Size > 0},
		{redirector.AsMagnet, autoindex.Magnet, hashed && h.torrents && e.Size > 0},
		{redirector.AsMD5, autoindex.MD5, hashed},
		{redirector.AsSHA1, autoindex.SHA1, hashed},
		{redirector.AsSHA256, autoindex.SHA256, hashed},
		{redirector.AsSHA512, autoindex.SHA512, hashed},
	} {
		if o.exists && h.documents.Has(o.as) {
			d |= o.d
		}
	}
	return d
}

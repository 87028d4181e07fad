package mirrorbrain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// listing gives what is in a folder, or, with a text, what a search in it finds.
// Errors are of io/fs, disk.ErrClosed, or errBusy.
func (x *Autoindex) listing(ctx context.Context, p place, search string) (*folderContents, error) {
	goodFor := time.Duration(x.Refresh)
	if search != "" {
		goodFor = max(goodFor, searchAge)
	}
	good := func(v any) bool { return time.Since(v.(*folderContents).at) < goodFor }
	v, err := x.memory.get(ctx, contentsKey{p, search}, good, func(ctx context.Context, old any) (any, error) {
		before, _ := old.(*folderContents)
		return x.renew(ctx, p, search, before)
	})
	if err != nil {
		return nil, err
	}
	c := v.(*folderContents)
	return c, c.err
}

// renew reads contents again. That there is no such folder is remembered, too.
func (x *Autoindex) renew(ctx context.Context, p place, search string, old *folderContents) (*folderContents, error) {
	c := &folderContents{at: time.Now()}
	var err error
	if search != "" {
		err = x.find(ctx, p, search, c)
	} else {
		err = x.read(ctx, p, c)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, disk.ErrClosed):
		return &folderContents{at: c.at, err: err}, nil
	case err != nil && old.lasting(p, search, x):
		same := *old
		same.at = c.at
		return &same, nil
	case err != nil:
		return nil, err
	}
	c.listing.Path, c.listing.Parent = p.url, *x.Parent && p.url != "/"
	x.describe.Describe(&c.listing)
	c.listing.Newest()
	c.settle()
	if old != nil && old.err == nil && old.print == c.print {
		same := *old
		same.at = c.at
		return &same, nil
	}
	return c, nil
}

// lasting reports whether contents are shown on while they cannot be read again:
// those of a folder that only the database knows.
func (c *folderContents) lasting(p place, search string, x *Autoindex) bool {
	return c != nil && c.err == nil && search == "" && x.fromIndex(p)
}

// read reads a folder.
func (x *Autoindex) read(ctx context.Context, p place, c *folderContents) error {
	if x.fromIndex(p) {
		return x.readIndex(ctx, p, c)
	}
	tree, err := x.tree(p)
	if err != nil {
		return err
	}
	folder, err := tree.Read(ctx, p.path)
	if err != nil {
		return err
	}
	c.index = folder.Index != ""
	c.listing.Entries, c.listing.ModTime, c.listing.Cut = folder.Entries, folder.ModTime, folder.Cut
	if c.index { // the next handler shows it
		c.listing.Entries = nil
		return nil
	}
	c.listing.Header, c.listing.Readme = tree.Insert(p.path, x.Header), tree.Insert(p.path, x.Readme)
	x.annotate(p.path, c.listing.Entries)
	return nil
}

// fromIndex reports whether the index alone is listed.
func (x *Autoindex) fromIndex(p place) bool { return x.Source == sourceIndex || p.root == "" }

// isFolder reports whether a path is that of a folder that can be listed.
func (x *Autoindex) isFolder(ctx context.Context, p place) bool {
	if x.fromIndex(p) {
		_, err := x.listing(ctx, p, "")
		return err == nil
	}
	tree, err := x.tree(p)
	return err == nil && tree.IsFolder(p.path)
}

// tree is the local tree of a place.
func (x *Autoindex) tree(p place) (*disk.Tree, error) {
	t := &disk.Tree{
		Root: p.root, Links: x.links, Reveal: x.RevealSymlinks, Open: x.Closed == "pass",
		Hidden: x.hidden(p), Ignored: x.ignored(), Indexes: x.IndexFiles,
	}
	if p.system != "" {
		system, ok := x.fsmap.Get(p.system)
		if !ok {
			return nil, fmt.Errorf("there is no file system %q in the configuration: %w", p.system, fs.ErrNotExist)
		}
		t.FS = system
	}
	return t, nil
}

func (x *Autoindex) ignored() func(string) bool {
	if len(x.ignore) == 0 {
		return nil
	}
	return func(name string) bool {
		return slices.ContainsFunc(x.ignore, func(p *autoindex.Pattern) bool { return p.Match(name) })
	}
}

// hidden gives the test of what is hidden, by paths below the root. The rules are
// those of file_server: one without a slash is a glob for any part of the path;
// any other is a path on disk, below which all is hidden, or a glob for it.
func (x *Autoindex) hidden(p place) func(string) bool {
	rules := slices.DeleteFunc(slices.Clone(x.hide), func(h string) bool { return strings.Contains(h, "{") })
	for h := range strings.SplitSeq(p.hide, "\x00") {
		if h != "" {
			rules = append(rules, h)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	const slash = string(filepath.Separator)
	root := p.root
	if p.system == "" {
		if abs, err := caddy.FastAbs(root); err == nil {
			root = abs
		}
	}
	root = strings.TrimRight(root, slash) + slash
	return func(path string) bool {
		full := root + filepath.FromSlash(path)
		for _, rule := range rules {
			if !strings.Contains(rule, slash) {
				for part := range strings.SplitSeq(full, slash) {
					if hit, _ := filepath.Match(rule, part); hit {
						return true
					}
				}
				continue
			}
			rest, below := strings.CutPrefix(full, strings.TrimRight(rule, slash))
			if hit, _ := filepath.Match(rule, full); hit || below && (rest == "" || strings.HasPrefix(rest, slash)) {
				return true
			}
		}
		return false
	}
}

var printSeed = maphash.MakeSeed()

// settle computes the print and the size of contents.
func (c *folderContents) settle() {
	var h maphash.Hash
	h.SetSeed(printSeed)
	l := &c.listing
	text := func(parts ...string) {
		for _, s := range parts {
			maphash.WriteComparable(&h, len(s))
			_, _ = h.WriteString(s)
		}
	}
	text(l.Header.Text, l.Readme.Text)
	maphash.WriteComparable(&h, [2]bool{l.Cut, c.index})
	maphash.WriteComparable(&h, l.ModTime.UnixNano())
	c.size = len(l.Header.Text) + len(l.Readme.Text)
	for i := range l.Entries {
		e := &l.Entries[i]
		text(e.Folder, e.Name, e.SymlinkTarget, e.Description)
		maphash.WriteComparable(&h, entryPrint{
			e.Dir, e.Symlink, e.Indexed, e.Size, e.ModTime.UnixNano(), e.Files, e.Bytes, uint64(e.Mode), e.Mirrors, e.SHA256, e.Documents,
		})
		const entry = 256
		c.size += entry + len(e.Folder) + len(e.Name) + len(e.SymlinkTarget)
	}
	c.print = h.Sum64()
}

type entryPrint struct {
	dir, symlink, indexed      bool
	size, mtime, files, nbytes int64
	mode                       uint64
	mirrors                    int
	sha256                     [32]byte
	documents                  autoindex.Documents
}

// ageCell is how long a page says the same of ages, unless something changes.
const ageCell = 5 * time.Minute

// rendered gives what is in a folder, or what the search in it finds, in a form.
func (x *Autoindex) rendered(ctx context.Context, p place, c *folderContents, v view, words *page.Words) (*listingPage, error) {
	if v.ask.Search != "" {
		var err error
		if c, err = x.listing(ctx, p, v.ask.Search); err != nil {
			return nil, err
		}
	}
	var cell time.Time
	if v.format == autoindex.HTML {
		cell = time.Now().Truncate(ageCell)
	}
	good := func(old any) bool {
		l := old.(*listingPage)
		return l.print == c.print && l.cell.Equal(cell)
	}
	made, err := x.memory.get(ctx, pageKey{p, v}, good, func(context.Context, any) (any, error) {
		body, err := x.render(c, v, words, cell)
		if err != nil {
			return nil, err
		}
		return &listingPage{print: c.print, cell: cell, body: body, tag: entityTag(body, ""), modified: c.listing.ModTime}, nil
	})
	if err != nil {
		return nil, err
	}
	return made.(*listingPage), nil
}

// render writes contents in a form.
func (x *Autoindex) render(c *folderContents, v view, words *page.Words, now time.Time) ([]byte, error) {
	l := c.listing
	l.Entries = slices.Clone(l.Entries) // others sort them too
	l.Order, l.Ask = v.order, v.ask
	l.Arrange(x.MaxEntries)
	if v.format != autoindex.HTML {
		return autoindex.Append(nil, v.format, &l, &x.options)
	}
	if l.ModTime.After(now) && l.ModTime.Before(time.Now()) {
		now = l.ModTime // nothing on the page is younger than the page
	}
	var b bytes.Buffer
	if err := x.page.Write(&b, words, &l, now); err != nil {
		return nil, fmt.Errorf("making the index of a folder: %w", err)
	}
	return b.Bytes(), nil
}

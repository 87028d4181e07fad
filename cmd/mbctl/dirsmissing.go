package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// missingDoc is a folder of which a mirror lacks something, in JSON output.
type missingDoc struct {
	Folder string `json:"folder"`
	Files  int64  `json:"files"`
	Bytes  int64  `json:"bytes"`
}

// missingFile is a file that a mirror lacks.
type missingFile struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`
	MTime string `json:"mtime"`
}

// missingOf shows what a mirror lacks of a folder.
func (a *app) missingOf(ctx context.Context, h *heldBy, dir string, f dirsFlags) error {
	if !mirror.Below(dir, h.m.Subtree) {
		if !mirror.Below(h.m.Subtree, dir) {
			return fmt.Errorf("%s carries %s/ alone, so it is not meant to have %s/", h.m.Name, h.m.Subtree, dir)
		}
		dir = h.m.Subtree
	}
	ids, _, _, err := a.db.FolderIDs(ctx, dir)
	if err != nil {
		return err
	}
	missing := roaring.AndNot(ids, h.held)
	if missing.IsEmpty() && !a.json {
		a.note("%s lacks nothing of the %s files below %s/.", h.m.Name, count(ids.GetCardinality()), printable(dir))
		return nil
	}
	if f.files {
		return a.missingFiles(ctx, missing, f.limit)
	}
	return a.missingFolders(ctx, missing, dir, f.segments)
}

// missingFolders sums up by folder, so many levels below dir.
func (a *app) missingFolders(ctx context.Context, missing *roaring.Bitmap, dir string, levels int) error {
	sums := map[string]*missingDoc{}
	err := a.db.Paths(ctx, missing, func(_ mirror.FileID, path []byte, v mirror.Version) error {
		folder := folderBelow(path, dir, levels)
		d := sums[string(folder)]
		if d == nil {
			d = &missingDoc{Folder: string(folder)}
			sums[d.Folder] = d
		}
		d.Files++
		d.Bytes += v.Size
		return nil
	})
	if err != nil {
		return err
	}
	docs := []missingDoc{}
	total := missingDoc{}
	for _, d := range sums {
		docs = append(docs, *d)
		total.Files += d.Files
		total.Bytes += d.Bytes
	}
	slices.SortFunc(docs, func(x, y missingDoc) int { return strings.Compare(x.Folder, y.Folder) })
	if a.json {
		return a.printJSON(map[string]any{"files": total.Files, "bytes": total.Bytes, "folders": docs})
	}
	s := sheet{header: []string{"files", "bytes", "folder"}, right: []int{0, 1}}
	for _, d := range docs {
		s.rows = append(s.rows, []string{fmt.Sprint(d.Files), fmt.Sprint(d.Bytes), d.Folder + "/"})
	}
	a.printTable(s)
	if !a.quiet {
		fmt.Fprintf(a.err, "missing: %s of %s bytes\n", plural(total.Files, "file"), count(total.Bytes))
	}
	return nil
}

// folderBelow gives the folder of a path that is at most so many levels below
// dir, in which the path is.
func folderBelow(path []byte, dir string, levels int) []byte {
	start := 0
	if dir != "" {
		start = len(dir) + 1
	}
	end := start
	for range levels {
		slash := bytes.IndexByte(path[end:], '/')
		if slash < 0 {
			break
		}
		end += slash + 1
	}
	return path[:max(end-1, 0)]
}

func (a *app) missingFiles(ctx context.Context, missing *roaring.Bitmap, limit int) error {
	total := missing.GetCardinality()
	if total > uint64(limit) {
		some := roaring.New()
		for it := missing.Iterator(); some.GetCardinality() < uint64(limit); {
			some.Add(it.Next())
		}
		missing = some
	}
	files := []missingFile{}
	err := a.db.Paths(ctx, missing, func(_ mirror.FileID, path []byte, v mirror.Version) error {
		files = append(files, missingFile{string(path), v.Size, timeText(v.MTime, v.Precision)})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(x, y missingFile) int { return strings.Compare(x.Path, y.Path) })
	if total > uint64(limit) && !a.quiet {
		fmt.Fprintf(a.err, "%s files are missing, %s of them are shown (--limit).\n", count(total), count(limit))
	}
	if a.json {
		return a.printJSON(files)
	}
	s := sheet{header: []string{"bytes", "time", "path"}, right: []int{0}}
	for _, f := range files {
		s.rows = append(s.rows, []string{fmt.Sprint(f.Size), f.MTime, f.Path})
	}
	a.printTable(s)
	return nil
}

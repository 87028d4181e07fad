package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxCopy is how much of a large folder the demo publishes, in bytes.
const maxCopy = 512 << 20

// minFile is the size below which the module serves files itself (min_size).
const minFile = 4096

// copyTree copies the regular files of from to to, modes and times included,
// until maxCopy is reached. It gives their paths.
func copyTree(from, to string) (files []string, cut bool, err error) {
	var total int64
	err = filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is not published
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755) //nolint:gosec // mirrors' servers read it
		}
		info, err := e.Info()
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // gone meanwhile, or a link
		}
		if total += info.Size(); total > maxCopy {
			cut = true
			return fs.SkipAll
		}
		if err := copyFile(path, filepath.Join(to, rel), info); err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return nil
			}
			return err
		}
		files = append(files, filepath.ToSlash(rel))
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no files to publish", from)
	}
	return files, cut, err
}

// copyFile makes a hard link, which costs nothing, or else a copy.
func copyFile(from, to string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o004 != 0 && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // mirrors' servers read it
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// replace puts new contents in place of a file, as a release does: never into
// the old file, which the mirrors' trees may share as a hard link.
func replace(path string, contents []byte, mtime time.Time) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, contents, 0o644); err != nil { //nolint:gosec // mirrors' servers read it
		return err
	}
	if err := os.Chtimes(tmp, mtime, mtime); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// pick finds the files that the demo's requests are about: one that the
// partial mirror has too, one that it lacks, and one that will be replaced.
func pick(root string, files []string, partial func(string) bool) (common, missing, changing string, err error) {
	large := slices.DeleteFunc(slices.Clone(files), func(f string) bool {
		info, err := os.Stat(filepath.Join(root, filepath.FromSlash(f)))
		return err != nil || info.Size() < 2*minFile
	})
	for _, f := range large {
		switch {
		case partial(f) && common == "":
			common = f
		case partial(f) && changing == "":
			changing = f
		case !partial(f) && missing == "":
			missing = f
		}
	}
	if common == "" || missing == "" || changing == "" {
		return "", "", "", fmt.Errorf("%s has too few files of %d bytes and more for a demo", root, 2*minFile)
	}
	return common, missing, changing, nil
}

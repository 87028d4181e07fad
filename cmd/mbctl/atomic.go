package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// publicMode is that of files for everybody.
const publicMode fs.FileMode = 0o644

// writeWhole puts data in the place of a file at once, so that whoever reads it
// sees the former text or the new one. A file that is there keeps its mode, and
// a link stays one; a new file is for everybody. What is no file (a pipe, a terminal)
// is written to.
func writeWhole(name string, data []byte) error {
	mode := publicMode
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch fi, err := os.Stat(name); {
	case err == nil && fi.IsDir():
		return fmt.Errorf("%s is a folder", name)
	case err == nil && !fi.Mode().IsRegular():
		return os.WriteFile(name, data, mode)
	case err == nil:
		mode = fi.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return replaceFile(name, data, func(f *os.File) error { return f.Chmod(mode) })
}

// replaceFile writes a new file beside name, lets dress set its mode and owner,
// and gives it the name.
func replaceFile(name string, data []byte, dress func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".mbctl-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = dress(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// output writes what a command made: to standard output when file is "" or
// "-", else in the place of the file.
func (a *app) output(file string, data []byte) error {
	if file == "" || file == "-" {
		_, err := a.out.Write(data)
		return err
	}
	if err := writeWhole(file, data); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

//go:build !linux

package filecheck

import (
	"errors"
	"io/fs"
	"os"
)

// stat asks the operating system, following links.
func stat(path string) (Info, error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return Info{State: Absent}, nil
	case err != nil:
		return Info{}, err
	case !fi.Mode().IsRegular() || fi.Mode().Perm()&0o004 == 0:
		return Info{State: Absent}, nil
	}
	return Info{State: Regular, Size: fi.Size(), MTime: fi.ModTime().UnixNano()}, nil
}

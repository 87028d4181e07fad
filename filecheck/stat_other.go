//go:build !linux

package filecheck

import (
	"errors"
	"io/fs"
	"os"
)

// look asks the operating system, following links. No answer holds.
func look(path string) (info Info, holds bool, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return Info{State: Absent}, false, nil
	case err != nil:
		return Info{}, false, err
	case !fi.Mode().IsRegular() || fi.Mode().Perm()&0o004 == 0:
		return Info{State: Absent}, false, nil
	}
	return Info{State: Regular, Size: fi.Size(), MTime: fi.ModTime().UnixNano()}, false, nil
}

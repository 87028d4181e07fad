package filecheck

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// mode gives the permissions of what path leads to, following links. there is
// false where nothing is, or nothing that this process may see.
func mode(path string) (perm fs.FileMode, folder, there bool, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENOTDIR):
		return 0, false, false, nil
	case err != nil:
		return 0, false, false, err
	}
	return fi.Mode().Perm(), fi.IsDir(), true, nil
}

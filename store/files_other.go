//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import (
	"fmt"
	"os"
)

// adopt does nothing: owners and modes are a Unix matter.
func adopt(folder, file string) {}

func folderWritable(folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return nil
}

func fileUsable(path string) error {
	_, err := os.Stat(path)
	return err
}

func permissionText(path string) string { return "cannot write " + path }

// tryLock trusts in the transaction that follows, which only one process gets.
func tryLock(*os.File) (bool, error) { return true, nil }

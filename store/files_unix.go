//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// adopt gives file the owner and group of folder and mode 0660, best effort.
func adopt(folder, file string) {
	var d, f syscall.Stat_t
	if syscall.Stat(folder, &d) != nil || syscall.Stat(file, &f) != nil {
		return
	}
	if f.Mode&0o777 != fileMode {
		_ = os.Chmod(file, fileMode)
	}
	switch {
	case f.Uid == d.Uid && f.Gid == d.Gid:
	case os.Geteuid() == 0:
		_ = os.Chown(file, int(d.Uid), int(d.Gid))
	default: // the owner may only give it to a group of theirs
		_ = os.Chown(file, -1, int(d.Gid))
	}
}

// folderWritable reports in words that this user may not make files in folder.
func folderWritable(folder string) error {
	const writeSearch = 2 | 1 // W_OK, X_OK
	err := syscall.Access(folder, writeSearch)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %s", ErrReadOnly, permissionText(folder))
	}
	return fmt.Errorf("%w: folder %s: %w", ErrUnreachable, folder, err)
}

// fileUsable reports in words that this user may not read and write a file. It
// does not open it.
func fileUsable(path string) error {
	const readWrite = 4 | 2 // R_OK, W_OK
	err := syscall.Access(path, readWrite)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %s", ErrReadOnly, permissionText(path))
	}
	return &os.PathError{Op: "access", Path: path, Err: err}
}

// permissionText says who we are, whose the file is, and its mode.
func permissionText(path string) string {
	me := "user " + userName(uint32(os.Geteuid()))
	fi, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("%s cannot write %s: %v", me, path, err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Sprintf("%s cannot write %s", me, path)
	}
	return fmt.Sprintf("%s cannot write %s, which belongs to %s:%s and has mode %04o",
		me, path, userName(st.Uid), groupName(st.Gid), fi.Mode().Perm())
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// tryLock takes an exclusive lock that ends with f, or with the process.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}

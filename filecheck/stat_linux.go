package filecheck

import (
	"errors"
	"syscall"
)

// look asks the operating system, following links. It avoids os.Stat, whose
// result costs three allocations. Not there, not a file, not readable by others
// and names that cannot exist are Absent; any other failure is an error. holds
// says that news of the path's folder are news of the file: it is neither a link
// to somewhere else nor has it another name that it can be written by.
func look(path string) (info Info, holds bool, err error) {
	var st syscall.Stat_t
	for {
		if err = syscall.Lstat(path, &st); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	link := err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFLNK
	for link {
		if err = syscall.Stat(path, &st); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch err {
	case nil:
	case syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL:
		return Info{State: Absent}, false, nil
	default:
		return Info{}, false, err
	}
	// 0o004: what others may not read is not in the index either; a file that
	// was closed since the index run must not be given away.
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Mode&0o004 == 0 {
		return Info{State: Absent}, false, nil
	}
	info = Info{State: Regular, Size: st.Size, MTime: st.Mtim.Nano()}
	return info, !link && st.Nlink == 1, nil
}

package filecheck

import (
	"errors"
	"syscall"
)

// stat asks the operating system, following links. It avoids os.Stat, whose
// result costs three allocations. Not there, not a file, not readable by others
// and names that cannot exist are Absent; any other failure is an error.
func stat(path string) (Info, error) {
	var st syscall.Stat_t
	var err error
	for {
		if err = syscall.Stat(path, &st); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch err {
	case nil:
	case syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL:
		return Info{State: Absent}, nil
	default:
		return Info{}, err
	}
	// 0o004: what others may not read is not in the index either; a file that
	// was closed since the index run must not be given away.
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Mode&0o004 == 0 {
		return Info{State: Absent}, nil
	}
	return Info{State: Regular, Size: st.Size, MTime: st.Mtim.Nano()}, nil
}

package origin

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// stat is what the walk needs to know of a name.
type stat struct {
	mode         fs.FileMode // type and the permission bits for others
	size         int64
	mtime, ctime int64 // nanoseconds since the epoch
}

// statAt looks at a name in an open folder, relative to the folder itself, so
// that nothing renamed or swapped for a link above it can lead elsewhere.
func statAt(dir *os.File, name string) (stat, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return stat{}, err
		}
		break
	}
	s := stat{
		mode: fs.FileMode(st.Mode) & 0o777, size: st.Size,
		mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(),
	}
	switch uint32(st.Mode) & unix.S_IFMT { //nolint:unconvert // 16 bits wide on other systems
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.mode |= fs.ModeDir
	case unix.S_IFLNK:
		s.mode |= fs.ModeSymlink
	default:
		s.mode |= fs.ModeIrregular
	}
	return s, nil
}

func isNotDir(err error) bool { return errors.Is(err, unix.ENOTDIR) }

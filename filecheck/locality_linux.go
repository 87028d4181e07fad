package filecheck

import "syscall"

// locality says whether this system's kernel hears of all changes in a file
// system.
type locality uint8

const (
	unasked locality = iota
	distant          // others may change it: a network, a FUSE server; or it is not known
	layered          // overlayfs: not of those in its lower layers
	local
)

// localityOf asks for the file system of a folder, by its number in
// linux/magic.h. Left out on purpose is ZFS, which can be rolled back while it
// is mounted.
func localityOf(path string) (locality, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return unasked, err
	}
	switch uint32(fs.Type) {
	case 0xef53, // ext2, ext3, ext4
		0x58465342, // xfs
		0x9123683e, // btrfs
		0xf2f52010, // f2fs
		0x01021994, // tmpfs
		0x858458f6: // ramfs
		return local, nil
	case 0x794c7630: // overlayfs
		return layered, nil
	}
	return distant, nil
}

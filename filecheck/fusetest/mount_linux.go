package fusetest

import (
	"errors"
	"fmt"
	"syscall"
)

// mount attaches f.dev to f.Dir. It takes root and /dev/fuse.
func (f *FS) mount() (err error) {
	if f.dev, err = syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("opening /dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", f.dev)
	if err := syscall.Mount("fusetest", f.Dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_RDONLY, options); err != nil {
		return errors.Join(err, syscall.Close(f.dev))
	}
	return nil
}

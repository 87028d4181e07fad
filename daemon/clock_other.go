//go:build !linux

package daemon

// monotonic is for systemd, which there is only on Linux.
func monotonic() (usec int64, ok bool) { return 0, false }

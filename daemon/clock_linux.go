package daemon

import "golang.org/x/sys/unix"

// monotonic gives CLOCK_MONOTONIC in microseconds, as systemd compares it.
func monotonic() (usec int64, ok bool) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() / 1000, err == nil
}

//go:build unix

package catalog

import (
	"syscall"
	"testing"
)

// cpuTime reports the CPU time of the operations that follow, which other
// programs on the machine disturb less than the time that passes.
func cpuTime(b *testing.B) (report func()) {
	b.Helper()
	used := func() int64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return r.Utime.Nano() + r.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

//go:build unix

package rsync

import (
	"os/exec"
	"syscall"
)

// killWholeGroup makes cancellation also end the processes that rsync forks.
func killWholeGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

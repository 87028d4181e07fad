//go:build !unix

package rsync

import "os/exec"

// killWholeGroup is what exec does by itself here.
func killWholeGroup(*exec.Cmd) {}

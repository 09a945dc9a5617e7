//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inGroup lets the end of the run end whatever the client started.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

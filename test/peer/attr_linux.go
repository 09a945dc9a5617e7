package peer

import "syscall"

// ownGroup keeps a terminal's interrupt away from the broker, which is stopped
// by whoever started it, and ends it with a starter that dies.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

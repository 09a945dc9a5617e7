//go:build !linux

package peer

import "syscall"

func ownGroup() *syscall.SysProcAttr { return nil }

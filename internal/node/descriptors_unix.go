//go:build unix

package node

import (
	"math"
	"syscall"
)

// openFileLimit is how many descriptors the process may have. Go has raised the
// soft limit to the hard one.
func openFileLimit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return math.MaxInt64
	}
	return uint64(l.Cur) //nolint:unconvert // signed on some systems
}

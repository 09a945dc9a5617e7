//go:build !linux

package netx

import (
	"net"
	"time"
)

// RoundTrip is the time to the peer and back as the kernel has measured it; it
// is not known on this system.
func RoundTrip(*net.TCPConn) (time.Duration, bool) { return 0, false }

// SendBufferAllowed tells whether the system lets a process ask for a send
// buffer of n bytes; that is not known on this system.
func SendBufferAllowed(int) bool { return false }

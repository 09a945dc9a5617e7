//go:build !linux

package netx

import (
	"net"
	"time"
)

// RoundTrip is the time to the peer and back as the kernel has measured it; it
// is not known on this system.
func RoundTrip(*net.TCPConn) (time.Duration, bool) { return 0, false }

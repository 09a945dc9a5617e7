package netx

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// RoundTrip is the time to the peer and back as the kernel has measured it, for
// a fresh connection that of the handshake; false if it is not known.
func RoundTrip(nc *net.TCPConn) (time.Duration, bool) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, false
	}
	var info *unix.TCPInfo
	var failed error
	err = raw.Control(func(fd uintptr) { info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || failed != nil || info.Rtt == 0 {
		return 0, false
	}
	return time.Duration(info.Rtt) * time.Microsecond, true
}

package netx

import (
	"net"
	"sync"
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

// SendBufferAllowed tells whether the system lets a process ask for a send
// buffer of n bytes: more than net.core.wmem_max is cut down without a word, and
// the kernel's own tuning is off for that socket nevertheless.
func SendBufferAllowed(n int) bool { return n <= largestSendBuffer() }

var largestSendBuffer = sync.OnceValue(func() int {
	const plenty = 1 << 30
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Close(fd) }() // nothing was sent
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, plenty); err != nil {
		return 0
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0
	}
	return got / 2 // the kernel doubles it for its own bookkeeping
})

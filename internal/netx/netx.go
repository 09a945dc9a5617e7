// Package netx is the seam between Milena and the network. Servers listen and
// clients dial through a [Network]: the operating system's TCP, or a [Mem]
// network that lives in the process, whose links tests can cut, delay and make
// one-way, and which works inside testing/synctest bubbles. What the kernel
// tells of a TCP connection is asked for here too ([RoundTrip]).
//
// Concurrency: networks, listeners and connections may be used from any
// goroutine, as package net promises for its own.
package netx

import (
	"context"
	"net"
	"time"
)

// Network listens and dials. Addresses are "host:port".
type Network interface {
	Listen(addr string) (net.Listener, error)
	DialContext(ctx context.Context, addr string) (net.Conn, error)
}

// keepAlive finds peers that vanished without closing, while a connection is
// idle; Kafka's own detection is the idle limit of ten minutes.
const keepAlive = time.Minute

// tcp is the operating system's network. Connections are plain *net.TCPConn,
// so that net.Buffers becomes writev.
type tcp struct{}

// TCP returns the operating system's network.
func TCP() Network { return tcp{} }

func (tcp) Listen(addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: keepAlive}
	return lc.Listen(context.Background(), "tcp", addr)
}

func (tcp) DialContext(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: keepAlive}
	return d.DialContext(ctx, "tcp", addr)
}

package netx

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// memConn is one end of a connection.
type memConn struct {
	m             *Mem
	local, remote memAddr
	in, out       *pipe
	peer          *memConn
	closed        atomic.Bool
}

// connect makes the two ends of a connection. Mem.mu is held.
func (m *Mem) connect(local, remote memAddr) (client, server *memConn) {
	there, back := newPipe(m.linkLocked(local.host, remote.host)), newPipe(m.linkLocked(remote.host, local.host))
	client = &memConn{m: m, local: local, remote: remote, in: back, out: there}
	server = &memConn{m: m, local: remote, remote: local, in: there, out: back}
	client.peer, server.peer = server, client
	return client, server
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *memConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// wrap gives errors the form that package net uses; io.EOF stays bare.
func (c *memConn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions: the peer reads what was written and then EOF,
// and its writes fail.
func (c *memConn) Close() error {
	if c.closed.Swap(true) {
		return c.wrap("close", net.ErrClosed)
	}
	c.out.closeWrite()
	c.in.closeRead()
	if c.peer.closed.Load() {
		c.m.mu.Lock()
		delete(c.m.conns, c)
		delete(c.m.conns, c.peer)
		c.m.mu.Unlock()
	}
	return nil
}

// CloseWrite ends the writing direction only.
func (c *memConn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

// SetDeadline implements net.Conn.
func (c *memConn) SetDeadline(t time.Time) error {
	c.in.readDeadline.set(t)
	c.out.writeDeadline.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.readDeadline.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.writeDeadline.set(t)
	return nil
}

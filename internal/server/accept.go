package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"golang.org/x/time/rate"

	"github.com/milena-io/milena/internal/netx"
)

// newAcceptLimiter is shared by all listeners, nil for an unlimited rate.
func newAcceptLimiter(perSecond int) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// acceptor runs the accept loop of one listener.
type acceptor struct {
	s    *Server
	l    net.Listener
	name string
	tls  *tls.Config
}

// Accepting fails for a while when descriptors run out; the loop backs off
// between these.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
)

func (a *acceptor) run() {
	backoff := minBackoff
	for {
		if limiter := a.s.accepts.Load(); limiter != nil && limiter.Wait(a.s.pollCtx) != nil {
			return // draining
		}
		nc, err := a.l.Accept()
		switch {
		case err == nil:
			backoff = minBackoff
			a.admit(nc)
		case errors.Is(err, net.ErrClosed) || a.s.draining.Load():
			return
		default:
			a.s.log.error("accepting connections fails", "listener", a.name, "error", err)
			if !sleep(a.s.pollCtx, backoff) {
				return
			}
			backoff = min(2*backoff, maxBackoff)
		}
	}
}

// sleep waits for d, or returns false when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// admit starts a connection or rejects it.
func (a *acceptor) admit(nc net.Conn) {
	limits := a.s.limits.Load()
	ip := hostOf(nc.RemoteAddr())
	if why := a.s.reserve(ip, limits); why != "" {
		_ = nc.Close() // nothing was exchanged
		a.s.log.warn("connection rejected", "listener", a.name, "remote", nc.RemoteAddr().String(), "limit", string(why))
		a.s.cfg.Observer.rejected(a.name, why)
		return
	}
	setBuffers(nc, limits)
	c := newConn(a.s, a.name, nc, limits, ip)
	if a.tls != nil {
		c.useTLS(a.tls)
	}
	a.s.start(c)
}

const (
	// nearSendBuffer is the send buffer for a near client. The kernel's own
	// tuning lets it grow to megabytes where one half of the first would do: what
	// is copied in has then left the processor's cache before it is copied out,
	// and both copies cost more (ADR 0016).
	nearSendBuffer = 512 << 10
	// near is a round trip in which a buffer of that size is no limit: a
	// gigabyte per second and more still fits.
	near = 300 * time.Microsecond
)

// setBuffers sets the kernel's buffer sizes; a refusal costs speed only.
func setBuffers(nc net.Conn, l *Limits) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	if n := sendBuffer(l.SendBuffer, func() (time.Duration, bool) { return netx.RoundTrip(tcp) }); n > 0 {
		_ = tcp.SetWriteBuffer(n)
	}
	if l.ReceiveBuffer > 0 {
		_ = tcp.SetReadBuffer(l.ReceiveBuffer)
	}
}

// sendBuffer is the size that a connection's send buffer gets, or 0 for the
// kernel's choice: also where the system allows less than a near client wants, as
// a smaller one may be slower than what the kernel does by itself.
func sendBuffer(wanted int, roundTrip func() (time.Duration, bool)) int {
	if wanted != 0 {
		return max(0, wanted)
	}
	if rtt, known := roundTrip(); known && rtt <= near && netx.SendBufferAllowed(nearSendBuffer) {
		return nearSendBuffer
	}
	return 0
}

// hostOf is the address without the port, an IPv4 address in its short form.
func hostOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().String()
	}
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// reserve counts a new connection from ip, or returns the limit it exceeds.
func (s *Server) reserve(ip string, l *Limits) Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	perIP := l.MaxConnectionsPerIP
	if n, ok := l.PerIPOverrides[ip]; ok {
		perIP = n
	}
	switch {
	case len(s.conns) >= l.MaxConnections:
		return TooMany
	case s.perIP[ip] >= perIP:
		return TooManyPerIP
	}
	s.perIP[ip]++
	return ""
}

// start runs a connection that reserve has counted.
func (s *Server) start(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	s.wg.Go(c.run) // the accept loop's own count keeps the group from being empty
}

// forget removes a connection that has ended.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.perIP[c.ip]--; s.perIP[c.ip] == 0 {
		delete(s.perIP, c.ip)
	}
}

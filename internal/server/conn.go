package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/wire"
)

// API keys that the server treats in a special way.
const (
	produceKey     = 0
	fetchKey       = 1
	joinGroupKey   = 11
	syncGroupKey   = 14
	apiVersionsKey = 18
	shareFetchKey  = 78
)

// longPoll tells which waits are for something to happen rather than for work
// in progress; a shutdown ends them at once.
func longPoll(key int16) bool {
	switch key {
	case fetchKey, joinGroupKey, syncGroupKey, shareFetchKey:
		return true
	}
	return false
}

// conn is one connection.
type conn struct {
	s      *Server
	nc     net.Conn
	info   api.Conn
	limits *Limits
	ip     string

	// ctx ends with the connection; pollCtx also when the server drains.
	ctx      context.Context
	cancel   context.CancelCauseFunc
	pollCtx  context.Context
	endPolls context.CancelFunc

	in    frameReader
	out   answerWriter
	pipe  pipeline
	watch peerWatch
}

func newConn(s *Server, listener string, nc net.Conn, limits *Limits, ip string) *conn {
	c := &conn{s: s, nc: nc, limits: limits, ip: ip}
	c.info = api.Conn{
		ID: s.nextID.Add(1), Listener: listener, Principal: api.AnonymousPrincipal,
		Remote: nc.RemoteAddr(), Local: nc.LocalAddr(),
	}
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	c.pollCtx, c.endPolls = context.WithCancel(s.pollCtx)
	c.in.c, c.in.nc = c, nc
	c.out.c, c.out.nc = c, nc
	c.pipe.init(c)
	c.watch.c = c
	return c
}

// useTLS puts TLS under the frames; run begins with the handshake.
func (c *conn) useTLS(cfg *tls.Config) {
	c.nc = tls.Server(c.nc, cfg)
	c.in.nc, c.out.nc = c.nc, c.nc
}

// wake makes a blocked Read return, so that the reader sees that the server drains,
// and leaves a blocked Write little time.
func (c *conn) wake() {
	_ = c.nc.SetReadDeadline(longAgo)
	_ = c.nc.SetWriteDeadline(time.Now().Add(min(drainGrace, c.limits.WriteGrace)))
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// abort ends the connection from outside its reader.
func (c *conn) abort() {
	c.cancel(net.ErrClosed)
	c.endPolls()
	_ = c.nc.Close()
}

// run is the first reader goroutine.
func (c *conn) run() {
	c.s.cfg.Observer.opened(c.info.Listener)
	if reason, over := c.serve(c.handshake); over {
		c.end(reason)
		return
	}
	c.read()
}

// read is a reader goroutine: up to the end of the connection, or until nothing
// has come for a while. It waits with as little on its stack as possible, so
// that the 2 KiB which a new goroutine gets are enough.
func (c *conn) read() {
	for {
		step := c.next
		if err := c.in.awaitSize(); err == errResting { //nolint:errorlint // nothing wraps it
			c.s.wg.Go(c.read)
			return
		} else if err != nil {
			step = func() error { return err }
		}
		if reason, over := c.serve(step); over {
			c.end(reason)
			return
		}
	}
}

// end takes leave of the connection.
func (c *conn) end(reason Reason) {
	c.abort()
	c.pipe.awaitEmpty()
	c.s.forget(c)
	c.s.cfg.Observer.closed(c.info.Listener, reason)
}

// serve takes one step, of which a panic ends this connection only; over tells
// that the step was the last.
func (c *conn) serve(step func() error) (reason Reason, over bool) {
	defer func() {
		if v := recover(); v != nil {
			c.s.reportPanic(v, debug.Stack(), &c.info)
			reason, over = Panic, true
		}
	}()
	err := step()
	if err == nil {
		return "", false
	}
	c.settle(err)
	return c.ended(err), true
}

// next reads the request whose size is there, and answers it.
func (c *conn) next() error {
	f, err := c.in.next()
	if err != nil {
		return err
	}
	return c.request(f)
}

// settle lets what was accepted before the end be answered, unless the network
// broke and there is nobody to answer.
func (c *conn) settle(err error) {
	_, ours := errors.AsType[*closeError](err)
	if !ours && !errors.Is(err, errDraining) && !errors.Is(err, io.EOF) {
		c.abort()
	}
	c.pipe.awaitEmpty()
}

// handshake is what a connection with TLS begins with.
func (c *conn) handshake() error {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.pollCtx, c.limits.ReadGrace)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		return &closeError{Handshake, err}
	}
	return nil
}

// ended finds the reason in an error, and logs what somebody should know of.
func (c *conn) ended(err error) Reason {
	if errors.Is(err, errDraining) || c.s.ctx.Err() != nil {
		return ByShutdown
	}
	if broken := c.pipe.failure(); broken != nil {
		err = broken // what made the reads fail
	}
	ce, ok := errors.AsType[*closeError](err)
	switch {
	case !ok:
		if !errors.Is(err, io.EOF) {
			c.s.cfg.Logger.Debug("connection broke", "conn", c.info.ID, "remote", c.info.Remote.String(), "error", err)
		}
		return ByClient
	case ce.reason != Idle && ce.reason != Panic:
		c.s.log.warn("connection closed", "conn", c.info.ID, "listener", c.info.Listener,
			"remote", c.info.Remote.String(), "reason", string(ce.reason), "error", ce.err)
	}
	return ce.reason
}

// request handles one frame. An error ends the connection.
func (c *conn) request(f frame) error {
	received := time.Now()
	h, body, err := wire.ParseHeader(f.data, c.limits.Wire)
	// An ApiVersions of an unknown version gets an answer that says so (KIP-511).
	if err != nil && (h.Key != apiVersionsKey || !errors.Is(err, wire.ErrUnsupported)) {
		c.s.release(&f)
		return &closeError{BadRequest, err}
	}
	r := &api.Request{
		Key: h.Key, Version: h.Version, CorrelationID: h.CorrelationID,
		Conn: &c.info, Body: body, Size: len(f.data), ReceivedAt: received,
	}
	if h.ClientID != nil {
		r.ClientID = *h.ClientID
	}
	if h.Key == produceKey {
		return c.produce(r, f)
	}
	return c.barrier(r, f)
}

// barrier answers a request that no other may overlap.
func (c *conn) barrier(r *api.Request, f frame) error {
	defer c.s.release(&f)
	if c.pipe.awaitEmpty(); c.pipe.failure() != nil {
		return c.pipe.failure()
	}
	uncharge, err := c.charge(r)
	if err != nil {
		return err
	}
	defer uncharge()
	reply := c.s.cfg.Handler.Handle(c.ctx, r)
	resp := reply.Now
	if reply.Wait != nil {
		if reply.Detached {
			r.Body = nil
			c.s.release(&f)
		}
		resp = c.await(r, reply.Wait)
	}
	return c.finish(r, reply, resp)
}

// await runs a barrier's wait while watching whether the client is still there.
func (c *conn) await(r *api.Request, wait func(context.Context) api.Response) api.Response {
	c.watch.arm()
	defer c.watch.disarm()
	if longPoll(r.Key) {
		return wait(c.pollCtx)
	}
	return wait(c.ctx)
}

// finish writes an answer from the reader, if there is one.
func (c *conn) finish(r *api.Request, reply api.Reply, resp api.Response) error {
	n := 0
	if h, ok := resp.(api.Releaser); ok {
		defer h.Release()
	}
	if resp != nil {
		var err error
		if n, err = c.out.answer(r, resp); err != nil {
			return err
		}
	}
	closing := reply.Close || resp == nil && !reply.None
	c.report(r, n, closing)
	if closing {
		return c.refused(r)
	}
	c.in.proven = true
	return nil
}

// report tells the observer of a finished request.
func (c *conn) report(r *api.Request, answered int, closing bool) {
	c.s.cfg.Observer.requestDone(RequestInfo{
		Listener: c.info.Listener, Key: r.Key, Version: r.Version, Duration: time.Since(r.ReceivedAt),
		RequestBytes: r.Size + wire.SizePrefix, ResponseBytes: answered, ClosedTheConnection: closing,
	})
}

// refused is why a connection ends when the handler gave no answer: because it
// was told to stop, or because the request can't be answered.
func (c *conn) refused(r *api.Request) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if c.s.draining.Load() && c.pollCtx.Err() != nil {
		return errDraining
	}
	return &closeError{BadRequest, &refusedError{r.Key, r.Version}}
}

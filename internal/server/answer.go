package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/wire"
)

// refusedError says which request ended a connection.
type refusedError struct{ key, version int16 }

func (e *refusedError) Error() string {
	return fmt.Sprintf("request with API key %d version %d was refused", e.key, e.version)
}

// coalesced is the size up to which an answer in several pieces is copied
// together for connections that can't writev.
const coalesced = 16 << 10

// answerWriter writes answers to a connection. It is used by the reader or by
// the pipeline's writer, never by both at a time.
type answerWriter struct {
	c        *conn
	nc       net.Conn
	deadline time.Time // what the write deadline is set to
}

// encode makes the frame of an answer.
func encode(r *api.Request, resp api.Response) (*wire.Buffers, *net.Buffers, error) {
	w := wire.NewBuffers()
	w.Start(r.Key, r.Version, r.CorrelationID)
	err := resp.Encode(w)
	var list *net.Buffers
	if err == nil {
		list, err = w.Finish()
	}
	if err != nil {
		w.Release()
		return nil, nil, &closeError{Failure, fmt.Errorf("answer to API key %d version %d: %w", r.Key, r.Version, err)}
	}
	return w, list, nil
}

// answer encodes and writes one answer and returns its size.
func (a *answerWriter) answer(r *api.Request, resp api.Response) (int, error) {
	w, list, err := encode(r, resp)
	if err != nil {
		return 0, err
	}
	defer w.Release()
	return w.Len(), a.write(list, w.Len())
}

// write writes a list of size bytes. A client that takes nothing, or less than
// the minimum rate, for the whole of the grace is given up.
func (a *answerWriter) write(list *net.Buffers, size int) error {
	tcp, vectored := a.nc.(*net.TCPConn)
	var to net.Conn = tcp
	if !vectored {
		to = a.nc
		if len(*list) > 1 && size <= coalesced {
			*list = net.Buffers{joined(*list, size)}
		}
	}
	// An answer rarely takes long: moving the deadline each time isn't worth it. A
	// drain has set one behind this writer's back.
	if a.c.s.draining.Load() || time.Until(a.deadline) < a.c.limits.WriteGrace*7/8 {
		a.extend()
	}
	for {
		n, err := list.WriteTo(to)
		if err == nil {
			return nil
		}
		enough := n > 0 && float64(n) >= a.grace().Seconds()*float64(a.c.limits.MinRate)
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case !vectored || !enough:
			// Over TLS a write that timed out can't be resumed anyway.
			return &closeError{SlowReceiver, err}
		}
		a.extend()
	}
}

// grace is how long a client may take nothing. While the server drains that is
// less: others wait for it to stop.
func (a *answerWriter) grace() time.Duration {
	if a.c.s.draining.Load() {
		return min(drainGrace, a.c.limits.WriteGrace)
	}
	return a.c.limits.WriteGrace
}

// extend gives the client the whole grace again.
func (a *answerWriter) extend() {
	grace := a.grace()
	a.setDeadline(time.Now().Add(grace))
	// Between the two, Shutdown may have begun to drain and set its own, shorter
	// deadline, which is lost now. Whoever drains later finds this one.
	if now := a.grace(); now < grace {
		a.setDeadline(time.Now().Add(now))
	}
}

func (a *answerWriter) setDeadline(t time.Time) {
	a.deadline = t
	_ = a.nc.SetWriteDeadline(t) // fails on closed connections only, as the write does
}

func joined(list net.Buffers, size int) []byte {
	out := make([]byte, 0, size)
	for _, p := range list {
		out = append(out, p...)
	}
	return out
}

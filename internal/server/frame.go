package server

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/milena-io/milena/internal/wire"
)

const (
	// headBytes is what an idle connection keeps for reading: size and content
	// of a small request come with one system call. With a little more a conn
	// would take the allocator's next size, which is 128 bytes larger.
	headBytes = 240
	// firstBuffer is what a large frame starts with, growthFactor how it goes on.
	firstBuffer  = 4 << 10
	growthFactor = 4
	// uncharged is the part of a frame that does not wait for memory.
	uncharged = 16 << 10
	// crowded is how long a frame may take in all, beside ReadGrace, while
	// other connections wait for the memory it holds.
	crowded = time.Minute
)

// A connection that has been silent for a while rests: its reader hands over to
// a new goroutine. Most that rest never speak again, so the first time comes
// soon. One that did speaks now and then, and each rest costs its next request
// about ten microseconds: it rests again when it is silent for longer than the
// usual heartbeat.
const (
	restSoon  = 100 * time.Millisecond
	restLater = 5 * time.Second
)

// errResting asks for a new reader goroutine.
var errResting = errors.New("server: nothing has come for a while")

// errDraining ends the reader when the server shuts down.
var errDraining = errors.New("server: shutting down")

// closeError is an error that tells why the connection is closed.
type closeError struct {
	reason Reason
	err    error
}

func (e *closeError) Error() string { return string(e.reason) + ": " + e.err.Error() }
func (e *closeError) Unwrap() error { return e.err }

// frame is a request's bytes without the size, and what they take from the budget.
type frame struct {
	data              []byte
	buf               *buffer
	charged, acquired int64
}

// paid is up to where a frame may be read.
func (f *frame) paid() int { return int(f.charged + f.acquired) }

// release gives a frame's memory back. Its bytes are dead after it.
func (s *Server) release(f *frame) {
	if f.charged == 0 { // released before, or empty
		return
	}
	if f.buf != nil {
		s.buffers.put(f.buf)
	}
	s.memory.release(f.charged, f.acquired)
	*f = frame{}
}

// frameReader reads frames from a connection. It belongs to the reader
// goroutine, except while a peerWatch runs.
type frameReader struct {
	c    *conn
	nc   net.Conn
	head [headBytes]byte
	r, w int // unread bytes are head[r:w]

	proven   bool      // this connection has been answered once
	largest  int       // frame completed so far
	deadline time.Time // what the read deadline is set to; zero if unknown
	idle     time.Time // since when nothing has come
	rested   bool      // since then another goroutine has taken over
	speaks   bool      // something came after a rest
}

// next returns the next frame, for whose size awaitSize has waited.
func (fr *frameReader) next() (frame, error) {
	started := time.Now()
	size, err := wire.ParseSize([4]byte(fr.head[fr.r:]), fr.c.limits.MaxFrameBytes)
	if err != nil {
		return frame{}, &closeError{BadFrame, err}
	}
	if !fr.proven && size > fr.c.limits.MaxFirstFrameBytes {
		if err := fr.mustBeginAsProduce(size, started); err != nil {
			return frame{}, err
		}
	}
	fr.r += wire.SizePrefix
	f := frame{charged: int64(min(size, uncharged))}
	fr.c.s.memory.charge(f.charged)
	if err := fr.body(&f, size, started); err != nil {
		fr.c.s.release(&f)
		return frame{}, err
	}
	fr.largest = max(fr.largest, size)
	return f, nil
}

// awaitSize waits for a frame's first four bytes, as long as the connection
// may be idle. io.EOF is a clean end between frames.
func (fr *frameReader) awaitSize() error {
	if fr.r == fr.w {
		fr.r, fr.w = 0, 0
	}
	if !fr.rested {
		fr.idle = time.Now()
	}
	for fr.w-fr.r < wire.SizePrefix {
		fr.limitWait()
		if fr.c.s.draining.Load() {
			return errDraining
		}
		n, err := fr.fill()
		switch {
		case n > 0:
			fr.speaks = fr.speaks || fr.rested
			fr.rested = false
			if fr.w-fr.r == n {
				fr.idle = time.Now()
			}
		case err == nil:
		case fr.c.s.draining.Load():
			return errDraining
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fr.inFrame(err, fr.w-fr.r)
		default:
			if err := fr.overdue(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// limitWait sets the read deadline of a wait for a frame's size.
func (fr *frameReader) limitWait() {
	switch limits := fr.c.limits; {
	case fr.w > fr.r: // a started frame must go on
		fr.moveDeadline(fr.idle.Add(limits.ReadGrace), limits.IdleTimeout/16)
	case fr.mayRest():
		fr.moveDeadline(fr.idle.Add(fr.restAfter()), fr.restAfter()/2)
	default:
		fr.moveDeadline(fr.idle.Add(limits.IdleTimeout), limits.IdleTimeout/16)
	}
}

// mayRest tells whether a new goroutine would be of use. TLS waits with more
// on its stack than a new one has.
func (fr *frameReader) mayRest() bool {
	_, encrypted := fr.nc.(*tls.Conn)
	return !fr.rested && !encrypted && fr.c.limits.IdleTimeout > fr.restAfter()
}

// restAfter is the silence after which a connection rests. Half of it will do:
// the deadline is not moved with every request.
func (fr *frameReader) restAfter() time.Duration {
	if fr.speaks {
		return restLater
	}
	return restSoon
}

// overdue decides what the end of a wait for a frame's size means.
func (fr *frameReader) overdue(err error) error {
	limits, waited := fr.c.limits, time.Since(fr.idle)
	switch {
	case fr.w > fr.r && waited >= limits.ReadGrace:
		return &closeError{SlowSender, errors.New("no complete frame size")}
	case fr.w > fr.r:
	case waited >= limits.IdleTimeout:
		return &closeError{Idle, err}
	case fr.mayRest() && waited >= fr.restAfter()/2:
		// Setting a deadline needs more of a stack than waiting.
		fr.rested = true
		fr.setDeadline(fr.idle.Add(limits.IdleTimeout))
		return errResting
	}
	fr.deadline = time.Time{} // it was early; set the exact one
	return nil
}

// moveDeadline sets the read deadline, unless the one in force is only a
// little earlier: waking up too early now and then is cheaper than moving the
// timer with every request.
func (fr *frameReader) moveDeadline(t time.Time, tolerance time.Duration) {
	if early := t.Sub(fr.deadline); early >= 0 && early < tolerance {
		return
	}
	fr.setDeadline(t)
}

func (fr *frameReader) setDeadline(t time.Time) {
	fr.deadline = t
	_ = fr.nc.SetReadDeadline(t) // fails on closed connections only, as the next read does
}

// fill reads into the head.
func (fr *frameReader) fill() (int, error) {
	if fr.r > 0 && fr.w == len(fr.head) {
		fr.w = copy(fr.head[:], fr.head[fr.r:fr.w])
		fr.r = 0
	}
	n, err := fr.nc.Read(fr.head[fr.w:])
	fr.w += n
	return n, err
}

// mustBeginAsProduce lets a large first frame pass if it starts with the
// header of a Produce request that could be served. What else starts with more
// than the limit is another protocol, or an attempt to use memory up.
func (fr *frameReader) mustBeginAsProduce(size int, started time.Time) error {
	const need = wire.SizePrefix + 4 // up to the version
	fr.deadline = time.Time{}
	for fr.w-fr.r < need {
		fr.setDeadline(started.Add(fr.c.limits.ReadGrace))
		if _, err := fr.fill(); err != nil {
			return fr.inFrame(err, size)
		}
	}
	head := fr.head[fr.r:]
	key := int16(binary.BigEndian.Uint16(head[wire.SizePrefix:]))
	version := int16(binary.BigEndian.Uint16(head[wire.SizePrefix+2:]))
	if served, ok := wire.Versions(key); ok && key == produceKey && version >= served.Min && version <= served.Max {
		return nil
	}
	return &closeError{BadFrame, &wire.SizeError{Size: size, Max: fr.c.limits.MaxFirstFrameBytes}}
}

// body reads size bytes into f.
func (fr *frameReader) body(f *frame, size int, started time.Time) error {
	if fr.largest > uncharged && size > uncharged {
		// The buffer will be large at once, so its memory is waited for first.
		if _, err := fr.acquireRest(f, size); err != nil {
			return err
		}
		started = time.Now()
	}
	f.buf = fr.c.s.buffers.get(min(size, max(firstBuffer, fr.largest)))
	n := copy(f.buf.b[:min(size, len(f.buf.b))], fr.head[fr.r:fr.w])
	fr.r += n
	if n < size {
		fr.setDeadline(started.Add(fr.c.limits.ReadGrace))
	}
	for n < size {
		if n == f.paid() {
			waited, err := fr.acquireRest(f, size)
			if err != nil {
				return err
			}
			started = started.Add(waited)
		}
		if n == len(f.buf.b) {
			fr.grow(f, size)
		}
		got, err := fr.nc.Read(f.buf.b[n:min(len(f.buf.b), f.paid())])
		n += got
		if got == 0 && err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) || fr.c.s.draining.Load() {
				return fr.inFrame(err, size)
			}
			if fr.behind(n, size, time.Since(started)) {
				return &closeError{SlowSender, errors.New("frame arrives too slowly")}
			}
			fr.setDeadline(time.Now().Add(fr.c.limits.ReadGrace / 2))
		}
	}
	f.data = f.buf.b[:size]
	return nil
}

// acquireRest waits for the memory of the rest of a frame.
func (fr *frameReader) acquireRest(f *frame, size int) (waited time.Duration, err error) {
	from := time.Now()
	rest := int64(size) - f.charged
	if err := fr.c.s.memory.acquire(fr.c.ctx, rest); err != nil {
		return 0, errDraining // nothing else ends the context while the reader reads
	}
	f.acquired = rest
	waited = time.Since(from)
	if waited > 0 {
		fr.setDeadline(time.Now().Add(fr.c.limits.ReadGrace))
	}
	return waited, nil
}

// grow moves a frame into a larger buffer.
func (fr *frameReader) grow(f *frame, size int) {
	bigger := fr.c.s.buffers.get(min(size, growthFactor*len(f.buf.b)))
	copy(bigger.b, f.buf.b)
	fr.c.s.buffers.put(f.buf)
	f.buf = bigger
}

// behind tells whether a frame of which n bytes came in the given time is too
// slow. When others wait for memory, more is asked of those who hold it.
func (fr *frameReader) behind(n, size int, took time.Duration) bool {
	rate := float64(fr.c.limits.MinRate)
	if _, waiting := fr.c.s.memory.state(); waiting > 0 && size > uncharged {
		rate = max(rate, float64(size)/crowded.Seconds())
	}
	if rate == 0 {
		return took >= fr.c.limits.IdleTimeout
	}
	return n == 0 || float64(n) < (took-fr.c.limits.ReadGrace).Seconds()*rate
}

// inFrame turns an error inside a frame into why the connection ends.
func (fr *frameReader) inFrame(err error, size int) error {
	switch {
	case fr.c.s.draining.Load():
		return errDraining
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &closeError{SlowSender, err}
	case errors.Is(err, io.EOF) && size > 0:
		return io.ErrUnexpectedEOF
	}
	return err
}

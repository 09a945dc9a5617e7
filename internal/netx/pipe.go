package netx

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Buffer sizes of one direction.
const (
	minBuffer = 1 << 10
	maxBuffer = 256 << 10
)

// pipe is one direction: a ring that grows up to maxBuffer. Waiting is on a
// condition variable, which testing/synctest counts as durably blocked.
type pipe struct {
	mu   sync.Mutex
	cond *sync.Cond

	ring  []byte
	start int // of the oldest byte
	size  int // bytes in the ring

	link     linkState
	arrivals []arrival // of the ring's last bytes, oldest first; those before have arrived
	wake     *time.Timer

	writeClosed bool  // EOF after the ring's bytes
	readClosed  bool  // nobody will read
	err         error // reset

	readDeadline, writeDeadline *deadline
}

// arrival says that the next n bytes may be read from at on.
type arrival struct {
	at time.Time
	n  int
}

func newPipe(l linkState) *pipe {
	p := &pipe{link: l}
	p.cond = sync.NewCond(&p.mu)
	p.readDeadline, p.writeDeadline = &deadline{p: p}, &deadline{p: p}
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch ready := p.readyLocked(); {
		case p.readClosed:
			return 0, net.ErrClosed
		case p.err != nil:
			return 0, p.err
		case p.readDeadline.expired:
			return 0, os.ErrDeadlineExceeded
		case ready > 0 && len(b) > 0:
			n := p.takeLocked(b[:min(ready, len(b))])
			p.cond.Broadcast()
			return n, nil
		case ready > 0 || len(b) == 0:
			return 0, nil
		case p.size == 0 && p.writeClosed && !p.link.cut:
			return 0, io.EOF
		}
		p.cond.Wait()
	}
}

// readyLocked is how many bytes have arrived. For bytes on their way it sets a
// timer that wakes the reader.
func (p *pipe) readyLocked() int {
	if p.link.cut || p.size == 0 {
		return 0
	}
	ready := p.size
	for _, a := range p.arrivals {
		ready -= a.n
	}
	now := time.Now()
	for len(p.arrivals) > 0 && !p.arrivals[0].at.After(now) {
		ready += p.arrivals[0].n
		p.arrivals = p.arrivals[1:]
	}
	if ready == 0 {
		p.wakeLocked(p.arrivals[0].at.Sub(now))
	}
	return ready
}

func (p *pipe) wakeLocked(after time.Duration) {
	if p.wake != nil {
		p.wake.Stop()
	}
	p.wake = time.AfterFunc(after, p.broadcast)
}

func (p *pipe) broadcast() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond.Broadcast()
}

// takeLocked moves bytes out of the ring.
func (p *pipe) takeLocked(b []byte) int {
	n := copy(b, p.ring[p.start:min(p.start+p.size, len(p.ring))])
	n += copy(b[n:], p.ring[:max(0, p.start+p.size-len(p.ring))])
	p.start = (p.start + n) % len(p.ring)
	p.size -= n
	if p.size == 0 {
		p.start = 0
	}
	return n
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := 0
	for {
		switch {
		case p.writeClosed:
			return total, net.ErrClosed
		case p.err != nil:
			return total, p.err
		case p.readClosed && !p.link.cut:
			return total, syscall.EPIPE
		case p.writeDeadline.expired:
			return total, os.ErrDeadlineExceeded
		}
		n := p.putLocked(b)
		total, b = total+n, b[n:]
		if n > 0 {
			p.cond.Broadcast()
		}
		if len(b) == 0 {
			return total, nil
		}
		p.cond.Wait()
	}
}

// putLocked stores what fits.
func (p *pipe) putLocked(b []byte) int {
	b = b[:min(len(b), maxBuffer-p.size)]
	if len(b) == 0 {
		return 0
	}
	if need := p.size + len(b); need > len(p.ring) {
		p.growLocked(need)
	}
	at := (p.start + p.size) % len(p.ring)
	n := copy(p.ring[at:], b)
	copy(p.ring, b[n:])
	p.size += len(b)
	if p.link.delay > 0 || len(p.arrivals) > 0 {
		p.arrivals = append(p.arrivals, arrival{at: p.arrivalLocked(), n: len(b)})
	}
	return len(b)
}

// arrivalLocked is when bytes written now arrive, never before earlier ones.
func (p *pipe) arrivalLocked() time.Time {
	at := time.Now().Add(p.link.delay)
	if n := len(p.arrivals); n > 0 && p.arrivals[n-1].at.After(at) {
		return p.arrivals[n-1].at
	}
	return at
}

func (p *pipe) growLocked(need int) {
	size := max(len(p.ring), minBuffer)
	for size < need {
		size *= 2
	}
	ring := make([]byte, size)
	held := p.size
	if held > 0 {
		p.takeLocked(ring[:held])
	}
	p.ring, p.start, p.size = ring, 0, held
}

func (p *pipe) setLink(l linkState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = l
	p.cond.Broadcast()
}

func (p *pipe) closeWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeClosed = true
	p.writeDeadline.stopLocked()
	p.cond.Broadcast()
}

func (p *pipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readClosed = true
	p.ring, p.start, p.size, p.arrivals = nil, 0, 0, nil
	p.readDeadline.stopLocked()
	if p.wake != nil {
		p.wake.Stop()
	}
	p.cond.Broadcast()
}

func (p *pipe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.cond.Broadcast()
}

// deadline wakes a pipe when it passes. Its fields are guarded by pipe.mu.
type deadline struct {
	p       *pipe
	timer   *time.Timer
	at      time.Time // what the timer is set to
	expired bool
}

func (d *deadline) set(t time.Time) {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	d.stopLocked()
	d.at, d.expired = t, false
	if t.IsZero() {
		return
	}
	after := time.Until(t)
	if after <= 0 {
		d.expired = true
		d.p.cond.Broadcast()
		return
	}
	d.timer = time.AfterFunc(after, func() { d.pass(t) })
}

// pass runs when a timer fires; one that set replaced in the meantime is ignored.
func (d *deadline) pass(t time.Time) {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	if d.at.Equal(t) && !t.IsZero() {
		d.expired = true
		d.p.cond.Broadcast()
	}
}

func (d *deadline) stopLocked() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

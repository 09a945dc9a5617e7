package server

import (
	"net"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/milena-io/milena/internal/api"
)

// pending is a Produce request whose answer is due.
type pending struct {
	r     *api.Request
	f     frame
	reply api.Reply
}

// keptQueue is the queue capacity that an idle connection keeps.
const keptQueue = 4

// pipeline is the queue between a connection's reader and its writer.
type pipeline struct {
	c *conn

	mu      sync.Mutex
	changed sync.Cond
	queue   []pending // queue[first:] are unanswered
	first   int
	running bool  // a writer goroutine exists
	broken  error // why no further answer can be written
}

func (p *pipeline) init(c *conn) {
	p.c = c
	p.changed.L = &p.mu
}

// awaitEmpty waits until every answer is written or given up.
func (p *pipeline) awaitEmpty() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.running {
		p.changed.Wait()
	}
}

// awaitRoom waits until one more request may be in flight, and tells whether
// any is.
func (p *pipeline) awaitRoom() (busy bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.broken == nil && len(p.queue)-p.first >= p.c.limits.MaxInFlight {
		p.changed.Wait()
	}
	return p.running, p.broken
}

// failure is why the pipeline broke, nil if it did not.
func (p *pipeline) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// add queues an answer, and starts a writer if there is none.
func (p *pipeline) add(a pending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first > 0 && len(p.queue) == cap(p.queue) {
		// Into a new array: the writer is reading from this one.
		p.queue = slices.Clone(p.queue[p.first:])
		p.first = 0
	}
	p.queue = append(p.queue, a)
	if !p.running {
		p.running = true
		go p.run()
	}
}

// produce handles a Produce request: the append now, the answer when it is
// acknowledged.
func (c *conn) produce(r *api.Request, f frame) error {
	queued := false
	defer func() {
		if !queued { // also when the handler panics
			c.s.release(&f)
		}
	}()
	busy, err := c.pipe.awaitRoom()
	if err != nil {
		return err
	}
	reply := c.s.cfg.Handler.Handle(c.ctx, r)
	switch {
	case reply.Wait != nil || reply.Now != nil && busy:
		queued = true
		c.pipe.add(pending{r, f, reply})
		if reply.Close {
			c.pipe.awaitEmpty()
			return c.refused(r)
		}
		c.in.proven = true
		return nil
	case reply.None && !reply.Close:
		return c.finish(r, reply, nil)
	default:
		// Nothing is in flight, or the connection ends.
		c.pipe.awaitEmpty()
		return c.finish(r, reply, reply.Now)
	}
}

// run is the writer goroutine. It ends when nothing is left to answer.
func (p *pipeline) run() {
	for {
		batch := p.next()
		if batch == nil {
			return
		}
		if err := p.write(batch); err != nil {
			p.fail(err)
		}
		for i := range batch {
			p.c.s.release(&batch[i].f)
		}
		p.done(len(batch))
	}
}

// next returns the oldest unanswered request and those right behind it that
// are ready, or nil after marking the writer as ended.
func (p *pipeline) next() []pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.queue[p.first:]
	if len(due) == 0 {
		p.running = false
		if cap(p.queue) > keptQueue {
			p.queue = nil
		}
		p.changed.Broadcast()
		return nil
	}
	n := 1
	for n < len(due) && due[n].reply.Now != nil {
		n++
	}
	return due[:n:n]
}

// done takes answered requests off the queue.
func (p *pipeline) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.queue[p.first : p.first+n])
	if p.first += n; p.first == len(p.queue) {
		p.queue, p.first = p.queue[:0], 0
	}
	p.changed.Broadcast()
}

// fail breaks the pipeline and closes the connection, which wakes the reader.
func (p *pipeline) fail(err error) {
	p.mu.Lock()
	if p.broken == nil {
		p.broken = err
	}
	p.mu.Unlock()
	p.c.abort()
}

// write awaits and writes a batch of answers in one piece. After a failure it
// still runs the waits, on an ended context, so that handlers can clean up.
func (p *pipeline) write(batch []pending) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.c.s.reportPanic(v, debug.Stack(), &p.c.info)
			err = &closeError{Panic, net.ErrClosed}
		}
	}()
	if len(batch) == 1 {
		return p.writeOne(batch[0])
	}
	var list net.Buffers
	sizes, total := make([]int, len(batch)), 0
	for i, a := range batch {
		resp := p.await(a)
		if p.failure() != nil {
			continue
		}
		if resp == nil {
			return p.c.refused(a.r)
		}
		w, part, err := encode(a.r, resp)
		if err != nil {
			return err
		}
		defer w.Release()
		sizes[i] = w.Len()
		total += sizes[i]
		list = append(list, *part...)
	}
	if p.failure() != nil {
		return nil
	}
	if err := p.c.out.write(&list, total); err != nil {
		return err
	}
	for i, a := range batch {
		p.c.report(a.r, sizes[i], a.reply.Close)
	}
	return nil
}

// writeOne is write for the usual batch.
func (p *pipeline) writeOne(a pending) error {
	resp := p.await(a)
	switch {
	case p.failure() != nil:
		return nil
	case resp == nil:
		p.c.report(a.r, 0, true)
		return p.c.refused(a.r)
	}
	n, err := p.c.out.answer(a.r, resp)
	if err != nil {
		return err
	}
	p.c.report(a.r, n, a.reply.Close)
	return nil
}

// await returns the response when it is there; only the first of a batch can
// have to wait.
func (p *pipeline) await(a pending) api.Response {
	if a.reply.Wait != nil {
		return a.reply.Wait(p.c.ctx)
	}
	return a.reply.Now
}

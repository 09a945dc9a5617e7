package server

import (
	"net"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/wire"
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

	due []due // the writer's, to use again
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
	for p.broken == nil && len(p.queue)-p.first >= max(1, p.c.limits.MaxInFlight) {
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
		if reply.Detached {
			r.Body = nil
			c.s.release(&f)
		}
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
		oldest, ok := p.next()
		if !ok {
			return
		}
		n, err := p.answer(oldest)
		if err != nil {
			p.fail(err)
		}
		p.done(n)
	}
}

// next returns the oldest unanswered request, or marks the writer as ended.
func (p *pipeline) next() (pending, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first < len(p.queue) {
		return p.queue[p.first], true
	}
	p.running = false
	if cap(p.queue) > keptQueue {
		p.queue = nil
	}
	if cap(p.due) > keptQueue {
		p.due = nil
	}
	p.changed.Broadcast()
	return pending{}, false
}

// due is a request whose answer is there.
type due struct {
	r     *api.Request
	resp  api.Response
	close bool
}

// ready appends the requests right behind the oldest that have their answers.
func (p *pipeline) ready(list []due) []due {
	p.mu.Lock()
	// The reader only appends to the queue, and moves it by copying.
	waiting := p.queue[p.first+1:]
	p.mu.Unlock()
	for i := range waiting {
		a := &waiting[i]
		resp := a.reply.Now
		if resp == nil && a.reply.Ready != nil {
			resp = a.reply.Ready()
		}
		if resp == nil {
			break
		}
		list = append(list, due{a.r, resp, a.reply.Close})
	}
	return list
}

// done takes the n oldest requests off the queue and releases their frames.
func (p *pipeline) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range n {
		p.c.s.release(&p.queue[p.first+i].f)
	}
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

// answer waits for the oldest request and writes its answer, together with
// those that are ready by then. It returns how many it dealt with. After a
// failure it still runs the waits, on an ended context, so that handlers can
// clean up.
func (p *pipeline) answer(oldest pending) (n int, err error) {
	n = 1
	defer func() {
		if v := recover(); v != nil {
			p.c.s.reportPanic(v, debug.Stack(), &p.c.info)
			err = &closeError{Panic, net.ErrClosed}
		}
	}()
	resp := oldest.reply.Now
	if oldest.reply.Wait != nil {
		resp = oldest.reply.Wait(p.c.ctx)
	}
	if resp == nil {
		if p.failure() != nil {
			return n, nil
		}
		p.c.report(oldest.r, 0, true)
		return n, p.c.refused(oldest.r)
	}
	list := p.ready(append(p.due[:0], due{oldest.r, resp, oldest.reply.Close}))
	defer func() {
		clear(list)
		p.due = list[:0]
	}()
	if n = len(list); p.failure() != nil {
		return n, nil
	}
	if n == 1 {
		size, err := p.c.out.answer(oldest.r, resp)
		if err == nil {
			p.c.report(oldest.r, size, oldest.reply.Close)
		}
		return n, err
	}
	return n, p.answerAll(list)
}

// answerAll writes several answers in one piece. If one can't be encoded,
// those before it are still written.
func (p *pipeline) answerAll(list []due) (failed error) {
	var out net.Buffers
	parts := make([]*wire.Buffers, 0, len(list))
	defer func() {
		for _, w := range parts {
			w.Release()
		}
	}()
	total := 0
	for _, a := range list {
		var w *wire.Buffers
		var part *net.Buffers
		if w, part, failed = encode(a.r, a.resp); failed != nil {
			break
		}
		parts = append(parts, w)
		out = append(out, *part...)
		total += w.Len()
	}
	if len(parts) == 0 {
		return failed
	}
	if err := p.c.out.write(&out, total); err != nil {
		return err
	}
	for i, w := range parts {
		p.c.report(list[i].r, w.Len(), list[i].close)
	}
	return failed
}

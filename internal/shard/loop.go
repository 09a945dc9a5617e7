package shard

import "github.com/milena-io/milena/internal/base"

// loopState is what only the running loop touches. The loop's end and the start
// of the next one are ordered by the mutex.
type loopState[Op any] struct {
	term    *term       // whose state machine holds
	machine Machine[Op] // nil until the replay of term is complete
	calls   map[Ticket]*call
	last    Ticket
	parked  parked
	batch   batch
	// maxBatch bounds one batch, as the log's topic said when the round began.
	maxBatch int
	hw       *base.Notifier // notified by the log
	spare    []request[Op]  // the mailbox not in use
}

// run is the loop: it ends when there is nothing to do and nothing to wait for
// but submitters and deadlines.
func (s *Shard[Op]) run() {
	defer s.loops.Done()
	for {
		work, ok := s.next()
		if !ok {
			return
		}
		if work.term != s.loop.term {
			s.drop(ErrNotLeading)
			s.loop.term = work.term
		}
		switch {
		case work.term == nil:
		case s.loop.machine == nil:
			s.load(work.term)
		default:
			s.serve(work)
			s.release()
			s.wait()
		}
	}
}

// work is what one round of the loop has to do.
type work[Op any] struct {
	term     *term
	requests []request[Op]
}

// next takes what gathered; not ok ends the loop.
func (s *Shard[Op]) next() (w work[Op], ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w = work[Op]{term: s.wanted}
	due := s.tickDue && s.status == leading
	s.tickDue = false
	idle := w.term == s.loop.term && s.status != loading && !due && len(s.mailbox) == 0 && s.loop.parked.len() == 0
	if idle {
		s.running = false
		return w, false
	}
	if s.status == leading {
		w.requests, s.mailbox, s.loop.spare = s.mailbox, s.loop.spare[:0], nil
	}
	return w, true
}

// drop forgets the machine and fails whatever waits.
func (s *Shard[Op]) drop(err error) {
	for t, c := range s.loop.calls {
		c.finish(nil, err)
		delete(s.loop.calls, t)
	}
	for _, p := range s.loop.parked.takeAll() {
		p.call.finish(nil, err)
	}
	s.loop.machine = nil
	s.loop.batch.reset()
	s.opts.Timers.set(&s.alarm, 0)
}

// serve decides a round's requests and deadlines.
func (s *Shard[Op]) serve(w work[Op]) {
	now := s.opts.Timers.Now()
	s.measure()
	for _, r := range w.requests {
		s.decide(r, now)
	}
	s.flush(now)
	for d := s.loop.machine.Deadline(); d != 0 && d <= now.Steady; d = s.loop.machine.Deadline() {
		s.takeAlone(s.loop.machine.Tick(now), now)
	}
	s.opts.Timers.set(&s.alarm, s.loop.machine.Deadline())
	clear(w.requests)
	s.loop.spare = w.requests[:0]
}

// measure asks how large a batch may be: the topic's configuration may change. A
// log that does not answer will not take a batch either.
func (s *Shard[Op]) measure() {
	b, _ := s.loop.term.log.Bounds()
	if s.loop.maxBatch = b.MaxBatch; b.MaxBatch == 0 {
		s.loop.maxBatch = defaultMaxBatch
	}
}

const defaultMaxBatch = 1_000_000

// decide handles one request.
func (s *Shard[Op]) decide(r request[Op], now Instant) {
	m := s.loop.machine
	independent := m.Independent(r.op)
	if !independent {
		s.flush(now)
	}
	s.loop.last++
	t := s.loop.last
	s.loop.calls[t] = r.call
	s.take(m.Decide(t, r.op, now), now)
	if !independent || s.loop.batch.size >= s.loop.maxBatch {
		s.flush(now)
	}
}

// wait sleeps until the high watermark may let a reply go, or there is
// something else to do. With no reply parked it does not wait: the loop ends.
func (s *Shard[Op]) wait() {
	need := s.loop.parked.first()
	if need == 0 || s.hasWork() {
		return
	}
	log := s.loop.term.log
	log.Watch(s.loop.hw, need)
	defer log.Unwatch(s.loop.hw)
	if b, err := log.Bounds(); err != nil || b.HighWatermark >= need {
		return // passed before it was watched; the next round releases
	}
	select {
	case <-s.loop.hw.C():
	case <-s.wake.C():
	}
}

func (s *Shard[Op]) hasWork() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mailbox) > 0 || s.tickDue || s.wanted != s.loop.term
}

// release sends the replies that the high watermark has passed. A log that is
// no longer led ends the term without waiting to be told.
func (s *Shard[Op]) release() {
	if s.loop.parked.len() == 0 {
		return
	}
	b, err := s.loop.term.log.Bounds()
	if err != nil {
		s.stepDown(err)
		return
	}
	for p, ok := s.loop.parked.pop(b.HighWatermark); ok; p, ok = s.loop.parked.pop(b.HighWatermark) {
		p.call.finish(p.value, p.err)
	}
}

// stepDown stops serving in a term that the log says is over. Only a later
// term brings the shard back.
func (s *Shard[Op]) stepDown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted != s.loop.term {
		return // the loop will see the change anyway
	}
	s.opts.Logger.Info("coordinator shard stopped serving", "epoch", s.loop.term.epoch, "reason", err)
	s.status = notLeading
	for _, r := range s.mailbox {
		r.call.finish(nil, ErrNotLeading)
	}
	s.mailbox = s.mailbox[:0]
	s.drop(ErrNotLeading)
}

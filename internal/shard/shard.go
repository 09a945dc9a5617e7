package shard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
)

// Options configure a shard.
type Options[Op any] struct {
	// New makes an empty machine; it is called for each term of leadership.
	New func() Machine[Op]
	// Timers is shared by the shards of a host.
	Timers *Timers
	// Codec compresses the records.
	Codec record.Codec
	// MaxQueued bounds the mailbox; 0 means 100,000.
	MaxQueued int
	// LoadBytes is how much is read at a time during replay; 0 means 1 MiB.
	LoadBytes int
	// RetryLoadAfter is the pause after a failed replay; 0 means one second.
	RetryLoadAfter time.Duration
	Logger         *slog.Logger // nil discards
	Events         Events
}

// Events report to whoever counts; any may be nil. They are called by the
// shard's goroutine and must not block.
type Events struct {
	// Loaded tells how long a replay took and how many entries it read.
	Loaded func(took time.Duration, entries int)
	// Appended counts one append with its operations and records.
	Appended func(operations, records, bytes int)
}

func (o *Options[Op]) fill() {
	if o.MaxQueued == 0 {
		o.MaxQueued = 100_000
	}
	if o.LoadBytes == 0 {
		o.LoadBytes = 1 << 20
	}
	if o.RetryLoadAfter == 0 {
		o.RetryLoadAfter = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Shard hosts one machine.
type Shard[Op any] struct {
	opts  Options[Op]
	alarm alarm
	wake  *base.Notifier // tells the waiting loop to look at the fields below

	mu      sync.Mutex
	mailbox []request[Op]
	tickDue bool
	status  status
	wanted  *term // leadership as last told; the loop follows it
	running bool
	closed  bool
	loops   sync.WaitGroup

	loop loopState[Op] // owned by the running loop
}

// status is what submitters are told.
type status int8

const (
	notLeading status = iota
	loading
	leading
)

// term is one leadership of the partition.
type term struct {
	epoch int32
	log   Log
}

// request is an operation in the mailbox.
type request[Op any] struct {
	op   Op
	call *call
}

// call is one waiting submitter.
type call struct{ done chan result }

type result struct {
	value any
	err   error
}

func (c *call) finish(v any, err error) {
	c.done <- result{v, err} // capacity 1, and called once
}

// New returns a shard that leads nothing.
func New[Op any](opts Options[Op]) *Shard[Op] {
	opts.fill()
	s := &Shard[Op]{opts: opts, wake: base.NewNotifier()}
	s.alarm.fire = s.tick
	s.loop.calls = map[Ticket]*call{}
	s.loop.hw = base.NewNotifier()
	return s
}

// Lead makes the shard replay log and then serve. A term that is not newer than
// the present one is ignored.
func (s *Shard[Op]) Lead(epoch int32, log Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.wanted != nil && epoch <= s.wanted.epoch {
		return
	}
	s.changeTermLocked(&term{epoch: epoch, log: log}, loading)
}

// Resign ends leadership: everything that waits fails with ErrNotLeading.
func (s *Shard[Op]) Resign() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted != nil {
		s.changeTermLocked(nil, notLeading)
	}
}

func (s *Shard[Op]) changeTermLocked(t *term, st status) {
	for _, r := range s.mailbox {
		r.call.finish(nil, ErrNotLeading)
	}
	clear(s.mailbox)
	s.mailbox = s.mailbox[:0]
	s.wanted, s.status, s.tickDue = t, st, false
	s.startLocked()
}

// Close resigns and waits until nothing runs any more.
func (s *Shard[Op]) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.changeTermLocked(nil, notLeading)
	}
	s.mu.Unlock()
	s.loops.Wait()
}

// Leading reports whether the shard serves.
func (s *Shard[Op]) Leading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status == leading
}

// Submit carries out op and returns the machine's answer, once it may be known.
// If ctx ends first the operation still takes effect, unheard.
func (s *Shard[Op]) Submit(ctx context.Context, op Op) (any, error) {
	c := &call{done: make(chan result, 1)}
	if err := s.enqueue(request[Op]{op: op, call: c}); err != nil {
		return nil, err
	}
	select {
	case r := <-c.done:
		return r.value, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Shard[Op]) enqueue(r request[Op]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.status == notLeading:
		return ErrNotLeading
	case s.status == loading:
		return ErrLoading
	case len(s.mailbox) >= s.opts.MaxQueued:
		return ErrBusy
	}
	s.mailbox = append(s.mailbox, r)
	s.startLocked()
	return nil
}

// tick is the alarm.
func (s *Shard[Op]) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		return
	}
	s.tickDue = true
	s.startLocked()
}

// startLocked makes sure that a loop looks at what changed.
func (s *Shard[Op]) startLocked() {
	if s.running {
		s.wake.Notify()
		return
	}
	s.running = true
	s.loops.Add(1)
	go s.run()
}

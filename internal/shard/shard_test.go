package shard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/record"
)

// rig is a shard of a register over a memLog.
type rig struct {
	t   *testing.T
	s   *Shard[op]
	log *memLog
	mu  sync.Mutex
	m   *register // of the present term
}

func newRig(t *testing.T, change func(*Options[op])) *rig {
	r := &rig{t: t, log: newMemLog()}
	o := Options[op]{Timers: NewTimers()}
	o.New = func() Machine[op] {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.m = newRegister(0)
		return r.m
	}
	if change != nil {
		change(&o)
	}
	r.s = New(o)
	t.Cleanup(r.s.Close)
	return r
}

// lead begins a term and waits until it serves, or waits for the log.
func (r *rig) lead() {
	r.s.Lead(r.log.lead())
	synctest.Wait()
}

func (r *rig) do(o op) (any, error) { return r.s.Submit(r.t.Context(), o) }

func (r *rig) want(o op, want int64) {
	r.t.Helper()
	v, err := r.do(o)
	if err != nil || v != want {
		r.t.Errorf("%+v: %v, %v, want %d", o, v, err, want)
	}
}

// later submits without waiting for the answer.
func (r *rig) later(o op) *pendingAnswer {
	p := &pendingAnswer{}
	go func() {
		v, err := r.do(o)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done, p.value, p.err = true, v, err
	}()
	return p
}

type pendingAnswer struct {
	mu    sync.Mutex
	done  bool
	value any
	err   error
}

func (p *pendingAnswer) get() (bool, any, error) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done, p.value, p.err
}

func (r *rig) idle() bool {
	synctest.Wait()
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return !r.s.running
}

func TestServesOnlyWhileLeading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrNotLeading) {
			t.Error(err)
		}
		r.lead()
		r.want(op{put: "a", value: 3}, 3)
		r.want(op{incr: "a"}, 4)
		r.want(op{get: "a"}, 4)
		if !r.idle() || !r.s.Leading() {
			t.Error("a goroutine runs although there is nothing to do")
		}
		r.s.Resign()
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrNotLeading) {
			t.Error(err)
		}
		r.s.Close()
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		r.s.Lead(99, nil) // ignored
	})
}

// An answer leaves when what it depends on is committed, and not sooner: that
// includes reads of what others wrote.
func TestAnswersWaitForTheHighWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.want(op{put: "old", value: 1}, 1)
		r.log.set(func(l *memLog) { l.commits = false })
		write := r.later(op{put: "a", value: 5})
		synctest.Wait()
		read := r.later(op{get: "a"})
		synctest.Wait() // or it might come after the next one
		settled := r.later(op{incr: "a"})
		other := r.later(op{get: "old"})
		if done, v, err := other.get(); !done || v != int64(1) || err != nil {
			t.Error("a read of committed state waits", v, err)
		}
		for i, p := range []*pendingAnswer{write, read, settled} {
			if done, v, err := p.get(); done {
				t.Errorf("answer %d came before it was committed: %v %v", i, v, err)
			}
		}
		r.log.commit(2)
		if done, _, _ := write.get(); !done {
			t.Error("the write is committed but not answered")
		}
		if done, v, _ := read.get(); !done || v != int64(5) {
			t.Error("the read is not answered", v)
		}
		if done, _, _ := settled.get(); done {
			t.Error("answered too soon")
		}
		r.log.commit(3)
		if done, v, _ := settled.get(); !done || v != int64(6) {
			t.Error(v)
		}
		if !r.idle() {
			t.Error("not idle")
		}
	})
}

// What gathers while an append runs becomes one batch, up to the first
// operation that depends on what is not written yet.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		gate := make(chan struct{})
		r.log.set(func(l *memLog) { l.appended = gate })
		first := r.later(op{put: "first", value: 1})
		synctest.Wait()
		var all []*pendingAnswer
		for i := range 10 {
			all = append(all, r.later(op{put: fmt.Sprint("k", i), value: 1}))
		}
		synctest.Wait()
		gate <- struct{}{}
		if done, _, _ := first.get(); !done {
			t.Error("not done")
		}
		gate <- struct{}{}
		for _, p := range all {
			if done, _, err := p.get(); !done || err != nil {
				t.Error(err)
			}
		}
		if r.log.appends != 2 || r.log.endOffset() != 11 {
			t.Errorf("%d appends, end %d", r.log.appends, r.log.endOffset())
		}
		r.log.set(func(l *memLog) { l.appended = nil })
		r.want(op{put: "a", value: 1}, 1)
		r.want(op{incr: "a"}, 2)
	})
}

// A dependent operation sees everything before it, although all came at once.
func TestDependentOperationsSeeWhatWasBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		gate := make(chan struct{})
		r.log.set(func(l *memLog) { l.appended = gate })
		r.later(op{put: "x", value: 0})
		synctest.Wait()
		r.later(op{put: "a", value: 10})
		synctest.Wait()
		var last *pendingAnswer
		for range 5 {
			last = r.later(op{incr: "a"})
			synctest.Wait()
		}
		close(gate)
		if _, v, err := last.get(); v != int64(15) || err != nil {
			t.Error(v, err)
		}
	})
}

// A refused append changes nothing, and is told to everybody whose records were
// in it.
func TestRefusedAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		r := newRig(t, nil)
		r.lead()
		r.want(op{put: "a", value: 1}, 1)
		r.log.set(func(l *memLog) { l.refuse = full })
		for _, o := range []op{{put: "a", value: 2}, {incr: "a"}} {
			v, err := r.do(o)
			var refused *AppendError
			if !errors.As(err, &refused) || !errors.Is(err, full) || v != nil {
				t.Errorf("%+v: %v, %v", o, v, err)
			}
		}
		r.log.set(func(l *memLog) { l.refuse = nil })
		r.want(op{get: "a"}, 1)
		r.want(op{incr: "a"}, 2)
		if n := len(r.m.refused); n != 2 || r.m.refused[0] == nil || r.m.refused[1] != nil {
			t.Error(r.m.refused)
		}
	})
}

func TestLargeRecordsAndBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.log.set(func(l *memLog) { l.maxBatch = 1000 })
		r.lead()
		_, err := r.do(op{put: "a", bytes: 1000})
		var tooLarge *TooLargeError
		if !errors.As(err, &tooLarge) || tooLarge.Limit != 1000 {
			t.Error(err)
		}
		r.want(op{put: "a", value: 7, bytes: 600, two: true}, 7)
		if len(r.log.batches) != 2 || r.log.appends != 1 {
			t.Errorf("%d batches in %d appends", len(r.log.batches), r.log.appends)
		}
		for _, b := range r.log.batches {
			if len(b) > 1000 || b.CheckCRC() != nil {
				t.Errorf("a batch of %d bytes", len(b))
			}
		}
		r.want(op{get: "a2"}, 7)
		r.lead()
		r.want(op{get: "a2"}, 7)
		// The topic's limit may change while the shard leads.
		r.log.set(func(l *memLog) { l.maxBatch = 2000 })
		r.want(op{put: "a", value: 8, bytes: 1000}, 8)
	})
}

// Who loses leadership tells everybody who waits: in the mailbox, in the
// machine, or for the high watermark.
func TestLosingLeadership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.log.set(func(l *memLog) { l.commits = false })
		held := r.later(op{hold: true})
		synctest.Wait()
		parked := r.later(op{put: "a", value: 1})
		synctest.Wait()
		gate := make(chan struct{})
		r.log.set(func(l *memLog) { l.appended = gate })
		writing := r.later(op{put: "b", value: 1})
		synctest.Wait()
		queued := r.later(op{get: "a"})
		synctest.Wait()
		r.s.Resign()
		close(gate)
		for i, p := range []*pendingAnswer{held, parked, writing, queued} {
			if done, v, err := p.get(); !done || !errors.Is(err, ErrNotLeading) {
				t.Errorf("%d: %v %v %v", i, done, v, err)
			}
		}
		if !r.idle() {
			t.Error("not idle")
		}
		// What was written may take effect all the same.
		r.log.set(func(l *memLog) { l.commits = true })
		r.log.commit(2)
		r.lead()
		r.want(op{get: "a"}, 1)
		r.want(op{get: "b"}, 1)
	})
}

// A log that is no longer led ends the term without anybody having to say so.
func TestStepsDownByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.log.set(func(l *memLog) { l.commits = false })
		parked := r.later(op{put: "a", value: 1})
		synctest.Wait()
		epoch, term := r.log.lead() // somewhere else
		if done, _, err := parked.get(); !done || !errors.Is(err, ErrNotLeading) {
			t.Error(done, err)
		}
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrNotLeading) || !r.idle() {
			t.Error(err)
		}
		r.log.commit(1)
		r.s.Lead(epoch, term)
		synctest.Wait()
		r.want(op{get: "a"}, 1)
	})
}

// Replay waits until everything that was in the log is committed.
func TestLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[op]) { o.LoadBytes = 1 })
		r.lead()
		for i := range 5 {
			r.want(op{put: fmt.Sprint("k", i), value: int64(i)}, int64(i))
		}
		r.log.set(func(l *memLog) { l.commits, l.hw = false, 2 })
		r.lead()
		if _, err := r.do(op{get: "k0"}); !errors.Is(err, ErrLoading) || r.s.Leading() {
			t.Error(err)
		}
		r.log.commit(4)
		synctest.Wait()
		if _, err := r.do(op{get: "k0"}); !errors.Is(err, ErrLoading) {
			t.Error(err)
		}
		r.log.commit(5)
		synctest.Wait()
		r.want(op{get: "k4"}, 4)
		if r.m.started != 1 {
			t.Errorf("started %d times", r.m.started)
		}
	})
}

// Leadership may change any number of times while a replay waits.
func TestLeadershipChangesDuringLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.want(op{put: "a", value: 1}, 1)
		r.log.set(func(l *memLog) { l.commits, l.hw = false, 0 })
		for range 3 {
			r.lead()
			if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrLoading) {
				t.Error(err)
			}
		}
		r.s.Resign()
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrNotLeading) || !r.idle() {
			t.Error(err)
		}
		r.lead()
		r.log.commit(1)
		synctest.Wait()
		r.want(op{get: "a"}, 1)
		r.s.Lead(r.log.epoch-1, nil) // an old term changes nothing
		r.want(op{get: "a"}, 1)
	})
}

// A replay that fails is tried again.
func TestLoadFailsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[op]) { o.RetryLoadAfter = time.Minute })
		r.lead()
		r.want(op{put: "a", value: 1}, 1)
		r.log.set(func(l *memLog) { l.readErr = errors.New("input/output error") })
		r.lead()
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrLoading) {
			t.Error(err)
		}
		r.log.set(func(l *memLog) { l.readErr = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		r.want(op{get: "a"}, 1)
		r.log.set(func(l *memLog) { l.readErr = errors.New("input/output error") })
		r.lead()
		r.s.Resign() // while it pauses
		if !r.idle() {
			t.Error("not idle")
		}
	})
}

// Compaction may have removed everything up to the end of the log.
func TestLoadOfALogWithGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		for i := range 4 {
			r.want(op{put: fmt.Sprint("k", i), value: 1}, 1)
		}
		r.log.set(func(l *memLog) { l.batches = l.batches[1:2] })
		r.lead()
		r.want(op{get: "k1"}, 1)
		r.want(op{get: "k3"}, 0)
	})
}

// The log may begin in the middle of a batch.
func TestLoadFromTheLogStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.want(op{put: "a", value: 1, two: true}, 1)
		r.log.set(func(l *memLog) { l.start = 1 })
		r.lead()
		r.want(op{get: "a"}, 0)
		r.want(op{get: "a2"}, 1)
	})
}

// Entries of transactions come with their producer, and so do their ends.
func TestLoadOfTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		b := record.NewBuilder(record.BuilderOptions{ProducerID: 9, Idempotent: true, Transactional: true, BaseSequence: -1})
		b.Append(1, []byte("a"), []byte("5"))
		_, term := r.log.lead()
		for _, data := range [][]byte{b.Build(), record.ControlBatch(record.Commit, 1, 9, 0, 1), record.ControlBatch(record.Abort, 1, 8, 0, 1)} {
			if _, err := term.Append(data, 1); err != nil {
				t.Fatal(err)
			}
		}
		r.lead()
		r.want(op{get: "a"}, 5)
		if fmt.Sprint(r.m.markers, r.m.txn) != fmt.Sprint([]Marker{CommitMarker, AbortMarker}, []int64{9, 8}) {
			t.Error(r.m.markers, r.m.txn)
		}
	})
}

// Deadlines are kept without a goroutine that waits for them, and end with
// leadership.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[op]) {
			o.New = func() Machine[op] { return newRegister(1000) }
		})
		r.lead()
		time.Sleep(3500 * time.Millisecond)
		if !r.idle() {
			t.Error("not idle")
		}
		r.want(op{get: "ticks"}, 3)
		r.s.Resign()
		time.Sleep(time.Hour)
		r.lead()
		r.want(op{get: "ticks"}, 3)
	})
}

// Shards share their timer: the earliest deadline of all wins, also after it
// moved.
func TestTimersAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timers := NewTimers()
		start := time.Now()
		var mu sync.Mutex
		var fired []string
		alarms := map[string]*alarm{}
		for _, name := range []string{"a", "b", "c"} {
			alarms[name] = &alarm{fire: func() {
				mu.Lock()
				defer mu.Unlock()
				fired = append(fired, fmt.Sprint(name, time.Since(start).Milliseconds()))
			}}
		}
		now := timers.Now().Steady
		timers.set(alarms["a"], now+300)
		timers.set(alarms["b"], now+100)
		timers.set(alarms["c"], now+200)
		timers.set(alarms["a"], now+50)
		timers.set(alarms["b"], now+400)
		timers.set(alarms["c"], 0)
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(fired, " "); got != "a50 b400" {
			t.Error(got)
		}
	})
}

// A submitter that gives up gets its context's error; the operation goes on.
func TestSubmitterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.lead()
		r.log.set(func(l *memLog) { l.commits = false })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.s.Submit(ctx, op{put: "a", value: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		r.log.commit(1)
		r.want(op{get: "a"}, 1)
		held, cancelHeld := context.WithCancel(t.Context())
		go cancelHeld()
		if _, err := r.s.Submit(held, op{hold: true}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		r.want(op{freed: true}, 1)
	})
}

// A mailbox that is full refuses.
func TestFullMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[op]) { o.MaxQueued = 2 })
		r.lead()
		gate := make(chan struct{})
		r.log.set(func(l *memLog) { l.appended = gate })
		for range 3 {
			r.later(op{put: "a", value: 1})
			synctest.Wait()
		}
		if _, err := r.do(op{get: "a"}); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		close(gate)
		synctest.Wait()
		r.want(op{get: "a"}, 1)
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loads, ops, records int
		r := newRig(t, func(o *Options[op]) {
			o.Events.Loaded = func(_ time.Duration, entries int) { loads += 1 + entries }
			o.Events.Appended = func(o, r, _ int) { ops, records = ops+o, records+r }
		})
		r.lead()
		r.want(op{put: "a", two: true}, 0)
		r.lead()
		if loads != 4 || ops != 1 || records != 2 {
			t.Error(loads, ops, records)
		}
	})
}

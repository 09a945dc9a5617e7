package commitlog

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// keeper is the one background goroutine of a directory. It runs what is due:
// checkpoints, retention, compaction, delayed file deletion, late flushes.
// Work that takes long looks at stopping() in between.
type keeper struct {
	mu     sync.Mutex
	tasks  taskQueue
	added  uint64
	closed bool
	lazy   []*Log // relaxed logs with something unflushed

	pressed atomic.Bool // too many files are open, a flush is due

	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup
	now  func() time.Time
}

type task struct {
	due   time.Time
	order uint64 // of tasks due at the same time, the order in which they came
	run   func()
}

// taskQueue is a heap with the task that is due first at the top.
type taskQueue []task

func (q taskQueue) Len() int      { return len(q) }
func (q taskQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *taskQueue) Push(t any)   { *q = append(*q, t.(task)) }

func (q taskQueue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].order < q[j].order
}

// Pop implements heap.Interface.
func (q *taskQueue) Pop() any {
	old, n := *q, len(*q)-1
	t := old[n]
	old[n] = task{}
	*q = old[:n]
	return t
}

func newKeeper(now func() time.Time) *keeper {
	return &keeper{wake: make(chan struct{}, 1), stop: make(chan struct{}), now: now}
}

func (k *keeper) start() { k.done.Go(k.loop) }

// after runs f once, when d has passed.
func (k *keeper) after(d time.Duration, f func()) { k.add(task{due: k.now().Add(d), run: f}) }

// every runs f again and again, d after its last end.
func (k *keeper) every(d time.Duration, f func()) {
	if d <= 0 {
		return
	}
	k.after(d, func() {
		f()
		k.every(d, f)
	})
}

func (k *keeper) add(t task) {
	k.mu.Lock()
	if !k.closed {
		k.added++
		t.order = k.added
		heap.Push(&k.tasks, t)
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// flushLater flushes a log that is not flushed at every append after ms, or
// with the next checkpoint. The caller holds the log's mutex.
func (k *keeper) flushLater(l *Log, ms int64) {
	wait := time.Duration(ms) * time.Millisecond
	if ms < math.MaxInt64/int64(time.Millisecond) && wait < l.d.opts.CheckpointInterval {
		if !l.timed {
			l.timed = true
			k.after(wait, l.flushTimed)
		}
		return
	}
	if l.lazy {
		return
	}
	l.lazy = true
	k.mu.Lock()
	k.lazy = append(k.lazy, l)
	k.mu.Unlock()
}

// flushTimed is what flush.ms asked for.
func (l *Log) flushTimed() {
	l.mu.Lock()
	l.timed = false
	l.mu.Unlock()
	l.RequestFlush()
}

// flushSoon has the keeper call flushLazy. It is for callers that hold a log's
// mutex: flushLazy takes one after the other.
func (k *keeper) flushSoon() {
	if !k.pressed.Swap(true) {
		k.after(0, func() {
			k.pressed.Store(false)
			k.flushLazy()
		})
	}
}

// flushLazy asks for a flush of every log that flushLater was called for.
func (k *keeper) flushLazy() {
	k.mu.Lock()
	logs := k.lazy
	k.lazy = nil
	k.mu.Unlock()
	for _, l := range logs {
		l.mu.Lock()
		l.lazy = false
		l.mu.Unlock()
		l.RequestFlush()
	}
}

// stopping tells long work to return early.
func (k *keeper) stopping() bool {
	select {
	case <-k.stop:
		return true
	default:
		return false
	}
}

// close stops the goroutine; tasks that were not due are dropped.
func (k *keeper) close() {
	k.mu.Lock()
	closed := k.closed
	k.closed = true
	k.mu.Unlock()
	if !closed {
		close(k.stop)
	}
	k.done.Wait()
}

func (k *keeper) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := k.takeDue()
		for _, t := range due {
			if k.stopping() {
				return
			}
			t.run()
		}
		if len(due) > 0 {
			continue
		}
		timer.Reset(next)
		select {
		case <-k.stop:
			return
		case <-k.wake:
		case <-timer.C:
		}
	}
}

// takeDue removes the tasks that are due and says how long the next one has.
func (k *keeper) takeDue() (due []task, next time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	for len(k.tasks) > 0 {
		if wait := k.tasks[0].due.Sub(now); wait > 0 {
			return due, min(wait, time.Hour)
		}
		due = append(due, heap.Pop(&k.tasks).(task))
	}
	return due, time.Hour
}

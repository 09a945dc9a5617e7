package shard

import (
	"container/heap"
	"sync"
	"time"
)

// Timers is the clock and the timer of all shards of a host: one runtime timer,
// set to the earliest deadline, however many shards there are.
//
// Time in which the whole process stood still (stopped, swapped out, its machine
// moved) does not count: after it every member of every group would seem to have
// been silent, while its heartbeats are waiting to be read. The timer being
// much too late gives a standstill away; the clock is then set back so far
// that the earliest deadline is stallGrace ahead.
type Timers struct {
	start time.Time
	clock func() time.Time

	mu    sync.Mutex
	lost  int64 // milliseconds that do not count
	queue alarmHeap
	timer *time.Timer
	armed int64 // what timer is set to, 0 when it has fired
}

// In milliseconds. Clients send heartbeats every three seconds and need a moment
// to connect again.
const (
	stall      = 2_000
	stallGrace = 10_000
)

// alarm is one shard's place in the queue.
type alarm struct {
	at    int64 // on the steady clock; 0 when not queued
	index int
	fire  func()
}

// NewTimers returns a clock that starts now.
func NewTimers() *Timers { return &Timers{start: time.Now(), clock: time.Now} }

// Now is the current moment.
func (t *Timers) Now() Instant {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nowLocked()
}

func (t *Timers) nowLocked() Instant {
	now := t.clock()
	steady := 1 + now.Sub(t.start).Milliseconds() - t.lost
	if t.armed != 0 && steady > t.armed+stall {
		back := steady - max(1, t.armed-stallGrace)
		t.lost += back
		steady -= back
	}
	return Instant{Wall: now.UnixMilli(), Steady: steady}
}

// set moves a to the given time; 0 takes it out.
func (t *Timers) set(a *alarm, at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.at == at {
		return
	}
	queued := a.at != 0
	a.at = at
	switch {
	case queued && at == 0:
		heap.Remove(&t.queue, a.index)
	case queued:
		heap.Fix(&t.queue, a.index)
	default:
		heap.Push(&t.queue, a)
	}
	t.armLocked()
}

// armLocked sets the runtime timer if it would fire too late. When the first
// alarm moved to a later time, the timer fires in vain once: that is cheaper
// than moving it with every alarm.
func (t *Timers) armLocked() {
	if len(t.queue) == 0 {
		return
	}
	first := t.queue[0].at
	if t.armed != 0 && t.armed <= first {
		return
	}
	t.armed = first
	wait := t.start.Add(time.Duration(first-1+t.lost) * time.Millisecond).Sub(t.clock())
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, t.ring)
		return
	}
	t.timer.Reset(wait)
}

// ring fires every alarm that is due.
func (t *Timers) ring() {
	var due []*alarm
	t.mu.Lock()
	now := t.nowLocked().Steady
	for len(t.queue) > 0 && t.queue[0].at <= now {
		a := heap.Pop(&t.queue).(*alarm)
		a.at = 0
		due = append(due, a)
	}
	t.armed = 0
	t.armLocked()
	t.mu.Unlock()
	for _, a := range due {
		a.fire()
	}
}

// alarmHeap orders alarms by time.
type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}

package group

import (
	"container/heap"

	"github.com/milena-io/milena/internal/shard"
)

// timer is one deadline inside the machine. A zero timer is off.
type timer struct {
	at     int64 // steady clock, 0 when off
	queued int64 // the time it is queued under, at most at; 0 when not queued
	index  int
	fire   func(now shard.Instant) shard.Outcome
}

// timerHeap orders timers by the time they are queued under. Putting a timer
// off, which every heartbeat does, only changes its at: the heap is corrected
// when the old time comes.
type timerHeap struct{ queue timerQueue }

func (h *timerHeap) set(t *timer, at int64) {
	t.at = at
	switch {
	case t.queued == 0:
		t.queued = at
		heap.Push(&h.queue, t)
	case at < t.queued:
		t.queued = at
		heap.Fix(&h.queue, t.index)
	}
}

func (h *timerHeap) cancel(t *timer) {
	t.at = 0
	if t.queued != 0 {
		t.queued = 0
		heap.Remove(&h.queue, t.index)
	}
}

// requeue corrects the place of a timer that was put off.
func (h *timerHeap) requeue(t *timer) {
	t.queued = t.at
	heap.Fix(&h.queue, t.index)
}

// first is the earliest time in the queue, 0 when it is empty.
func (h *timerHeap) first() int64 {
	if len(h.queue) == 0 {
		return 0
	}
	return h.queue[0].queued
}

// due is the first timer queued for now or before; it stays queued.
func (h *timerHeap) due(now int64) *timer {
	if len(h.queue) == 0 || h.queue[0].queued > now {
		return nil
	}
	return h.queue[0]
}

type timerQueue []*timer

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].queued < q[j].queued }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	t.index = len(*q)
	*q = append(*q, t)
}

func (q *timerQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}

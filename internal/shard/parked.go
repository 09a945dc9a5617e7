package shard

import "container/heap"

// parkedReply is an answer that waits for the high watermark.
type parkedReply struct {
	need  int64 // the high watermark at which it may leave
	call  *call
	value any
	err   error
}

// parked is the queue of such answers, the lowest need first.
type parked struct{ queue parkedHeap }

func (p *parked) len() int { return len(p.queue) }

// first is the lowest high watermark that lets an answer go, 0 without any.
func (p *parked) first() int64 {
	if len(p.queue) == 0 {
		return 0
	}
	return p.queue[0].need
}

func (p *parked) push(r parkedReply) { heap.Push(&p.queue, r) }

// pop takes an answer that may leave at the given high watermark.
func (p *parked) pop(highWatermark int64) (parkedReply, bool) {
	if len(p.queue) == 0 || p.queue[0].need > highWatermark {
		return parkedReply{}, false
	}
	return heap.Pop(&p.queue).(parkedReply), true
}

func (p *parked) takeAll() []parkedReply {
	all := p.queue
	p.queue = nil
	return all
}

type parkedHeap []parkedReply

func (h parkedHeap) Len() int           { return len(h) }
func (h parkedHeap) Less(i, j int) bool { return h[i].need < h[j].need }
func (h parkedHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *parkedHeap) Push(x any)        { *h = append(*h, x.(parkedReply)) }

func (h *parkedHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = parkedReply{}
	*h = old[:len(old)-1]
	return r
}

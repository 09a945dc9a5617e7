package api

import (
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/wire"
)

// fetchResponse encodes an answer around the log's own memory: record bytes are
// borrowed by the response writer and never copied.
//
//	throttle time, error and session id (v7+),
//	[ topic name | id, [ partition, error, high watermark, last stable,
//	  log start (v5+), aborted transactions, preferred replica (v11+),
//	  records ] ]; tagged: diverging epoch and leader per partition,
//	node endpoints (v16+)
type fetchResponse struct {
	version   int16
	committed bool
	err       *kerr.Error
	sessionID int32
	results   []fetchResult
	nodes     []node

	memory *fetchMemory // what held is taken from; nil without records
	held   int64
}

// Release implements Releaser.
func (r *fetchResponse) Release() {
	if r.memory != nil {
		r.memory.add(-r.held)
		releaseAll(r.results)
	}
}

// Encode implements Response.
func (r *fetchResponse) Encode(w *wire.Buffers) error {
	e := bodyWriter{flexible: r.version >= fetchFlexible}
	groups := r.group()
	w.Append(e.with(func() {
		e.int32(0) // throttle time
		if r.version >= 7 {
			e.int16(errorCode(r.err))
			e.int32(r.sessionID)
		}
		e.arrayLen(len(groups))
	}))
	for _, g := range groups {
		w.Append(e.with(func() { r.topicHead(&e, g) }))
		for _, p := range g {
			w.Append(e.with(func() { r.partitionHead(&e, p) }))
			for _, chunk := range p.read.Data {
				w.Borrow(chunk)
			}
			w.Append(e.with(func() { r.partitionTags(&e, p) }))
		}
		w.Append(e.with(e.noTags))
	}
	w.Append(e.with(func() {
		if r.version >= fetchLeaderInfo && len(r.nodes) > 0 {
			e.tags(1)
			e.tagged(0, func(e *bodyWriter) { e.nodes(r.nodes) })
		} else {
			e.noTags()
		}
	}))
	return nil
}

// group puts neighbouring partitions of one topic together and leaves out what
// the client knows.
func (r *fetchResponse) group() [][]*fetchResult {
	var groups [][]*fetchResult
	for i := range r.results {
		p := &r.results[i]
		if p.omit {
			continue
		}
		if n := len(groups); n > 0 && groups[n-1][0].topic == p.topic && groups[n-1][0].id == p.id {
			groups[n-1] = append(groups[n-1], p)
			continue
		}
		groups = append(groups, []*fetchResult{p})
	}
	return groups
}

func (r *fetchResponse) topicHead(e *bodyWriter, g []*fetchResult) {
	if r.version >= fetchByID {
		e.dst = kbin.AppendUuid(e.dst, g[0].id)
	} else {
		e.string(g[0].topic)
	}
	e.arrayLen(len(g))
}

func (r *fetchResponse) partitionHead(e *bodyWriter, p *fetchResult) {
	e.int32(p.partition)
	e.int16(errorCode(p.err))
	e.int64(p.read.HighWatermark)
	e.int64(p.read.LastStable)
	if r.version >= 5 {
		e.int64(p.read.LogStart)
	}
	if !r.committed && !p.unread {
		e.nullArray()
	} else {
		e.arrayLen(len(p.read.Aborted))
		for _, txn := range p.read.Aborted {
			e.int64(txn.ProducerID)
			e.int64(txn.FirstOffset)
			e.noTags()
		}
	}
	if r.version >= 11 {
		e.int32(-1) // preferred read replica
	}
	size := 0
	for _, chunk := range p.read.Data {
		size += len(chunk)
	}
	e.bytesLen(size)
}

func (r *fetchResponse) partitionTags(e *bodyWriter, p *fetchResult) {
	n := 0
	if p.read.Diverging != nil {
		n++
	}
	if p.leader.known {
		n++
	}
	e.tags(n)
	if d := p.read.Diverging; d != nil {
		e.tagged(0, func(e *bodyWriter) {
			e.int32(d.Epoch)
			e.int64(d.End)
			e.noTags()
		})
	}
	if p.leader.known {
		e.tagged(1, func(e *bodyWriter) { e.leader(p.leader) })
	}
}

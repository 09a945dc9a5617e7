package api

import (
	"github.com/twmb/franz-go/pkg/kbin"

	"github.com/milena-io/milena/internal/wire"
)

// finish makes the answer of everything decided so far.
func (p *produce) finish() Response {
	for i := range p.req.parts {
		p.api.countError(keyProduce, p.req.parts[i].err)
	}
	return &produceResponse{req: p.req, nodes: p.api.endpoints(p.conn, p.nodes)}
}

// produceResponse encodes the results that lie in the request's partitions.
//
//	[ topic name | id, [ partition, error, base offset, append time (v2+),
//	  log start (v5+), [ record index, message ] and message (v8+) ] ],
//	throttle time; tagged: current leader per partition, node endpoints (v10+)
type produceResponse struct {
	req   *produceRequest
	nodes []node
}

// Encode implements Response.
func (r *produceResponse) Encode(w *wire.Buffers) error {
	w.Append(r.append)
	return nil
}

func (r *produceResponse) append(dst []byte) []byte {
	v := r.req.version
	e := bodyWriter{dst: dst, flexible: v >= produceFlexible}
	e.arrayLen(len(r.req.topics))
	for _, t := range r.req.topics {
		if v >= produceByID {
			e.dst = kbin.AppendUuid(e.dst, t.id)
		} else {
			e.string(t.name)
		}
		e.arrayLen(t.end - t.first)
		for i := t.first; i < t.end; i++ {
			r.appendPart(&e, &r.req.parts[i])
		}
		e.noTags()
	}
	e.int32(0) // throttle time
	if v >= produceLeaderInfo && len(r.nodes) > 0 {
		e.tags(1)
		e.tagged(0, func(e *bodyWriter) { e.nodes(r.nodes) })
	} else {
		e.noTags()
	}
	return e.dst
}

func (r *produceResponse) appendPart(e *bodyWriter, p *producePart) {
	e.int32(p.index)
	e.int16(errorCode(p.err))
	e.int64(p.baseOffset)
	e.int64(p.logAppendTime)
	if r.req.version >= 5 {
		e.int64(p.logStart)
	}
	if r.req.version >= produceErrorInfo {
		e.arrayLen(len(p.recordErrors))
		for _, re := range p.recordErrors {
			e.int32(re.Index)
			e.nullableString(re.Message)
			e.noTags()
		}
		e.nullableString(p.message)
	}
	if r.req.version >= produceLeaderInfo && p.leader.known {
		e.tags(1)
		e.tagged(0, func(e *bodyWriter) { e.leader(p.leader) })
	} else {
		e.noTags()
	}
}

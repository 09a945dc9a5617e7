package shard

import "github.com/milena-io/milena/internal/record"

// batch gathers the outcomes of one append.
type batch struct {
	outcomes []pending
	records  []Record
	size     int // estimate of the encoded records
}

// pending is an outcome whose records are not in the log yet.
type pending struct {
	out  Outcome
	end  int   // records of the batch up to and including this outcome's
	base int64 // the replies of this outcome wait at least for this offset
}

func (b *batch) reset() {
	clear(b.outcomes)
	clear(b.records)
	b.outcomes, b.records, b.size = b.outcomes[:0], b.records[:0], 0
}

// recordOverhead is more than a record's framing takes.
const recordOverhead = 32

// take accepts an outcome: without records it is carried out at once, otherwise
// with the next flush.
func (s *Shard[Op]) take(out Outcome, now Instant) { s.takeAfter(out, 0, now) }

// takeAlone accepts an outcome and carries it out.
func (s *Shard[Op]) takeAlone(out Outcome, now Instant) {
	s.flush(now)
	s.take(out, now)
	s.flush(now)
}

func (s *Shard[Op]) takeAfter(out Outcome, base int64, now Instant) {
	p := pending{out: out, base: max(base, out.After)}
	if len(out.Records) == 0 {
		s.carryOut(p, p.base, nil, now)
		return
	}
	size := 0
	for _, r := range out.Records {
		n := len(r.Key) + len(r.Value) + recordOverhead
		if limit := s.loop.maxBatch; n+record.HeaderSize > limit {
			s.carryOut(p, p.base, &TooLargeError{Size: n, Limit: limit}, now)
			return
		}
		size += n
	}
	b := &s.loop.batch
	b.size += size
	b.records = append(b.records, out.Records...)
	p.end = len(b.records)
	b.outcomes = append(b.outcomes, p)
}

// flush appends the batch, applies it, and carries out what was decided.
func (s *Shard[Op]) flush(now Instant) {
	if len(s.loop.batch.outcomes) == 0 {
		return
	}
	b := s.loop.batch
	s.loop.batch = batch{} // carrying out may gather the next one
	data := s.encode(b.records, now.Wall)
	first, err := s.loop.term.log.Append(data, now.Wall)
	if err != nil {
		s.opts.Logger.Warn("coordinator append failed", "records", len(b.records), "error", err)
		for _, p := range b.outcomes {
			s.carryOut(p, p.base, &AppendError{err}, now)
		}
	} else {
		s.apply(b, first, now)
	}
	if s.loop.batch.outcomes == nil {
		b.reset()
		s.loop.batch = b // reuse the memory
	} else {
		s.flush(now)
	}
}

func (s *Shard[Op]) apply(b batch, first int64, now Instant) {
	for i, r := range b.records {
		s.loop.machine.Apply(Entry{
			Offset: first + int64(i), Timestamp: now.Wall, Key: r.Key, Value: r.Value, ProducerID: -1,
		})
	}
	if s.opts.Events.Appended != nil {
		s.opts.Events.Appended(len(b.outcomes), len(b.records), b.size)
	}
	for _, p := range b.outcomes {
		s.carryOut(p, max(p.base, first+int64(p.end)), nil, now)
	}
}

// carryOut sends an outcome's replies and settles it. need is the high
// watermark that its replies wait for; err is why its records were refused.
func (s *Shard[Op]) carryOut(p pending, need int64, err error, now Instant) {
	for _, r := range p.out.Replies {
		if err != nil {
			r = Reply{To: r.To, Err: err}
		}
		s.reply(r, need)
	}
	if p.out.Settle != nil {
		s.takeAfter(p.out.Settle(err, now), need, now)
	}
}

// reply answers a ticket as soon as the high watermark allows.
func (s *Shard[Op]) reply(r Reply, need int64) {
	c := s.loop.calls[r.To]
	if c == nil {
		return
	}
	delete(s.loop.calls, r.To)
	if need == 0 {
		c.finish(r.Value, r.Err)
		return
	}
	s.loop.parked.push(parkedReply{need: need, call: c, value: r.Value, err: r.Err})
}

// encode makes as many batches as maxBatch asks for.
func (s *Shard[Op]) encode(records []Record, nowMs int64) []byte {
	var out []byte
	for len(records) > 0 {
		builder := record.NewBuilder(record.BuilderOptions{Codec: s.opts.Codec})
		size, n := record.HeaderSize, 0
		for n < len(records) {
			r := records[n]
			size += len(r.Key) + len(r.Value) + recordOverhead
			if n > 0 && size > s.loop.maxBatch {
				break
			}
			builder.Append(nowMs, r.Key, r.Value)
			n++
		}
		b := builder.Build()
		if n == len(records) && out == nil {
			return b
		}
		out = append(out, b...)
		records = records[n:]
	}
	return out
}

package record

import (
	"encoding/binary"
	"fmt"
	"math"
)

// BuilderOptions describes a batch to be built. The zero value is an
// uncompressed CreateTime batch at offset 0 without a producer id.
type BuilderOptions struct {
	BaseOffset    int64
	Codec         Codec
	Level         int // of Codec; DefaultLevel is fine
	TimestampType TimestampType
	LogAppendTime int64 // with TimestampType LogAppendTime
	LeaderEpoch   int32

	// ProducerID, ProducerEpoch and BaseSequence are written when Idempotent or
	// Transactional is set or ProducerID is positive (0 is a valid id, so it
	// can't mean "none" by itself); otherwise the batch has no producer.
	ProducerID    int64
	ProducerEpoch int16
	BaseSequence  int32
	Idempotent    bool
	Transactional bool
	Control       bool

	// DeleteHorizonMs, if positive, is stored in the place of the base
	// timestamp; record timestamps are kept.
	DeleteHorizonMs int64
}

// Builder collects records into one batch. It is used once and by one goroutine.
type Builder struct {
	o       BuilderOptions
	buf     []byte // header space, then encoded records
	count   int32
	last    int32 // offset delta of the last record
	baseTs  int64
	maxTs   int64
	started bool
}

// NewBuilder returns an empty builder.
func NewBuilder(o BuilderOptions) *Builder {
	return &Builder{o: o, buf: make([]byte, HeaderSize, 512), last: -1, maxTs: NoTimestamp}
}

// Append adds a record at the next offset. Nil key, value and header values are
// null. Nothing passed is kept.
func (b *Builder) Append(timestampMs int64, key, value []byte, headers ...Header) {
	b.appendDelta(b.last+1, timestampMs, key, value, headers)
}

// AppendAt is Append for a given offset, which must be above the last one and
// within 2^31 of the base offset; it leaves a gap as compaction does.
func (b *Builder) AppendAt(offset, timestampMs int64, key, value []byte, headers ...Header) {
	delta := offset - b.o.BaseOffset
	if delta <= int64(b.last) || delta > math.MaxInt32 {
		panic(fmt.Sprintf("record: offset %d does not fit a batch at %d after delta %d", offset, b.o.BaseOffset, b.last))
	}
	b.appendDelta(int32(delta), timestampMs, key, value, headers)
}

func (b *Builder) appendDelta(delta int32, ts int64, key, value []byte, headers []Header) {
	tail := bytesSize(key) + bytesSize(value) + varintSize(int64(len(headers)))
	for i := range headers {
		tail += varintSize(int64(len(headers[i].Key))) + len(headers[i].Key) + bytesSize(headers[i].Value)
	}
	b.appendHead(0, delta, ts, tail)
	b.buf = appendBytes(b.buf, key)
	b.buf = appendBytes(b.buf, value)
	b.buf = appendVarint(b.buf, int64(len(headers)))
	for i := range headers {
		b.buf = appendVarint(b.buf, int64(len(headers[i].Key)))
		b.buf = append(b.buf, headers[i].Key...)
		b.buf = appendBytes(b.buf, headers[i].Value)
	}
}

// appendRaw copies a record that was read before, at a new offset and time.
func (b *Builder) appendRaw(r *raw, delta int32, ts int64) {
	b.appendHead(r.attributes, delta, ts, len(r.tail))
	b.buf = append(b.buf, r.tail...)
}

func (b *Builder) appendHead(attributes int8, delta int32, ts int64, tail int) {
	if !b.started {
		b.started, b.baseTs = true, ts
		if b.o.DeleteHorizonMs > 0 {
			b.baseTs = b.o.DeleteHorizonMs
		}
	}
	b.maxTs = max(b.maxTs, ts)
	b.count++
	b.last = delta
	tsDelta := ts - b.baseTs
	b.buf = appendVarint(b.buf, int64(1+varintSize(tsDelta)+varintSize(int64(delta))+tail))
	b.buf = append(b.buf, byte(attributes))
	b.buf = appendVarint(b.buf, tsDelta)
	b.buf = appendVarint(b.buf, int64(delta))
}

func bytesSize(p []byte) int {
	if p == nil {
		return 1
	}
	return varintSize(int64(len(p))) + len(p)
}

func appendBytes(dst, p []byte) []byte {
	if p == nil {
		return append(dst, 1) // -1
	}
	return append(appendVarint(dst, int64(len(p))), p...)
}

// Count is the number of records so far.
func (b *Builder) Count() int { return int(b.count) }

// Size is the batch's size so far, before compression.
func (b *Builder) Size() int { return len(b.buf) }

// Build returns the batch, nil if nothing was appended. The builder is used up.
func (b *Builder) Build() Batch {
	if b.count == 0 {
		return nil
	}
	return b.build(b.last)
}

func (b *Builder) build(lastDelta int32) Batch {
	out := b.buf
	b.buf = nil
	if b.o.Codec != None {
		var err error
		raw := out
		out, err = b.o.Codec.Compress(make([]byte, HeaderSize, HeaderSize+len(raw)/2), raw[HeaderSize:], b.o.Level)
		if err != nil { // the writers write to memory: only a wrong codec gets here
			panic("record: " + err.Error())
		}
	}
	h := header{
		baseOffset: b.o.BaseOffset, leaderEpoch: b.o.LeaderEpoch, attributes: b.attributes(), lastDelta: lastDelta,
		baseTimestamp: b.baseTs, maxTimestamp: b.maxTs, producerID: NoProducerID, producerEpoch: NoProducerEpoch,
		baseSequence: NoSequence, count: b.count,
	}
	if b.o.TimestampType == LogAppendTime {
		h.maxTimestamp = b.o.LogAppendTime
	}
	if b.o.Idempotent || b.o.Transactional || b.o.ProducerID > 0 {
		h.producerID, h.producerEpoch, h.baseSequence = b.o.ProducerID, b.o.ProducerEpoch, b.o.BaseSequence
	}
	return h.seal(out)
}

func (b *Builder) attributes() int16 {
	a := int16(b.o.Codec)
	for _, f := range [...]struct {
		on  bool
		bit int16
	}{
		{b.o.TimestampType == LogAppendTime, attrLogAppendTime},
		{b.o.Transactional, attrTransactional},
		{b.o.Control, attrControl},
		{b.o.DeleteHorizonMs > 0, attrDeleteHorizon},
	} {
		if f.on {
			a |= f.bit
		}
	}
	return a
}

// header is the 61 bytes before the records.
type header struct {
	baseOffset    int64
	leaderEpoch   int32
	attributes    int16
	lastDelta     int32
	baseTimestamp int64
	maxTimestamp  int64
	producerID    int64
	producerEpoch int16
	baseSequence  int32
	count         int32
}

func (b Batch) header() header {
	return header{
		b.BaseOffset(), b.LeaderEpoch(), b.Attributes(), b.LastOffsetDelta(), b.BaseTimestamp(), b.MaxTimestamp(),
		b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), b.Count(),
	}
}

// seal writes h, the length and the CRC into the first bytes of buf, whose rest
// is the payload.
func (h header) seal(buf []byte) Batch {
	be := binary.BigEndian
	be.PutUint64(buf, uint64(h.baseOffset))
	be.PutUint32(buf[offLength:], uint32(len(buf)-LogOverhead))
	be.PutUint32(buf[offLeaderEpoch:], uint32(h.leaderEpoch))
	buf[offMagic] = magicV2
	be.PutUint16(buf[offAttributes:], uint16(h.attributes))
	be.PutUint32(buf[offLastDelta:], uint32(h.lastDelta))
	be.PutUint64(buf[offBaseTimestamp:], uint64(h.baseTimestamp))
	be.PutUint64(buf[offMaxTimestamp:], uint64(h.maxTimestamp))
	be.PutUint64(buf[offProducerID:], uint64(h.producerID))
	be.PutUint16(buf[offProducerEpoch:], uint16(h.producerEpoch))
	be.PutUint32(buf[offBaseSequence:], uint32(h.baseSequence))
	be.PutUint32(buf[offCount:], uint32(h.count))
	b := Batch(buf)
	b.writeCRC()
	return b
}

package record

import (
	"iter"
	"sync"
)

// Record is one record of a batch. Offset and Timestamp are absolute. A nil Key
// or Value is null; an empty one is not. Key, Value and header values are
// slices of the batch or of its decompressed contents: read-only.
type Record struct {
	Offset    int64
	Timestamp int64
	// OffsetDelta is the record's place relative to the base offset; the
	// record's sequence number is AddSequence(BaseSequence, OffsetDelta).
	OffsetDelta int32
	Attributes  int8
	Key         []byte
	Value       []byte
	Headers     []Header
}

// Header is one record header. A nil Value is null.
type Header struct {
	Key   string
	Value []byte
}

// Limits bounds what reading a batch's contents may cost.
type Limits struct {
	// MaxDecompressedBytes caps the decompressed payload of one batch;
	// 0 means DefaultMaxDecompressedBytes.
	MaxDecompressedBytes int
	// MaxRecordBytes caps the encoded size of one record (Kafka's
	// max.decompressed.message.bytes); 0 means no cap of its own.
	MaxRecordBytes int
}

// DefaultMaxDecompressedBytes is 64 times the default max.message.bytes.
const DefaultMaxDecompressedBytes = 64 << 20

func (l Limits) maxDecompressed() int {
	if l.MaxDecompressedBytes > 0 {
		return l.MaxDecompressedBytes
	}
	return DefaultMaxDecompressedBytes
}

// Errors of the walk are values so that a bad batch costs no allocation.
var (
	errRecordLength  = malformed("record length is out of bounds", nil)
	errRecordFields  = malformed("record fields do not fit their record", nil)
	errRecordHeaders = malformed("record headers do not fit their record", nil)
	errRecordSize    = malformed("record is larger than the limit", ErrTooLarge)
	errFewRecords    = malformed("the batch ends before its declared number of records", nil)
	errManyRecords   = malformed("bytes remain after the declared number of records", nil)
	errOffsetDelta   = malformed("record offsets are not ascending within the batch", nil)
)

// raw is a record as it lies in the payload. tail is everything from the key
// length on, which rebuilding copies as it is.
type raw struct {
	attributes  int8
	offsetDelta int32
	headerCount int32
	tsDelta     int64
	key, value  []byte
	headers     []byte
	tail        []byte
}

// next decodes the first record of p and returns what follows it. All sizes are
// checked, headers included, and nothing is allocated.
func (r *raw) next(p []byte, maxRecord int) ([]byte, error) {
	size, n := varint(p)
	if n == 0 || size < minRecordSize-1 || int(size) > len(p)-n {
		return nil, errRecordLength
	}
	if maxRecord > 0 && int(size) > maxRecord {
		return nil, errRecordSize
	}
	body, rest := p[n:n+int(size)], p[n+int(size):]
	r.attributes = int8(body[0])
	body = body[1:]
	if r.tsDelta, n = varlong(body); n == 0 {
		return nil, errRecordFields
	}
	body = body[n:]
	if r.offsetDelta, n = varint(body); n == 0 {
		return nil, errRecordFields
	}
	body = body[n:]
	r.tail = body
	var ok bool
	if r.key, body, ok = nullableBytes(body); !ok {
		return nil, errRecordFields
	}
	if r.value, body, ok = nullableBytes(body); !ok {
		return nil, errRecordFields
	}
	if r.headerCount, n = varint(body); n == 0 {
		return nil, errRecordFields
	}
	r.headers = body[n:]
	return rest, r.checkHeaders()
}

// nullableBytes keeps the difference between null (nil) and empty.
func nullableBytes(p []byte) (b, rest []byte, ok bool) {
	size, n := varint(p)
	switch {
	case n == 0 || int(size) > len(p)-n:
		return nil, nil, false
	case size < 0:
		return nil, p[n:], true
	}
	end := n + int(size)
	return p[n:end:end], p[end:], true
}

func (r *raw) checkHeaders() error {
	p := r.headers
	var ok bool
	// A header takes two bytes at least.
	if r.headerCount < 0 || int(r.headerCount) > len(p)/2 {
		return errRecordHeaders
	}
	var key []byte
	for range r.headerCount {
		if key, p, ok = nullableBytes(p); !ok || key == nil {
			return errRecordHeaders
		}
		if _, p, ok = nullableBytes(p); !ok {
			return errRecordHeaders
		}
	}
	if len(p) != 0 {
		return errRecordHeaders
	}
	return nil
}

// decodeHeaders must follow checkHeaders.
func (r *raw) decodeHeaders() []Header {
	if r.headerCount == 0 {
		return nil
	}
	hs := make([]Header, r.headerCount)
	p := r.headers
	for i := range hs {
		var key []byte
		key, p, _ = nullableBytes(p)
		hs[i].Key = string(key)
		hs[i].Value, p, _ = nullableBytes(p)
	}
	return hs
}

// clock turns timestamp deltas of one batch into timestamps.
type clock struct {
	fixed bool
	base  int64
}

func (b Batch) clock() clock {
	if b.TimestampType() == LogAppendTime {
		return clock{fixed: true, base: b.MaxTimestamp()}
	}
	return clock{base: b.BaseTimestamp()}
}

func (c clock) at(delta int64) int64 {
	if c.fixed {
		return c.base
	}
	return c.base + delta
}

// Records walks the records of b in order. A compressed payload is decompressed
// once, into memory that lives as long as the records that refer to it. The
// walk ends after the first error, which is *MalformedError: b's CRC is the
// caller's business. Offsets are within the batch's range and ascend.
func (b Batch) Records(lim Limits) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := b.inflate(nil, lim, func(p []byte) error { return b.each(p, lim, yield) })
		if err != nil {
			yield(Record{}, err)
		}
	}
}

// each yields the records of the decompressed payload p until it is told to stop.
func (b Batch) each(p []byte, lim Limits, yield func(Record, error) bool) (err error) {
	var r raw
	clock, base, last := b.clock(), b.BaseOffset(), int32(-1)
	for range b.Count() {
		if p, err = b.nextAscending(&r, p, &last, lim); err != nil {
			return err
		}
		rec := r.record(base, clock)
		rec.Headers = r.decodeHeaders()
		if !yield(rec, nil) {
			return nil
		}
	}
	if len(p) != 0 {
		return errManyRecords
	}
	return nil
}

func (r *raw) record(base int64, c clock) Record {
	return Record{
		Offset: base + int64(r.offsetDelta), OffsetDelta: r.offsetDelta, Timestamp: c.at(r.tsDelta),
		Attributes: r.attributes, Key: r.key, Value: r.value,
	}
}

// nextAscending is next plus the rule that offsets ascend within the batch.
func (b Batch) nextAscending(r *raw, p []byte, last *int32, lim Limits) ([]byte, error) {
	if len(p) == 0 {
		return nil, errFewRecords
	}
	p, err := r.next(p, lim.MaxRecordBytes)
	if err != nil {
		return nil, err
	}
	if r.offsetDelta <= *last || r.offsetDelta > b.LastOffsetDelta() {
		return nil, errOffsetDelta
	}
	*last = r.offsetDelta
	return p, nil
}

// contents returns the decompressed payload, in scratch if that is large enough.
func (b Batch) contents(scratch []byte, lim Limits) ([]byte, error) {
	return b.Codec().Decompress(scratch, b.Payload(), lim.maxDecompressed())
}

// maxPooledScratch keeps a rare huge batch from pinning its memory.
const maxPooledScratch = 4 << 20

var scratchPool = sync.Pool{New: func() any { return new([]byte) }}

// withContents runs fn on the decompressed payload in pooled memory: nothing of
// it may be kept by fn.
func (b Batch) withContents(lim Limits, fn func(p []byte) error) error {
	if b.Codec() == None {
		return fn(b.Payload())
	}
	s := scratchPool.Get().(*[]byte)
	defer scratchPool.Put(s)
	return b.inflate((*s)[:0], lim, func(p []byte) error {
		err := fn(p)
		if cap(p) > cap(*s) && cap(p) <= maxPooledScratch {
			*s = p[:0]
		}
		return err
	})
}

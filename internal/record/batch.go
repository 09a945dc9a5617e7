package record

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// HeaderSize is the length of a batch without its records.
const HeaderSize = 61

// LogOverhead is the part of the header that the length field does not count.
const LogOverhead = 12

// NoTimestamp, NoProducerID, NoProducerEpoch and NoSequence are "not set".
const (
	NoTimestamp     int64 = -1
	NoProducerID    int64 = -1
	NoProducerEpoch int16 = -1
	NoSequence      int32 = -1
)

const (
	offLength        = 8
	offLeaderEpoch   = 12
	offMagic         = 16
	offCRC           = 17
	offAttributes    = 21
	offLastDelta     = 23
	offBaseTimestamp = 27
	offMaxTimestamp  = 35
	offProducerID    = 43
	offProducerEpoch = 51
	offBaseSequence  = 53
	offCount         = 57

	attrCodecMask     = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrDeleteHorizon = 0x40

	magicV2 = 2
	// minRecordSize is a record with null key, null value and no headers.
	minRecordSize = 7
)

// TimestampType says who set the timestamps of a batch.
type TimestampType int8

// The values of message.timestamp.type.
const (
	CreateTime TimestampType = iota
	LogAppendTime
)

func (t TimestampType) String() string {
	if t == LogAppendTime {
		return "LogAppendTime"
	}
	return "CreateTime"
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is exactly one batch: a view of bytes that somebody else owns. All
// methods need len(b) >= HeaderSize, which Split and Builder guarantee.
type Batch []byte

// BaseOffset is the offset of the first record the batch was written with.
func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b)) }

// Length is the header's length field: the bytes after itself.
func (b Batch) Length() int32 { return int32(binary.BigEndian.Uint32(b[offLength:])) }

// Size is the whole batch in bytes, as its header says.
func (b Batch) Size() int { return LogOverhead + int(b.Length()) }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() int32 { return int32(binary.BigEndian.Uint32(b[offLeaderEpoch:])) }

// Magic is the format version.
func (b Batch) Magic() int8 { return int8(b[offMagic]) }

// CRC is the stored checksum.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[offCRC:]) }

// Attributes is the raw flag field.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[offAttributes:])) }

// Codec is the compression of the payload; it may be a value Codec.Valid refuses.
func (b Batch) Codec() Codec { return Codec(b[offAttributes+1] & attrCodecMask) }

// TimestampType says who set the timestamps.
func (b Batch) TimestampType() TimestampType {
	if b.has(attrLogAppendTime) {
		return LogAppendTime
	}
	return CreateTime
}

// IsTransactional reports whether the batch belongs to a transaction.
func (b Batch) IsTransactional() bool { return b.has(attrTransactional) }

// IsControl reports whether the batch carries markers instead of data.
func (b Batch) IsControl() bool { return b.has(attrControl) }

// HasDeleteHorizon reports whether compaction has started the clock for the
// batch's tombstones or marker.
func (b Batch) HasDeleteHorizon() bool { return b.has(attrDeleteHorizon) }

// DeleteHorizon is the time after which tombstones and markers may go.
func (b Batch) DeleteHorizon() (ms int64, ok bool) {
	if !b.HasDeleteHorizon() {
		return NoTimestamp, false
	}
	return b.BaseTimestamp(), true
}

func (b Batch) has(bit byte) bool { return b[offAttributes+1]&bit != 0 }

// LastOffsetDelta is last offset minus base offset, unchanged by compaction.
func (b Batch) LastOffsetDelta() int32 { return int32(binary.BigEndian.Uint32(b[offLastDelta:])) }

// LastOffset is the last offset the batch covers.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// NextOffset is the first offset after the batch.
func (b Batch) NextOffset() int64 { return b.LastOffset() + 1 }

// BaseTimestamp is what record timestamp deltas add to.
func (b Batch) BaseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[offBaseTimestamp:])) }

// MaxTimestamp is the largest record timestamp, or the append time.
func (b Batch) MaxTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[offMaxTimestamp:])) }

// ProducerID is the idempotent producer's id or NoProducerID.
func (b Batch) ProducerID() int64 { return int64(binary.BigEndian.Uint64(b[offProducerID:])) }

// HasProducerID reports whether an idempotent or transactional producer wrote b.
func (b Batch) HasProducerID() bool { return b.ProducerID() > NoProducerID }

// ProducerEpoch is the producer's epoch.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[offProducerEpoch:])) }

// BaseSequence is the sequence number of the first record.
func (b Batch) BaseSequence() int32 { return int32(binary.BigEndian.Uint32(b[offBaseSequence:])) }

// LastSequence is the sequence number of the last record; sequences wrap from
// the largest int32 to 0.
func (b Batch) LastSequence() int32 {
	base := b.BaseSequence()
	if base == NoSequence {
		return NoSequence
	}
	return AddSequence(base, b.LastOffsetDelta())
}

// AddSequence is sequence+n with Kafka's wrap-around.
func AddSequence(sequence, n int32) int32 {
	if sequence > math.MaxInt32-n {
		return n - (math.MaxInt32 - sequence) - 1
	}
	return sequence + n
}

// Count is the number of records that are in the batch now.
func (b Batch) Count() int32 { return int32(binary.BigEndian.Uint32(b[offCount:])) }

// Payload is the records as stored, compressed or not.
func (b Batch) Payload() []byte { return b[HeaderSize:] }

// SetBaseOffset moves the batch to another place in the log; not under the CRC.
func (b Batch) SetBaseOffset(offset int64) { binary.BigEndian.PutUint64(b, uint64(offset)) }

// SetLeaderEpoch stamps the appending leader's epoch; not under the CRC.
func (b Batch) SetLeaderEpoch(epoch int32) {
	binary.BigEndian.PutUint32(b[offLeaderEpoch:], uint32(epoch))
}

// SetMaxTimestamp sets the largest record timestamp of a CreateTime batch and
// rewrites the CRC.
func (b Batch) SetMaxTimestamp(ms int64) { b.setMaxTimestamp(CreateTime, ms) }

// SetLogAppendTime marks every record as appended at ms and rewrites the CRC.
func (b Batch) SetLogAppendTime(ms int64) { b.setMaxTimestamp(LogAppendTime, ms) }

func (b Batch) setMaxTimestamp(t TimestampType, ms int64) {
	if b.TimestampType() == t && b.MaxTimestamp() == ms {
		return
	}
	b[offAttributes+1] &^= attrLogAppendTime
	if t == LogAppendTime {
		b[offAttributes+1] |= attrLogAppendTime
	}
	binary.BigEndian.PutUint64(b[offMaxTimestamp:], uint64(ms))
	b.writeCRC()
}

func (b Batch) writeCRC() { binary.BigEndian.PutUint32(b[offCRC:], b.ComputeCRC()) }

// ComputeCRC is the checksum the batch should have.
func (b Batch) ComputeCRC() uint32 { return crc32.Checksum(b[offAttributes:], castagnoli) }

package record

import (
	"errors"
	"fmt"
	"math"
)

// MaxRecordErrors bounds the records an InvalidError names: a batch of a
// million bad records must not become a hundred megabytes of response.
const MaxRecordErrors = 1000

// Rules is what a topic and the origin of a batch demand of it.
type Rules struct {
	// ClientWrite applies what only clients must keep: no control batches,
	// dense offsets from 0, a sequence with a producer id, timestamps in bounds.
	ClientWrite bool
	// Compacted topics need a key in each record.
	Compacted bool
	// TimestampType is the topic's. With LogAppendTime the batch is stamped
	// with NowMs.
	TimestampType TimestampType
	// TimestampBeforeMaxMs and TimestampAfterMaxMs bound how far CreateTime
	// timestamps may be from NowMs; math.MaxInt64 is no bound.
	TimestampBeforeMaxMs int64
	TimestampAfterMaxMs  int64
	NowMs                int64
	// MaxBytes is max.message.bytes, checked before and after rewriting; 0 is
	// no limit.
	MaxBytes int
	// Target is the topic's compression.type.
	Target Target
	// Limits bounds decompression, should it be needed.
	Limits Limits
}

// Report says what Validate made of a batch.
type Report struct {
	// Batch is to be appended: the argument, perhaps changed in place, or a
	// new one when the topic wants another codec.
	Batch Batch
	// Walked reports that every record was read, Rewritten that Batch is new
	// memory.
	Walked    bool
	Rewritten bool
}

// Validate checks b and makes it fit for appending; offsets and leader epoch
// are left to the log. b must come from Split; it is changed in place where a
// timestamp has to be set.
//
// An ordinary topic costs the header checks and one CRC. Records are walked,
// and decompressed for it, only for compacted topics, for a change of codec,
// and where the header can't prove the timestamps to be in bounds. Errors are
// *CorruptError and *InvalidError.
func Validate(b Batch, r Rules) (Report, error) {
	if err := checkEnvelope(b, &r); err != nil {
		return Report{}, err
	}
	convert := r.Target.Convert && r.Target.Codec != b.Codec() && !(b.IsControl() && b.Codec() == None)
	rep := Report{Batch: b}
	if convert || r.Compacted || r.boundsTimes() && timestampsDoubtful(b, &r) {
		var err error
		if rep, err = walkAndRewrite(b, &r, convert); err != nil {
			return Report{}, err
		}
		if err = checkSize(rep.Batch, &r); err != nil {
			return Report{}, err
		}
	}
	if r.TimestampType == LogAppendTime {
		rep.Batch.SetLogAppendTime(r.NowMs)
	}
	return rep, nil
}

// checkEnvelope is everything that header and CRC can tell.
func checkEnvelope(b Batch, r *Rules) error {
	if len(b) < HeaderSize {
		return corrupt(b, "length field does not match %d bytes", len(b))
	}
	if r.ClientWrite && b.BaseOffset() != 0 {
		return invalid(InvalidRecord, "base offset of a produced batch must be 0, it is %d", b.BaseOffset())
	}
	if err := checkSize(b, r); err != nil {
		return err
	}
	if err := b.CheckCRC(); err != nil {
		return err
	}
	if r.ClientWrite {
		if err := checkClient(b); err != nil {
			return err
		}
	}
	// After the client's rules, because they name the fault more exactly.
	return b.CheckHeader()
}

func checkSize(b Batch, r *Rules) error {
	if r.MaxBytes > 0 && len(b) > r.MaxBytes {
		return invalid(InvalidSize, "batch of %d bytes is larger than the maximum of %d", len(b), r.MaxBytes)
	}
	return nil
}

func checkClient(b Batch) error {
	last, count := b.LastOffsetDelta(), b.Count()
	switch {
	case last < 0:
		return invalid(InvalidRecord, "last offset delta %d of a batch is negative", last)
	case count <= 0:
		return invalid(InvalidRecord, "a batch declares %d records", count)
	case int64(last)+1 != int64(count):
		return invalid(InvalidRecord, "a batch declares %d records in a range of %d offsets", count, int64(last)+1)
	case b.IsControl():
		return invalid(InvalidRecord, "clients may not write control records")
	case b.HasProducerID() && b.BaseSequence() < 0:
		return invalid(InvalidRecord, "sequence %d with producer id %d is negative", b.BaseSequence(), b.ProducerID())
	case !b.Codec().Valid():
		return invalid(UnsupportedCompression, "compression codec %d does not exist", b.Codec())
	case b.Codec() == None && int64(count)*minRecordSize > int64(len(b)-HeaderSize):
		return invalid(InvalidRecord, "a batch declares %d records in %d bytes", count, len(b)-HeaderSize)
	case b.TimestampType() == LogAppendTime:
		return producerAppendTime(count)
	}
	return nil
}

// producerAppendTime blames every record, as Kafka does.
func producerAppendTime(count int32) error {
	const message = "producers may not set the timestamp type to LogAppendTime"
	e := &InvalidError{Kind: InvalidTimestamp, Message: message}
	for i := range min(count, MaxRecordErrors) {
		e.Records = append(e.Records, RecordError{Index: i, Message: message})
	}
	return e
}

// timestampsDoubtful reports whether a timestamp may be out of bounds. The
// header proves only that none is above its maximum; a lower bound, which
// topics have none of by default, needs every record.
func timestampsDoubtful(b Batch, r *Rules) bool {
	_, hi := r.timestampBounds()
	return r.TimestampBeforeMaxMs != math.MaxInt64 || b.MaxTimestamp() > hi
}

// boundsTimes reports whether timestamps are checked at all.
func (r *Rules) boundsTimes() bool { return r.ClientWrite && r.TimestampType == CreateTime }

// timestampBounds is inclusive.
func (r *Rules) timestampBounds() (lo, hi int64) {
	lo, hi = r.NowMs-r.TimestampBeforeMaxMs, r.NowMs+r.TimestampAfterMaxMs
	if r.TimestampBeforeMaxMs > 0 && lo > r.NowMs {
		lo = math.MinInt64
	}
	if r.TimestampAfterMaxMs > 0 && hi < r.NowMs {
		hi = math.MaxInt64
	}
	return lo, hi
}

func invalid(kind InvalidKind, format string, args ...any) error {
	return &InvalidError{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// asInvalid turns a fault in the contents into a refusal of them.
func asInvalid(err error) error {
	if m, ok := errors.AsType[*MalformedError](err); ok {
		return invalid(InvalidRecord, "%s", m.Error())
	}
	return err
}

package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Split returns the first batch of buf and what follows it. It checks only what
// is needed to find the batch: ErrShort when buf ends inside it (or is empty),
// *MagicError for an older format, *CorruptError for a length that can't be.
func Split(buf []byte) (b Batch, rest []byte, err error) {
	if len(buf) < LogOverhead {
		return nil, buf, ErrShort
	}
	length := int32(binary.BigEndian.Uint32(buf[offLength:]))
	if len(buf) > offMagic {
		if magic := int8(buf[offMagic]); magic == 0 || magic == 1 {
			return nil, buf, &MagicError{Magic: magic}
		} else if magic != magicV2 {
			return nil, buf, corrupt(buf, "magic %d does not exist", magic)
		}
	}
	switch size := LogOverhead + int64(length); {
	case size < HeaderSize:
		return nil, buf, corrupt(buf, "length %d is less than a header", length)
	case size > int64(len(buf)):
		return nil, buf, ErrShort
	default:
		return Batch(buf[:size:size]), buf[size:], nil
	}
}

// SplitOne is Split for a buffer that must hold exactly one batch, as each
// partition of a produce request does.
func SplitOne(buf []byte) (Batch, error) {
	if len(buf) == 0 {
		return nil, invalid(InvalidRecord, "the request carries no record batch")
	}
	b, rest, err := Split(buf)
	switch {
	case errors.Is(err, ErrShort):
		return nil, corrupt(buf, "cut off after %d bytes", len(buf))
	case err != nil:
		return nil, err
	case len(rest) != 0:
		return nil, invalid(InvalidRecord, "the request carries more than one record batch for a partition")
	}
	return b, nil
}

// CheckCRC compares the stored with the computed checksum.
func (b Batch) CheckCRC() error {
	if got := b.ComputeCRC(); got != b.CRC() {
		return corrupt(b, "stored CRC %08x, computed %08x", b.CRC(), got)
	}
	return nil
}

// CheckHeader checks that the header fields are possible and agree with each
// other and with the length of b. It reads no payload and no CRC.
func (b Batch) CheckHeader() error {
	if len(b) < HeaderSize || b.Size() != len(b) {
		return corrupt(b, "length field does not match %d bytes", len(b))
	}
	last, count, offset := b.LastOffsetDelta(), b.Count(), b.BaseOffset()
	switch {
	case b.Magic() != magicV2:
		return corrupt(b, "magic %d", b.Magic())
	case !b.Codec().Valid():
		return corrupt(b, "codec %d does not exist", b.Codec())
	case offset < 0 || offset > math.MaxInt64-math.MaxInt32:
		return corrupt(b, "base offset is out of range")
	case last < 0:
		return corrupt(b, "last offset delta %d", last)
	case count < 0 || int64(count) > int64(last)+1:
		return corrupt(b, "%d records in a range of %d offsets", count, int64(last)+1)
	case b.Codec() == None && int64(count)*minRecordSize > int64(len(b)-HeaderSize):
		return corrupt(b, "%d records in %d bytes", count, len(b)-HeaderSize)
	}
	return nil
}

func corrupt(buf []byte, format string, args ...any) error {
	base := int64(-1)
	if len(buf) >= offLength {
		base = int64(binary.BigEndian.Uint64(buf))
	}
	return &CorruptError{BaseOffset: base, Reason: fmt.Sprintf(format, args...)}
}

package record

import (
	"errors"
	"fmt"
)

// ErrShort means that the buffer ends before the batch does.
var ErrShort = errors.New("record: the buffer ends inside a batch")

// ErrTooLarge is matched by errors about contents that would decompress to more
// than Limits.MaxDecompressedBytes.
var ErrTooLarge = errors.New("record: contents decompress to more than the limit")

// CorruptError reports bytes that are not the batch somebody wrote: a length
// that can't be, a wrong CRC. The data must not be stored, served or trusted.
type CorruptError struct {
	BaseOffset int64 // as the header says; -1 when not even that can be read
	Reason     string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("record: batch at offset %d is corrupt: %s", e.BaseOffset, e.Reason)
}

// MagicError reports a batch of a format older than version 2.
type MagicError struct{ Magic int8 }

func (e *MagicError) Error() string {
	return fmt.Sprintf("record: batch has magic %d, only version 2 is supported", e.Magic)
}

// MalformedError reports contents that can't be decoded although the batch's
// CRC is right: the writer produced rubbish. Such a batch may be in a log,
// because contents are not walked on the default produce path; readers on the
// broker step over it.
type MalformedError struct {
	Reason string
	Err    error // cause from a codec, may be nil
}

func (e *MalformedError) Error() string {
	if e.Err != nil {
		return "record: malformed batch contents: " + e.Reason + ": " + e.Err.Error()
	}
	return "record: malformed batch contents: " + e.Reason
}

func (e *MalformedError) Unwrap() error { return e.Err }

// InvalidKind says which rule a well-formed batch broke.
type InvalidKind int8

// The kinds, with the Kafka error each stands for.
const (
	InvalidRecord          InvalidKind = iota + 1 // INVALID_RECORD
	InvalidTimestamp                              // INVALID_TIMESTAMP
	InvalidSize                                   // MESSAGE_TOO_LARGE
	UnsupportedCompression                        // UNSUPPORTED_COMPRESSION_TYPE
)

// RecordError names one record of a refused batch.
type RecordError struct {
	Index   int32
	Message string
}

// InvalidError is Validate's refusal. Message is fit for a client; Records is
// empty when the batch as a whole is at fault, and holds at most
// MaxRecordErrors entries.
type InvalidError struct {
	Kind    InvalidKind
	Message string
	Records []RecordError
}

func (e *InvalidError) Error() string { return "record: " + e.Message }

package partition

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/record"
)

// RecordError names one record that made its batch invalid.
type RecordError struct {
	Index   int32 // in the request's partition, from 0
	Message string
}

// InvalidRecordsError is a refusal of records by content.
type InvalidRecordsError struct {
	Code    *kerr.Error
	Message string
	Records []RecordError
}

func (e *InvalidRecordsError) Error() string { return e.Code.Message + ": " + e.Message }

// Unwrap lets errors.Is see the Kafka code.
func (e *InvalidRecordsError) Unwrap() error { return e.Code }

// contentError gives a refusal by the record package its Kafka name. before is
// the number of records in the request's earlier batches of this partition:
// clients count a record's index from the first of them. A batch of an older
// format is an invalid record: no served version of Produce may carry one.
func contentError(err error, before int) error {
	if invalid, ok := errors.AsType[*record.InvalidError](err); ok {
		return invalidRecords(invalid, before)
	}
	switch {
	case is[*record.CorruptError](err), errors.Is(err, record.ErrShort):
		return fmt.Errorf("%v: %w", err, kerr.CorruptMessage)
	}
	return &InvalidRecordsError{Code: kerr.InvalidRecord, Message: err.Error()}
}

func invalidRecords(e *record.InvalidError, before int) error {
	code := kerr.InvalidRecord
	switch e.Kind {
	case record.InvalidTimestamp:
		code = kerr.InvalidTimestamp
	case record.InvalidSize:
		code = kerr.MessageTooLarge
	case record.UnsupportedCompression:
		code = kerr.UnsupportedCompressionType
	}
	out := &InvalidRecordsError{Code: code, Message: e.Message}
	for _, r := range e.Records {
		out.Records = append(out.Records, RecordError{Index: r.Index + int32(before), Message: r.Message})
	}
	return out
}

// appendError gives a log's refusal its Kafka name.
func (p *Partition) appendError(err error) error {
	code := kerr.UnknownServerError
	switch {
	case storageError(err):
		code = kerr.KafkaStorageError
	case is[*producer.SequenceError](err):
		code = kerr.OutOfOrderSequenceNumber
	case is[*producer.FencedError](err):
		code = kerr.InvalidProducerEpoch
	case is[*producer.CoordinatorFencedError](err):
		code = kerr.TransactionCoordinatorFenced
	case is[*producer.TxnStateError](err):
		code = kerr.InvalidTxnState
	}
	return fmt.Errorf("append to %s: %v: %w", p.tp, err, code)
}

func (p *Partition) readError(err error) error {
	code := kerr.UnknownServerError
	switch {
	case is[*commitlog.CorruptionError](err):
		code = kerr.CorruptMessage
	case is[*commitlog.OutOfRangeError](err):
		code = kerr.OffsetOutOfRange
	case errors.Is(err, commitlog.ErrDeleted): // under a reader that the partition had let in
		code = kerr.UnknownTopicOrPartition
	case storageError(err):
		code = kerr.KafkaStorageError
	}
	return fmt.Errorf("read %s: %v: %w", p.tp, err, code)
}

// storageError reports errors that say "not on this disk, perhaps elsewhere or
// later": clients retry on KAFKA_STORAGE_ERROR.
func storageError(err error) bool {
	return errors.Is(err, commitlog.ErrDiskFull) || errors.Is(err, commitlog.ErrTooManyFiles) || errors.Is(err, commitlog.ErrOffline) ||
		errors.Is(err, commitlog.ErrQuarantined) || errors.Is(err, commitlog.ErrClosed)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

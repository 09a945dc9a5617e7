package commitlog

import (
	"errors"
	"fmt"

	"github.com/milena-io/milena/internal/base"
)

// Sentinels, matched with errors.Is.
var (
	// ErrOffline: a write or flush failed before; the directory takes no more
	// of either until the process is restarted (nothing unflushed is believed).
	ErrOffline = errors.New("commitlog: log directory is offline after an I/O error")
	// ErrDiskFull: free space is below the reserve; refused before anything was
	// written, so it may be tried again.
	ErrDiskFull = errors.New("commitlog: free disk space is below the reserve")
	// ErrTooManyFiles: the process may open no more files; nothing was written, so
	// it may be tried again.
	ErrTooManyFiles = errors.New("commitlog: too many open files")
	// ErrClosed: the log or its directory was closed.
	ErrClosed = errors.New("commitlog: log is closed")
	// ErrDeleted: the log was deleted.
	ErrDeleted = errors.New("commitlog: log was deleted")
	// ErrQuarantined: stored data below the durable frontier is damaged.
	ErrQuarantined = errors.New("commitlog: log is quarantined")
	// ErrNotFound: the directory holds no such log.
	ErrNotFound = errors.New("commitlog: no such log")
)

// OutOfRangeError says that an offset lies outside [Start, End].
type OutOfRangeError struct{ Offset, Start, End int64 }

func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("commitlog: offset %d is outside the log's range [%d, %d]", e.Offset, e.Start, e.End)
}

// CorruptionError reports stored bytes that are not what was written. They are
// never served.
type CorruptionError struct {
	File     string
	Position int64
	Offset   int64 // the offset that was expected there, -1 if unknown
	Reason   string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("commitlog: %s is damaged at byte %d (offset %d): %s", e.File, e.Position, e.Offset, e.Reason)
}

// QuarantineError says why a log is not served and what a person can do.
type QuarantineError struct {
	TP    base.TopicPartition
	Dir   string
	Cause error // usually a *CorruptionError
}

func (e *QuarantineError) Error() string {
	return fmt.Sprintf("commitlog: %s is quarantined: %v; nothing that was durable was deleted or cut: restore %s from a replica or a backup, "+
		"or move it away to start with an empty log", e.TP, e.Cause, e.Dir)
}

// Is makes errors.Is(err, ErrQuarantined) true.
func (e *QuarantineError) Is(target error) bool { return target == ErrQuarantined }

func (e *QuarantineError) Unwrap() error { return e.Cause }

// TopicIDError says that the directory of a log belongs to another topic of
// the same name.
type TopicIDError struct {
	TP         base.TopicPartition
	Have, Want base.UUID
}

func (e *TopicIDError) Error() string {
	return fmt.Sprintf("commitlog: %s on disk belongs to topic id %s, not %s", e.TP, e.Have, e.Want)
}

// IdentityError says that a directory belongs to another cluster or node.
type IdentityError struct {
	Path, What string
	Have, Want string
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("commitlog: %s belongs to %s %s, but this is %s", e.Path, e.What, e.Have, e.Want)
}

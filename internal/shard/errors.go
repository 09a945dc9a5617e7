package shard

import (
	"errors"
	"fmt"
)

// Why an operation was not carried out. None of them had an effect that a
// reader could have seen, except that an operation whose leadership was lost
// while it waited for the high watermark may yet take effect.
var (
	ErrNotLeading = errors.New("shard: this node does not lead the partition")
	ErrLoading    = errors.New("shard: the state is being loaded")
	ErrBusy       = errors.New("shard: too many operations wait")
	ErrClosed     = errors.New("shard: closed")
)

// AppendError is the log's refusal of an operation's records.
type AppendError struct{ Err error }

func (e *AppendError) Error() string { return "shard: append: " + e.Err.Error() }

// Unwrap is the log's error.
func (e *AppendError) Unwrap() error { return e.Err }

// TooLargeError reports a record that no batch can hold.
type TooLargeError struct{ Size, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("shard: a record of %d bytes exceeds the batch limit of %d", e.Size, e.Limit)
}

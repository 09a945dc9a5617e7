package wire

import (
	"errors"
	"fmt"
)

// ErrUnsupported means that this API key or version has no schema. For
// ApiVersions the caller answers (KIP-511), for all others it closes the
// connection.
var ErrUnsupported = errors.New("wire: API key or version is not supported")

// ErrLimit is matched by errors about well-formed input that exceeds Limits.
var ErrLimit = errors.New("wire: request exceeds a limit")

// MalformedError reports bytes that no Kafka client writes. The connection
// can't go on, because both sides may disagree about more than this request.
type MalformedError struct {
	Key, Version int16
	Offset       int // in the body, or in the header when Header is set
	Header       bool
	Reason       string
	limit        bool
}

func (e *MalformedError) Error() string {
	part := "body"
	if e.Header {
		part = "header"
	}
	return fmt.Sprintf("wire: %s of request key %d version %d, byte %d: %s", part, e.Key, e.Version, e.Offset, e.Reason)
}

// Is makes errors.Is(err, ErrLimit) tell excess from nonsense.
func (e *MalformedError) Is(target error) bool { return e.limit && target == ErrLimit }

// SizeError reports a frame length that is negative or above the maximum; it
// matches ErrLimit.
type SizeError struct{ Size, Max int }

func (e *SizeError) Error() string {
	return fmt.Sprintf("wire: frame of %d bytes, allowed are 0 to %d", e.Size, e.Max)
}

// Is reports whether target is ErrLimit.
func (e *SizeError) Is(target error) bool { return target == ErrLimit }

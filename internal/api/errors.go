package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/wire"
)

// code is the one translation of errors into Kafka's. Domain packages speak
// kerr already; what else is named here are mechanisms that handlers call
// themselves. Anything unknown is a bug of ours: the client hears
// UNKNOWN_SERVER_ERROR, the log has the reason.
func (a *API) code(err error) *kerr.Error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*kerr.Error](err); ok {
		return known
	}
	if _, ok := errors.AsType[*record.MagicError](err); ok || errors.Is(err, record.ErrShort) {
		return kerr.InvalidRecord
	}
	if _, ok := errors.AsType[*record.CorruptError](err); ok {
		return kerr.CorruptMessage
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return kerr.RequestTimedOut
	}
	a.cfg.Logger.Error("a request failed for a reason without a Kafka error code", "error", err)
	return kerr.UnknownServerError
}

// errorCode is the wire form of an error; nil is 0.
func errorCode(err *kerr.Error) int16 {
	if err == nil {
		return 0
	}
	return err.Code
}

// wireCode translates and encodes in one step.
func (a *API) wireCode(err error) int16 { return errorCode(a.code(err)) }

// explain is the error message for a client: what was wrapped around Kafka's
// error, or Kafka's own description.
func explain(err error) *string {
	if err == nil {
		return nil
	}
	known, ok := errors.AsType[*kerr.Error](err)
	if !ok {
		return nil // may hold paths or addresses
	}
	text := strings.TrimSuffix(err.Error(), known.Error())
	text = strings.TrimRight(text, ": ")
	if text == "" {
		text = known.Description
	}
	if len(text) > wire.MaxString { // it may repeat what the client sent, which can be as long
		text = strings.ToValidUTF8(text[:wire.MaxString], "")
	}
	return &text
}

// explainOrEmpty is explain for the answers in which Kafka has an empty message
// where there is no error.
func explainOrEmpty(err error) *string {
	if err == nil {
		return new(string)
	}
	return explain(err)
}

// withMessage gives a Kafka error a message of its own for the client.
func withMessage(code *kerr.Error, format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, code)...)
}

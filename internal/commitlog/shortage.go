package commitlog

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/milena-io/milena/internal/vfs"
)

// A disk without room and a process without descriptors are not broken: what
// changes nothing when it fails is refused or put off, and the directory stays.
// The package comment says which calls these are.

// notNow is the sentinel of an error that says "later": ErrDiskFull,
// ErrTooManyFiles, or nil for any other. An error that has taken the directory
// offline says nothing else any more.
func notNow(err error) error {
	switch {
	case errors.Is(err, ErrOffline):
		return nil
	case errors.Is(err, ErrTooManyFiles), vfs.IsTooManyFiles(err):
		return ErrTooManyFiles
	case errors.Is(err, ErrDiskFull), vfs.IsNoSpace(err):
		return ErrDiskFull
	}
	return nil
}

// later adds its sentinel to an error that says "later", and is nil for others.
func later(what string, err error) error {
	switch why := notNow(err); {
	case why == nil:
		return nil
	case errors.Is(err, why):
		return err
	default:
		return fmt.Errorf("%w: %s: %w", why, what, err)
	}
}

// failOrLater is fail for what can be tried again: a call that changes nothing
// when it fails, or what nobody looks at.
func (d *Dir) failOrLater(what string, err error) error {
	if err := later(what, err); err != nil {
		return err
	}
	return d.fail(what, err)
}

// failOrPutOff is fail for what the directory itself will try again. Nobody hears
// of that but the log, once until everything has been made up for.
func (d *Dir) failOrPutOff(what string, err error) error {
	if notNow(err) == nil {
		return d.fail(what, err)
	}
	if !d.short.Swap(true) {
		d.opts.Logger.Warn("no room on the disk or no free file descriptor: what can wait is put off", slog.String("dir", d.opts.Path),
			slog.String("doing", what), slog.Any("error", err))
	}
	return nil
}

// caughtUp ends what failOrPutOff began.
func (d *Dir) caughtUp() {
	if d.short.Swap(false) {
		d.opts.Logger.Info("what was put off is done", slog.String("dir", d.opts.Path))
	}
}

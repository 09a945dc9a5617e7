//go:build !linux

package vfs

import (
	"errors"
	"os"
)

// Sync flushes data and metadata (F_FULLFSYNC on macOS).
func (f *osFile) Sync() error { return f.f.Sync() }

// Allocate does nothing: preallocation is an optimisation made for Linux.
func (f *osFile) Allocate(int64, int64) error { return nil }

// Advise does nothing.
func (f *osFile) Advise(Advice, int64, int64) {}

// openVolume refuses: other systems' sync does not wait, or says nothing of
// errors.
func openVolume(name string) (Volume, error) {
	return nil, &os.PathError{Op: "volume", Path: name, Err: errors.ErrUnsupported}
}

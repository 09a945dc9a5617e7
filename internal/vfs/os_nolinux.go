//go:build !linux

package vfs

// Sync flushes data and metadata (F_FULLFSYNC on macOS).
func (f *osFile) Sync() error { return f.f.Sync() }

// Allocate does nothing: preallocation is an optimisation made for Linux.
func (f *osFile) Allocate(int64, int64) error { return nil }

// Advise does nothing.
func (f *osFile) Advise(Advice, int64, int64) {}

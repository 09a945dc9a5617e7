package faultfs

import "github.com/milena-io/milena/internal/vfs"

// file is an open file with faults.
type file struct {
	fs    *FS
	inner vfs.File
	name  string
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	do := f.fs.enter(Read, f.name, "")
	if do.err != nil {
		return 0, do.err
	}
	n, err := f.inner.ReadAt(p, off)
	if do.flip && n > 0 {
		bit := do.bit % (n * 8)
		p[bit/8] ^= 1 << (bit % 8)
	}
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	do := f.fs.enter(Write, f.name, "")
	if do.err == nil {
		return f.inner.WriteAt(p, off)
	}
	if !do.short {
		return 0, do.err
	}
	n, err := f.inner.WriteAt(p[:len(p)/2], off)
	if err != nil {
		return n, err
	}
	return n, do.err
}

func (f *file) Size() (int64, error) {
	if do := f.fs.enter(Stat, f.name, ""); do.err != nil {
		return 0, do.err
	}
	return f.inner.Size()
}

func (f *file) Truncate(size int64) error {
	if do := f.fs.enter(Truncate, f.name, ""); do.err != nil {
		return do.err
	}
	return f.inner.Truncate(size)
}

func (f *file) Sync() error {
	if do := f.fs.enter(Sync, f.name, ""); do.err != nil {
		return do.err
	}
	return f.inner.Sync()
}

func (f *file) Allocate(off, n int64) error {
	if do := f.fs.enter(Allocate, f.name, ""); do.err != nil {
		return do.err
	}
	return f.inner.Allocate(off, n)
}

func (f *file) Advise(a vfs.Advice, off, n int64) { f.inner.Advise(a, off, n) }
func (f *file) Close() error                      { return f.inner.Close() }

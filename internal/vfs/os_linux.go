package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Sync is fdatasync: data and size, but not the timestamps, whose journal
// commit would make a sync of a preallocated file twice as dear.
func (f *osFile) Sync() error {
	var err error
	ctl := f.raw.Control(func(fd uintptr) {
		// An interrupted call did not run; repeating it is no retry of a failure.
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			err = unix.Fdatasync(int(fd))
		}
	})
	return f.pathError("fdatasync", errors.Join(ctl, err))
}

// Allocate reserves blocks with fallocate, keeping the size so that readers of
// the length still see the end of the data.
func (f *osFile) Allocate(off, n int64) error {
	var err error
	ctl := f.raw.Control(func(fd uintptr) {
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			err = unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, off, n)
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		err = nil
	}
	return f.pathError("fallocate", errors.Join(ctl, err))
}

// Advise passes the hint on; its failure costs speed only.
func (f *osFile) Advise(a Advice, off, n int64) {
	advice := unix.FADV_SEQUENTIAL
	switch a {
	case WillNeed:
		advice = unix.FADV_WILLNEED
	case DontNeed:
		advice = unix.FADV_DONTNEED
	case Sequential:
	}
	_ = f.raw.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), off, n, advice) })
}

func diskUsage(name string) (Usage, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return Usage{}, &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	return Usage{Free: int64(st.Bavail) * st.Bsize, Total: int64(st.Blocks) * st.Bsize}, nil
}

package vfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// platformFull lists, beside ENOSPC, the errors of a full disk.
var platformFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}

// syncDir does nothing: NTFS journals its directories and offers no flush for one.
func syncDir(name string) error {
	_, err := os.Stat(name)
	return err
}

func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return nil, errors.Join(&LockedError{Path: name}, f.Close())
	case err != nil:
		err = &os.PathError{Op: "LockFileEx", Path: name, Err: err}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func diskUsage(name string) (Usage, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return Usage{}, err
	}
	var free, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, &total, &all); err != nil {
		return Usage{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: name, Err: err}
	}
	return Usage{Free: int64(free), Total: int64(total)}, nil
}

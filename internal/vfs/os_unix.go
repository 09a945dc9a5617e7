//go:build unix

package vfs

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// platformFull lists, beside ENOSPC, the errors of a full disk.
var platformFull = []error{unix.EDQUOT}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFile uses flock, which the kernel drops with the process, so that a crash
// never leaves a stale lock. The holder's process id is written for messages only.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		locked := &LockedError{Path: name, PID: holder(f)}
		return nil, errors.Join(locked, f.Close())
	case err != nil:
		err = &os.PathError{Op: "flock", Path: name, Err: err}
		return nil, errors.Join(err, f.Close())
	}
	// Failing to leave a note for the next start must not prevent this one.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// holder reads the process id that the lock's owner left, 0 if there is none.
func holder(f *os.File) int {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0) // a short or failed read gives no number
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return 0
	}
	return pid
}

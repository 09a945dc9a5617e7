package vfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
)

// LockedError reports that a lock file is held by another process (or by
// another holder in this one).
type LockedError struct {
	Path string // the lock file
	PID  int    // the holder if it is known, else 0
}

// Error names the directory, which is what an operator configured.
func (e *LockedError) Error() string {
	dir := filepath.Dir(e.Path)
	if e.PID != 0 {
		return fmt.Sprintf("another Milena process (pid %d) uses %s", e.PID, dir)
	}
	return "another Milena process uses " + dir
}

// IsNoSpace tells whether err means a full disk or an exhausted quota.
func IsNoSpace(err error) bool {
	if errors.Is(err, syscall.ENOSPC) {
		return true
	}
	for _, full := range platformFull {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}

// IsTooManyFiles tells whether err means that the process, or the system, has as
// many files open as it may.
func IsTooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

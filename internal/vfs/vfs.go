// Package vfs is the seam between Milena and file systems. Everything that
// touches a disk goes through FS, so that the same code runs on the operating
// system's file system ([OS]), in memory ([Mem]: embedded brokers, tests with
// simulated power loss) and under injected errors (package faultfs).
//
// What survives a power loss is exactly what was asked for:
//
//	data and size of a file        after File.Sync returned nil
//	creations, renames, removals   after FS.SyncDir on the directory returned nil
//	everything before              after Volume.Sync returned nil
//
// File.Sync says nothing about the directory entry: a new file needs both.
// Rename is atomic (the new name shows the old or the new file, never neither)
// but not durable by itself.
//
// Concurrency: every FS and File method may be called concurrently, except
// that a File must not be used after Close. ReadAt and WriteAt of overlapping
// ranges are not ordered against each other beyond being memory safe.
//
// Errors wrap *fs.PathError and match fs.ErrNotExist, fs.ErrExist and, for a
// full disk, [IsNoSpace].
package vfs

import (
	"io"
	"time"
)

// FS is one file system. Names are slash- or OS-separated paths.
type FS interface {
	// Create makes a new file or empties an existing one, for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// OpenReadOnly opens an existing file for reading.
	OpenReadOnly(name string) (File, error)
	// Remove deletes a file or an empty directory.
	Remove(name string) error
	// RemoveAll deletes a tree; a missing one is no error.
	RemoveAll(name string) error
	// Rename replaces newName atomically. It is durable after SyncDir only.
	Rename(oldName, newName string) error
	// MkdirAll makes a directory and its missing parents.
	MkdirAll(name string) error
	// List returns a directory's entries sorted by name.
	List(name string) ([]DirEntry, error)
	// Stat describes a file or directory.
	Stat(name string) (FileInfo, error)
	// SyncDir makes the entries of a directory durable.
	SyncDir(name string) error
	// Lock takes an exclusive lock, across processes, on a lock file that it
	// creates if need be. Held by someone else, the error is a *LockedError.
	Lock(name string) (io.Closer, error)
	// Usage reports the space of the file system that holds name.
	Usage(name string) (Usage, error)
	// Volume opens the whole file system that holds the existing file name. It
	// must be open before anything is written that its Sync is to vouch for.
	// Where that can't be done, the error matches errors.ErrUnsupported.
	Volume(name string) (Volume, error)
}

// Volume is a whole file system, which can make many files durable at once.
type Volume interface {
	io.Closer
	// Sync makes everything durable that was written on the file system before
	// the call: data and sizes of files, and names in directories. It waits for
	// what other programs wrote, too.
	//
	// After an error nothing of that may be believed. Since the file that failed
	// may be somebody else's, and a File reports its own failures whatever Sync
	// said, the files that matter may then be synced one by one.
	Sync() error
	// Unwritten is about how many bytes a Sync would have to write and wait for.
	Unwritten() (int64, error)
}

// File is an open file. There is no file position: all access is by offset.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the current length in bytes.
	Size() (int64, error)
	// Truncate sets the length; growing reads as zeros.
	Truncate(size int64) error
	// Sync makes data and size durable. After an error nothing written since
	// the last good Sync may be believed durable, and Sync must not be tried
	// again: kernels forget the failed pages.
	Sync() error
	// Allocate reserves space for [off, off+n) without changing the size. It is
	// best effort: nil where the file system can't.
	Allocate(off, n int64) error
	// Advise tells the kernel how [off, off+n) will be used; n = 0 means to the end.
	Advise(a Advice, off, n int64)
}

// Advice is a hint about future access.
type Advice uint8

// The hints that File.Advise knows.
const (
	Sequential Advice = iota // read ahead more
	WillNeed                 // start reading now
	DontNeed                 // drop from the page cache (clean pages only)
)

// DirEntry is one name in a directory.
type DirEntry struct {
	Name  string
	IsDir bool
}

// FileInfo describes a file or directory.
type FileInfo struct {
	Size    int64
	IsDir   bool
	ModTime time.Time
}

// Usage is the space of a file system in bytes; Free is what an unprivileged
// process may still use.
type Usage struct{ Free, Total int64 }

package vfs

import (
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// sectorSize is what a disk writes as one: the unit that power loss keeps or loses.
	sectorSize = 512
	// chunkSize is the unit of storage. A file's first chunk starts small and
	// doubles up to it, so that a checkpoint file of 30 bytes costs one sector.
	chunkSize = 64 << 10
)

type sector [sectorSize]byte

// memFile is the content of a file, shared by all its handles.
//
// The durable content isn't stored; it is what remains after undoing: sectors
// at or beyond durableSize don't exist on the disk, those in undo have the old
// content there, all others equal the live ones.
type memFile struct {
	m       *Mem
	modTime atomic.Int64 // unix nanoseconds

	mu          sync.RWMutex
	chunks      [][]byte // nil or short = zeros
	size        int64
	durableSize int64
	undo        map[int64]*sector // by sector number, all below durableSize
	linked      bool              // counted in Mem.used
}

func (f *memFile) length() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size
}

func (f *memFile) readAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if off >= f.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), f.size-off))
	f.copyOut(p[:n], off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// copyOut reads live bytes, zeros where nothing is stored. mu is held.
func (f *memFile) copyOut(p []byte, off int64) {
	for len(p) > 0 {
		i, at := off/chunkSize, int(off%chunkSize)
		part := p[:min(len(p), chunkSize-at)]
		n := 0
		if i < int64(len(f.chunks)) && at < len(f.chunks[i]) {
			n = copy(part, f.chunks[i][at:])
		}
		clear(part[n:])
		p, off = p[len(part):], off+int64(len(part))
	}
}

// writeAt stores p, or as much of it as the capacity allows.
func (f *memFile) writeAt(p []byte, off int64) (int, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var full error
	if end := off + int64(len(p)); end > f.size {
		want := end - f.size
		if got := f.grow(want); got < want {
			full = syscall.ENOSPC
			p = p[:max(0, f.size+got-off)]
			if len(p) == 0 {
				f.shrink(got) // not even the hole before p fits
			}
		}
	}
	if len(p) == 0 {
		return 0, full
	}
	f.modTime.Store(time.Now().UnixNano())
	f.saveUndo(off, off+int64(len(p)))
	f.copyIn(p, off)
	f.size = max(f.size, off+int64(len(p)))
	return len(p), full
}

// grow charges up to n bytes to the capacity and returns how many it got.
func (f *memFile) grow(n int64) int64 {
	if !f.linked {
		return n
	}
	used, limit := f.m.used.Add(n), f.m.capacity.Load()
	if limit == 0 || used <= limit {
		return n
	}
	over := min(n, used-limit)
	f.m.used.Add(-over)
	return n - over
}

func (f *memFile) copyIn(p []byte, off int64) {
	for len(p) > 0 {
		i, at := off/chunkSize, int(off%chunkSize)
		part := p[:min(len(p), chunkSize-at)]
		copy(f.chunk(i, at+len(part))[at:], part)
		p, off = p[len(part):], off+int64(len(part))
	}
}

// chunk returns chunk i with room for at least need bytes.
func (f *memFile) chunk(i int64, need int) []byte {
	for int64(len(f.chunks)) <= i {
		f.chunks = append(f.chunks, nil)
	}
	c := f.chunks[i]
	if len(c) >= need {
		return c
	}
	size := chunkSize
	if i == 0 {
		for size = max(sectorSize, len(c)); size < need; size *= 2 {
		}
	}
	grown := make([]byte, size)
	copy(grown, c)
	f.chunks[i] = grown
	return grown
}

// saveUndo keeps the durable content of the sectors in [from, to) before they
// change for the first time since the last Sync.
func (f *memFile) saveUndo(from, to int64) {
	to = min(to, f.durableSize)
	if from >= to {
		return
	}
	if f.undo == nil {
		f.undo = map[int64]*sector{}
	}
	for s := from / sectorSize; s*sectorSize < to; s++ {
		if f.undo[s] == nil {
			old := new(sector)
			f.copyOut(old[:min(sectorSize, f.durableSize-s*sectorSize)], s*sectorSize)
			f.undo[s] = old
		}
	}
}

// truncate sets the size. Mem.mu is held, at least shared.
func (f *memFile) truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.modTime.Store(time.Now().UnixNano())
	if size >= f.size {
		want := size - f.size
		if got := f.grow(want); got < want {
			f.shrink(got)
			return syscall.ENOSPC
		}
		f.size = size
		return nil
	}
	f.saveUndo(size, f.size)
	f.shrink(f.size - size)
	f.size = size
	// What lies beyond the end must read as zeros if the file grows again.
	i := int((size + chunkSize - 1) / chunkSize)
	if i < len(f.chunks) {
		clear(f.chunks[i:])
		f.chunks = f.chunks[:i]
	}
	if at := int(size % chunkSize); at > 0 && i <= len(f.chunks) && at < len(f.chunks[i-1]) {
		clear(f.chunks[i-1][at:])
	}
	return nil
}

// shrink gives n bytes back to the capacity.
func (f *memFile) shrink(n int64) {
	if f.linked {
		f.m.used.Add(-n)
	}
}

func (f *memFile) unlinked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shrink(f.size)
	f.linked = false
}

func (f *memFile) sync() {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	f.syncHeld()
}

// syncHeld is sync for a caller that holds Mem.mu.
func (f *memFile) syncHeld() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.durableSize = f.size
	clear(f.undo)
}

// memHandle is one open file.
type memHandle struct {
	m        *Mem
	f        *memFile
	name     string
	readOnly bool
	closed   atomic.Bool
}

// usable refuses closed handles and, for changes, read-only ones.
func (h *memHandle) usable(op string, write bool) error {
	switch {
	case h.closed.Load():
		return pathErr(op, h.name, fs.ErrClosed)
	case write && h.readOnly:
		return pathErr(op, h.name, syscall.EBADF)
	}
	return nil
}

func (h *memHandle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.usable("read", false); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathErr("read", h.name, fs.ErrInvalid)
	}
	return h.f.readAt(p, off)
}

func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	if err := h.usable("write", true); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathErr("write", h.name, fs.ErrInvalid)
	}
	n, err := h.f.writeAt(p, off)
	if err != nil {
		err = pathErr("write", h.name, err)
	}
	return n, err
}

func (h *memHandle) Size() (int64, error) {
	if err := h.usable("stat", false); err != nil {
		return 0, err
	}
	return h.f.length(), nil
}

func (h *memHandle) Truncate(size int64) error {
	if err := h.usable("truncate", true); err != nil {
		return err
	}
	if size < 0 {
		return pathErr("truncate", h.name, fs.ErrInvalid)
	}
	h.m.mu.RLock()
	defer h.m.mu.RUnlock()
	if err := h.f.truncate(size); err != nil {
		return pathErr("truncate", h.name, err)
	}
	return nil
}

func (h *memHandle) Sync() error {
	if err := h.usable("sync", false); err != nil {
		return err
	}
	h.m.syncPoint(BeforeSync, h.name)
	h.f.sync()
	h.m.syncPoint(AfterSync, h.name)
	return nil
}

// Allocate checks that the space would be there, and reserves nothing.
func (h *memHandle) Allocate(off, n int64) error {
	if err := h.usable("allocate", true); err != nil {
		return err
	}
	limit := h.m.capacity.Load()
	if need := off + n - h.f.length(); limit > 0 && h.m.used.Load()+need > limit {
		return pathErr("allocate", h.name, syscall.ENOSPC)
	}
	return nil
}

func (h *memHandle) Advise(Advice, int64, int64) {}

func (h *memHandle) Close() error {
	if h.closed.Swap(true) {
		return pathErr("close", h.name, fs.ErrClosed)
	}
	return nil
}

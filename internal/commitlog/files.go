package commitlog

import (
	"container/list"
	"errors"
	"io/fs"
	"sync"

	"github.com/milena-io/milena/internal/vfs"
)

// errSegmentGone tells a reader that its set of segments is out of date.
var errSegmentGone = errors.New("commitlog: segment was removed")

// handle is an open file of a segment. It is closed when it is neither pinned
// nor among the most recently used ones.
type handle struct {
	vfs.File
	seg  *segment
	kind fileKind
	pins int
	elem *list.Element // in the LRU while pins == 0
}

// fileCache bounds the open files of a directory. The limit is soft: pinned
// files (in use, or with data that is not flushed) are never closed.
//
// Its mutex guards every segment.handles and is a leaf: nothing else is locked
// and no I/O but close happens under it.
type fileCache struct {
	fs    vfs.FS
	limit int

	mu       sync.Mutex
	open     int
	idle     list.List // of *handle, most recently used first
	pressure func()    // called when the limit is exceeded by pinned files alone, under a log's mutex
}

func newFileCache(fsys vfs.FS, limit int, pressure func()) *fileCache {
	return &fileCache{fs: fsys, limit: limit, pressure: pressure}
}

// acquire opens and pins a file of a segment; release unpins it.
func (c *fileCache) acquire(s *segment, kind fileKind) (*handle, error) {
	if h := c.pinned(s, kind); h != nil {
		return h, nil
	}
	if s.dead.Load() {
		return nil, errSegmentGone
	}
	f, err := c.opening(c.fs.Open, s.path(kindSuffix[kind]))
	if s.dead.Load() {
		// The name may belong to a successor by now, or to nobody.
		if err == nil {
			_ = f.Close()
		}
		return nil, errSegmentGone
	}
	if err != nil {
		return nil, err
	}
	return c.adopt(s, kind, f), nil
}

// acquireOrCreate is acquire for an index file that may not exist yet.
func (c *fileCache) acquireOrCreate(s *segment, kind fileKind) (*handle, error) {
	h, err := c.acquire(s, kind)
	if !errors.Is(err, fs.ErrNotExist) {
		return h, err
	}
	f, err := c.opening(c.fs.Create, s.path(kindSuffix[kind]))
	if err != nil {
		return nil, err
	}
	return c.adopt(s, kind, f), nil
}

// opening calls open. If the process may open no more files, those that nobody
// uses make room: the limit was too high, or others opened more than expected.
func (c *fileCache) opening(open func(string) (vfs.File, error), name string) (vfs.File, error) {
	f, err := open(name)
	if err == nil || !vfs.IsTooManyFiles(err) || !c.closeIdle() {
		return f, err
	}
	return open(name)
}

// closeIdle closes the half of the idle files that was not used for longest. It
// returns false if there is none.
func (c *fileCache) closeIdle() bool {
	c.mu.Lock()
	victims := c.evict((c.idle.Len() + 1) / 2)
	c.mu.Unlock()
	closeAll(victims)
	return len(victims) > 0
}

// adopt takes over a file that was just opened or created and pins it.
func (c *fileCache) adopt(s *segment, kind fileKind, f vfs.File) *handle {
	c.mu.Lock()
	if h := s.handles[kind]; h != nil { // somebody else was faster
		c.pin(h)
		c.mu.Unlock()
		_ = f.Close()
		return h
	}
	h := &handle{File: f, seg: s, kind: kind, pins: 1}
	s.handles[kind] = h
	c.open++
	victims := c.overflow()
	stuck := c.open > c.limit
	c.mu.Unlock()
	closeAll(victims)
	if stuck && c.pressure != nil {
		c.pressure()
	}
	return h
}

func (c *fileCache) pinned(s *segment, kind fileKind) *handle {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := s.handles[kind]
	if h != nil {
		c.pin(h)
	}
	return h
}

func (c *fileCache) pin(h *handle) {
	if h.elem != nil {
		c.idle.Remove(h.elem)
		h.elem = nil
	}
	h.pins++
}

func (c *fileCache) release(h *handle) {
	c.mu.Lock()
	var victims []*handle
	if h.pins--; h.pins == 0 {
		if h.seg.handles[h.kind] != h { // dropped meanwhile
			c.open--
			victims = append(victims, h)
		} else {
			c.idleAgain(h)
			victims = c.overflow()
		}
	}
	c.mu.Unlock()
	closeAll(victims)
}

// idleAgain puts a file among the idle ones. Index files are the first to be
// closed: an append needs one once in a while, a log file each time.
func (c *fileCache) idleAgain(h *handle) {
	if h.kind == kindLog {
		h.elem = c.idle.PushFront(h)
	} else {
		h.elem = c.idle.PushBack(h)
	}
}

// overflow detaches idle files beyond the limit; the caller closes them.
func (c *fileCache) overflow() []*handle { return c.evict(min(c.open-c.limit, c.idle.Len())) }

// evict detaches n idle files, those first that were not used for longest.
func (c *fileCache) evict(n int) (victims []*handle) {
	for ; n > 0; n-- {
		h := c.idle.Remove(c.idle.Back()).(*handle)
		h.elem = nil
		h.seg.handles[h.kind] = nil
		c.open--
		victims = append(victims, h)
	}
	return victims
}

// drop detaches a segment's files: the next acquire opens them anew. Those in
// use stay valid for their holders.
func (c *fileCache) drop(s *segment) {
	c.mu.Lock()
	var victims []*handle
	for kind, h := range s.handles {
		if h == nil {
			continue
		}
		s.handles[kind] = nil
		if h.elem != nil {
			c.idle.Remove(h.elem)
			h.elem = nil
			c.open--
			victims = append(victims, h)
		}
	}
	c.mu.Unlock()
	closeAll(victims)
}

// count is the number of open files.
func (c *fileCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// closeAll closes files whose data is flushed or not wanted any more, so an
// error means nothing.
func closeAll(hs []*handle) {
	for _, h := range hs {
		_ = h.Close()
	}
}

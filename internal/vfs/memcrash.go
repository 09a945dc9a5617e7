package vfs

import (
	"bytes"
	"math/rand/v2"
	"time"
)

// CrashOptions says what a power loss spares.
type CrashOptions struct {
	// Rand decides; nil loses or keeps everything unsynced, by KeepUnsynced ≥ 1.
	Rand *rand.Rand
	// KeepUnsynced is the probability, 0 to 1, that one unsynced sector, size
	// change or directory change reached the disk.
	KeepUnsynced float64
	// Ordered keeps directory changes up to some point in time and loses all
	// later ones, as a journaling file system does. Without it each is decided
	// by itself, which is all that POSIX promises.
	Ordered bool
}

// keep decides one fate.
func (o CrashOptions) keep() bool {
	if o.Rand == nil || o.KeepUnsynced <= 0 || o.KeepUnsynced >= 1 {
		return o.KeepUnsynced >= 1
	}
	return o.Rand.Float64() < o.KeepUnsynced
}

// CrashClone returns the disk as it might look after a power loss right now.
// The original is unchanged and goes on; the clone shares nothing with it, has
// everything durable, no locks and no open files.
func (m *Mem) CrashClone(o CrashOptions) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &crasher{
		opts: o, out: NewMem(),
		nodes: map[*memNode]*memNode{},
		dirs:  map[*memDir]map[string]*memNode{},
		at:    map[*memNode]place{},
	}
	c.gather(m.root.dir)
	for _, ch := range m.pending {
		switch {
		case o.keep():
			c.replay(ch)
		case o.Ordered:
			return c.build(m)
		}
	}
	return c.build(m)
}

// crasher replays the surviving changes over the durable entries, still in
// terms of the original's nodes, and then copies what is reachable.
type crasher struct {
	opts  CrashOptions
	out   *Mem
	nodes map[*memNode]*memNode           // original → copy
	dirs  map[*memDir]map[string]*memNode // entries after the crash
	at    map[*memNode]place              // where each node is, so that none gets two names
}

// gather starts from the durable entries of everything reachable on the disk.
func (c *crasher) gather(d *memDir) {
	if d == nil || c.dirs[d] != nil {
		return
	}
	entries := make(map[string]*memNode, len(d.durable))
	c.dirs[d] = entries
	for name, child := range d.durable {
		entries[name] = child
		c.at[child] = place{d, name}
		c.gather(child.dir)
	}
}

// replay applies a change that reached the disk. Earlier ones may be missing,
// so it takes the node from wherever it is.
func (c *crasher) replay(ch *dirChange) {
	if at, ok := c.at[ch.node]; ok {
		delete(c.dirs[at.dir], at.name)
		delete(c.at, ch.node)
	}
	if ch.to.dir == nil {
		return
	}
	c.gather(ch.node.dir)
	// The directory itself may be lost so far; a later change may bring it back.
	c.gather(ch.to.dir)
	if old := c.dirs[ch.to.dir][ch.to.name]; old != nil {
		delete(c.at, old)
	}
	c.dirs[ch.to.dir][ch.to.name] = ch.node
	c.at[ch.node] = ch.to
}

func (c *crasher) build(m *Mem) *Mem {
	c.out.capacity.Store(m.capacity.Load())
	c.out.root = c.copyNode(m.root)
	return c.out
}

func (c *crasher) copyNode(n *memNode) *memNode {
	if done := c.nodes[n]; done != nil {
		return done
	}
	cp := &memNode{modTime: n.modTime}
	c.nodes[n] = cp
	if n.file != nil {
		cp.file = c.copyFile(n.file)
		return cp
	}
	fresh := newMemDir()
	cp.dir = fresh.dir
	for name, child := range c.dirs[n.dir] {
		copied := c.copyNode(child)
		cp.dir.live[name], cp.dir.durable[name] = copied, copied
	}
	return cp
}

// copyFile decides size and sectors.
func (c *crasher) copyFile(f *memFile) *memFile {
	f.mu.RLock()
	defer f.mu.RUnlock()
	size := c.crashSize(f)
	cp := &memFile{m: c.out, linked: true, size: size, durableSize: size}
	cp.modTime.Store(time.Now().UnixNano())
	c.out.used.Add(size)
	off := cp.copySettled(f)
	var buf sector
	for ; off < size; off += sectorSize {
		data := buf[:min(sectorSize, size-off)]
		f.copyOut(data, off)
		if !c.sectorAfterCrash(f, off, data) {
			continue // zeros need no storage
		}
		cp.copyIn(data, off)
	}
	return cp
}

// copySettled copies the whole chunks of f in which nothing is unsynced, the
// bulk of most files, and returns where they end.
func (f *memFile) copySettled(from *memFile) int64 {
	if len(from.undo) > 0 {
		return 0
	}
	settled := int(min(from.durableSize, from.size, f.size) / chunkSize)
	f.chunks = make([][]byte, settled)
	for i := range min(settled, len(from.chunks)) {
		f.chunks[i] = bytes.Clone(from.chunks[i])
	}
	return int64(settled) * chunkSize
}

// sectorAfterCrash turns the live content of a sector into what the disk has,
// and tells whether there is anything but zeros of a lost sector.
func (c *crasher) sectorAfterCrash(f *memFile, off int64, data []byte) bool {
	old, changed := f.undo[off/sectorSize]
	switch {
	case changed:
		if !c.opts.keep() {
			copy(data, old[:])
		}
	case off >= f.durableSize:
		return c.opts.keep()
	case off+sectorSize > f.durableSize && f.size > f.durableSize && !c.opts.keep():
		// The sector that the append continued: its durable part stays.
		clear(data[min(int64(len(data)), f.durableSize-off):])
	}
	return true
}

// crashSize is the durable size, the live one or, for a file that grew,
// anything between: extents reach the disk in pieces.
func (c *crasher) crashSize(f *memFile) int64 {
	grown := f.size - f.durableSize
	switch {
	case grown == 0:
		return f.size
	case c.opts.Rand == nil || c.opts.KeepUnsynced <= 0 || c.opts.KeepUnsynced >= 1 || grown < 0:
		if c.opts.keep() {
			return f.size
		}
		return f.durableSize
	}
	// The ends are the likely outcomes; cuts inside must be seen too.
	switch c.opts.Rand.IntN(4) {
	case 0:
		return f.durableSize
	case 1:
		return f.size
	default:
		return f.durableSize + c.opts.Rand.Int64N(grown+1)
	}
}

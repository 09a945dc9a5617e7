package vfs

import (
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Mem is a file system in memory with a model of power loss. For every file it
// knows which sectors were written since the last Sync, and for every directory
// which creations, renames and removals SyncDir has not made durable yet;
// [Mem.CrashClone] decides their fate one by one.
//
// It serves embedded brokers too, so the bookkeeping is small: appended sectors
// cost nothing, an overwritten durable sector costs one 512-byte copy per Sync.
//
// Concurrency: mu guards the namespace, and is held shared by every change of a
// file's content so that CrashClone, which holds it exclusively, sees one
// instant. memFile.mu guards a file's content. Order: Mem.mu, then memFile.mu.
type Mem struct {
	mu      sync.RWMutex
	root    *memNode
	pending []*dirChange // unsynced namespace changes, oldest first
	locks   map[string]bool

	used     atomic.Int64 // bytes in linked files
	capacity atomic.Int64 // 0 = unlimited
	onSync   atomic.Pointer[func(op, name string)]
}

// memNode is a directory or a file.
type memNode struct {
	dir     *memDir   // nil for a file
	file    *memFile  // nil for a directory
	modTime time.Time // of a directory: when it was made
}

// memDir holds the entries as running programs see them and as the disk has them.
type memDir struct {
	live, durable map[string]*memNode
}

// dirChange is one namespace operation that a power loss may undo as a whole.
// A rename has both ends; a creation only to, a removal only from.
type dirChange struct {
	node     *memNode
	from, to place
}

// place is a name in a directory; dir is nil where there is none.
type place struct {
	dir  *memDir
	name string
}

func newMemDir() *memNode {
	return &memNode{
		dir:     &memDir{live: map[string]*memNode{}, durable: map[string]*memNode{}},
		modTime: time.Now(),
	}
}

// NewMem returns an empty file system of unlimited size.
func NewMem() *Mem { return &Mem{root: newMemDir(), locks: map[string]bool{}} }

// SetCapacity limits the bytes in files; writes beyond fail like a full disk,
// after storing what fits. 0 removes the limit.
func (m *Mem) SetCapacity(bytes int64) { m.capacity.Store(bytes) }

// The op argument of the OnSync hook: each sync point has a before and an after.
const (
	BeforeSync    = "before sync"
	AfterSync     = "after sync"
	BeforeSyncDir = "before syncdir"
	AfterSyncDir  = "after syncdir"
)

// OnSync sets a function that is called, on the goroutine of the caller and
// with no lock held, just before and just after each File.Sync and SyncDir.
// Crash tests take a CrashClone in it.
func (m *Mem) OnSync(hook func(op, name string)) {
	if hook == nil {
		m.onSync.Store(nil)
		return
	}
	m.onSync.Store(&hook)
}

func (m *Mem) syncPoint(op, name string) {
	if hook := m.onSync.Load(); hook != nil {
		(*hook)(op, name)
	}
}

func pathErr(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// split turns a name into its path elements; the root has none.
func split(name string) []string {
	clean := strings.Trim(path.Clean("/"+filepath.ToSlash(name)), "/")
	if clean == "" {
		return nil
	}
	return strings.Split(clean, "/")
}

// lookup finds a node. mu is held.
func (m *Mem) lookup(elems []string) (*memNode, error) {
	n := m.root
	for _, e := range elems {
		if n.dir == nil {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.dir.live[e]
		if !ok {
			return nil, fs.ErrNotExist
		}
		n = next
	}
	return n, nil
}

// parent finds the directory that name is in, and its last element. mu is held.
func (m *Mem) parent(name string) (place, error) {
	elems := split(name)
	if len(elems) == 0 {
		return place{}, fs.ErrInvalid
	}
	last := len(elems) - 1
	n, err := m.lookup(elems[:last])
	switch {
	case err != nil:
		return place{}, err
	case n.dir == nil:
		return place{}, syscall.ENOTDIR
	}
	return place{n.dir, elems[last]}, nil
}

// change applies a namespace operation to the live entries and remembers it as
// unsynced. mu is held exclusively.
func (m *Mem) change(c *dirChange) {
	if c.from.dir != nil {
		delete(c.from.dir.live, c.from.name)
	}
	if c.to.dir != nil {
		c.to.dir.live[c.to.name] = c.node
	}
	m.pending = append(m.pending, c)
}

// Create makes a new file or empties an existing one.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.parent(name)
	if err != nil {
		return nil, pathErr("create", name, err)
	}
	if n := at.dir.live[at.name]; n != nil {
		if n.dir != nil {
			return nil, pathErr("create", name, syscall.EISDIR)
		}
		_ = n.file.truncate(0) // shrinking can't fail
		return &memHandle{m: m, f: n.file, name: name}, nil
	}
	n := &memNode{file: &memFile{m: m, linked: true}}
	n.file.modTime.Store(time.Now().UnixNano())
	m.change(&dirChange{node: n, to: at})
	return &memHandle{m: m, f: n.file, name: name}, nil
}

// Open opens an existing file for reading and writing.
func (m *Mem) Open(name string) (File, error) { return m.open(name, false) }

// OpenReadOnly opens an existing file for reading.
func (m *Mem) OpenReadOnly(name string) (File, error) { return m.open(name, true) }

func (m *Mem) open(name string, readOnly bool) (File, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup(split(name))
	switch {
	case err != nil:
		return nil, pathErr("open", name, err)
	case n.dir != nil:
		return nil, pathErr("open", name, syscall.EISDIR)
	}
	return &memHandle{m: m, f: n.file, name: name, readOnly: readOnly}, nil
}

// Stat describes a file or directory.
func (m *Mem) Stat(name string) (FileInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup(split(name))
	switch {
	case err != nil:
		return FileInfo{}, pathErr("stat", name, err)
	case n.dir != nil:
		return FileInfo{IsDir: true, ModTime: n.modTime}, nil
	}
	return FileInfo{Size: n.file.length(), ModTime: time.Unix(0, n.file.modTime.Load())}, nil
}

// Usage reports the bytes in files against the capacity; an unlimited file
// system reports a generous constant, so that free-space checks pass.
func (m *Mem) Usage(string) (Usage, error) {
	total := m.capacity.Load()
	if total == 0 {
		total = 1 << 50
	}
	return Usage{Free: max(0, total-m.used.Load()), Total: total}, nil
}

// Lock takes a lock that other callers on the same Mem see; a crash clone
// starts without locks, as after a restart.
func (m *Mem) Lock(name string) (io.Closer, error) {
	f, err := m.Create(name)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	key := strings.Join(split(name), "/")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[key] {
		return nil, &LockedError{Path: name}
	}
	m.locks[key] = true
	return &memLock{m: m, key: key}, nil
}

type memLock struct {
	m    *Mem
	key  string
	once sync.Once
}

func (l *memLock) Close() error {
	l.once.Do(func() {
		l.m.mu.Lock()
		defer l.m.mu.Unlock()
		delete(l.m.locks, l.key)
	})
	return nil
}

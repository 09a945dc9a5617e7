package vfs

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"syscall"
)

// MkdirAll makes a directory and its missing parents.
func (m *Mem) MkdirAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, e := range split(name) {
		if n.dir == nil {
			return pathErr("mkdir", name, syscall.ENOTDIR)
		}
		next := n.dir.live[e]
		if next == nil {
			next = newMemDir()
			m.change(&dirChange{node: next, to: place{n.dir, e}})
		}
		n = next
	}
	if n.dir == nil {
		return pathErr("mkdir", name, syscall.ENOTDIR)
	}
	return nil
}

// List returns a directory's entries sorted by name.
func (m *Mem) List(name string) ([]DirEntry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup(split(name))
	switch {
	case err != nil:
		return nil, pathErr("list", name, err)
	case n.dir == nil:
		return nil, pathErr("list", name, syscall.ENOTDIR)
	}
	entries := make([]DirEntry, 0, len(n.dir.live))
	for _, e := range slices.Sorted(maps.Keys(n.dir.live)) {
		entries = append(entries, DirEntry{Name: e, IsDir: n.dir.live[e].dir != nil})
	}
	return entries, nil
}

// Remove deletes a file or an empty directory.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.parent(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	n := at.dir.live[at.name]
	switch {
	case n == nil:
		return pathErr("remove", name, fs.ErrNotExist)
	case n.dir != nil && len(n.dir.live) > 0:
		return pathErr("remove", name, syscall.ENOTEMPTY)
	}
	m.unlink(at, n)
	return nil
}

// RemoveAll deletes a tree, entry by entry: a power loss may leave any part of it.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.parent(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return pathErr("removeall", name, err)
	}
	if n := at.dir.live[at.name]; n != nil {
		m.removeTree(at, n)
	}
	return nil
}

func (m *Mem) removeTree(at place, n *memNode) {
	if n.dir != nil {
		for _, e := range slices.Sorted(maps.Keys(n.dir.live)) {
			m.removeTree(place{n.dir, e}, n.dir.live[e])
		}
	}
	m.unlink(at, n)
}

func (m *Mem) unlink(at place, n *memNode) {
	m.change(&dirChange{node: n, from: at})
	m.dropped(n)
}

// dropped gives back the space of a file that lost its name.
func (m *Mem) dropped(n *memNode) {
	if n.file != nil {
		n.file.unlinked()
	}
}

// Rename replaces newName atomically.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, err := m.parent(oldName)
	if err != nil {
		return pathErr("rename", oldName, err)
	}
	to, err := m.parent(newName)
	if err != nil {
		return pathErr("rename", newName, err)
	}
	n := from.dir.live[from.name]
	if n == nil {
		return pathErr("rename", oldName, fs.ErrNotExist)
	}
	if from == to {
		return nil
	}
	if old := to.dir.live[to.name]; old != nil {
		if err := replaceable(n, old); err != nil {
			return pathErr("rename", newName, err)
		}
		m.dropped(old)
	}
	m.change(&dirChange{node: n, from: from, to: to})
	return nil
}

// replaceable applies rename(2)'s rules about what may replace what.
func replaceable(n, old *memNode) error {
	switch {
	case n.dir == nil && old.dir != nil:
		return syscall.EISDIR
	case n.dir != nil && old.dir == nil:
		return syscall.ENOTDIR
	case old.dir != nil && len(old.dir.live) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

// SyncDir makes the changes of a directory durable, and with a rename from or
// to another directory also what happened before it there: journals commit
// such a change as one.
func (m *Mem) SyncDir(name string) error {
	m.syncPoint(BeforeSyncDir, name)
	if err := m.syncDir(name); err != nil {
		return pathErr("syncdir", name, err)
	}
	m.syncPoint(AfterSyncDir, name)
	return nil
}

func (m *Mem) syncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(split(name))
	switch {
	case err != nil:
		return err
	case n.dir == nil:
		return syscall.ENOTDIR
	}
	synced := map[*memDir]bool{n.dir: true}
	commit := make([]bool, len(m.pending))
	for i, c := range slices.Backward(m.pending) {
		if !synced[c.from.dir] && !synced[c.to.dir] {
			continue
		}
		commit[i] = true
		for _, d := range []*memDir{c.from.dir, c.to.dir} {
			if d != nil {
				synced[d] = true
			}
		}
	}
	keep := m.pending[:0]
	dead := map[*memDir]bool{}
	for i, c := range m.pending {
		if !commit[i] {
			keep = append(keep, c)
			continue
		}
		c.commit()
		if c.node.dir != nil && c.to.dir == nil {
			dead[c.node.dir] = true
		}
	}
	clear(m.pending[len(keep):])
	m.pending = keep
	if len(dead) > 0 {
		m.forget(dead)
	}
	return nil
}

// forget drops the changes inside directories that are durably gone; nothing
// will ever sync those, and they would keep the removed files' bytes alive.
func (m *Mem) forget(dead map[*memDir]bool) {
	gone := func(d *memDir) bool { return d == nil || dead[d] }
	var keep []*dirChange
	// A directory is removed after its content: newest first finds nested ones.
	for _, c := range slices.Backward(m.pending) {
		if !gone(c.from.dir) || !gone(c.to.dir) {
			keep = append(keep, c)
		} else if c.node.dir != nil && c.to.dir == nil {
			dead[c.node.dir] = true
		}
	}
	slices.Reverse(keep)
	m.pending = keep
}

// commit carries the change over to the durable entries.
func (c *dirChange) commit() {
	if c.from.dir != nil {
		delete(c.from.dir.durable, c.from.name)
	}
	if c.to.dir != nil {
		c.to.dir.durable[c.to.name] = c.node
	}
}

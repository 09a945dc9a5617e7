package vfs

// memVolume is the whole of a Mem.
type memVolume struct {
	m    *Mem
	name string
}

// Volume opens the whole file system.
func (m *Mem) Volume(name string) (Volume, error) {
	if _, err := m.Stat(name); err != nil {
		return nil, err
	}
	return &memVolume{m: m, name: name}, nil
}

// Sync makes everything durable. A power loss meanwhile finds any part of it
// done, as [Mem.CrashClone] at the hook before it does.
func (v *memVolume) Sync() error {
	v.m.syncPoint(BeforeSync, v.name)
	v.m.syncAll()
	v.m.syncPoint(AfterSync, v.name)
	return nil
}

func (m *Mem) syncAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.pending {
		c.commit()
	}
	clear(m.pending)
	m.pending = m.pending[:0]
	m.root.syncTree()
}

func (n *memNode) syncTree() {
	if n.file != nil {
		n.file.syncHeld()
		return
	}
	for _, child := range n.dir.live {
		child.syncTree()
	}
}

// Unwritten is 0: nothing has to be waited for.
func (v *memVolume) Unwritten() (int64, error) { return 0, nil }

func (v *memVolume) Close() error { return nil }

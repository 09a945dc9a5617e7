package commitlog

import "sync"

// rootSync makes names in the log directory itself durable. Callers that come
// while a sync is in flight share the next one, so that creating or deleting a
// thousand logs does not cost a thousand fsyncs of one directory.
type rootSync struct {
	mu      sync.Mutex
	changed sync.Cond
	running bool
	asked   uint64 // callers so far
	served  uint64 // callers whose names are durable
	err     error  // of the first sync that failed; final, as the directory is offline then
}

// wait returns when a sync that began after the call has succeeded.
func (s *rootSync) wait(sync func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.L = &s.mu
	s.asked++
	mine := s.asked
	for s.served < mine && s.err == nil {
		if s.running {
			s.changed.Wait()
			continue
		}
		s.running = true
		covers := s.asked
		s.mu.Unlock()
		err := sync()
		s.mu.Lock()
		s.running, s.err = false, err
		if err == nil {
			s.served = covers
		}
		s.changed.Broadcast()
	}
	return s.err
}

// syncRoot makes the names of logs durable.
func (d *Dir) syncRoot() error {
	return d.root.wait(func() error { return d.opts.FS.SyncDir(d.opts.Path) })
}

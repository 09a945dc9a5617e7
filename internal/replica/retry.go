package replica

import (
	"errors"
	"time"

	"github.com/milena-io/milena/internal/commitlog"
)

// A log that could not be opened because the disk was full, or because no file
// descriptor was free, is tried again until it can be. All of them wait for one
// timer, which exists only while there are such logs.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
)

// waits tells of a replica that can be opened later.
func (h *holding) waits() bool {
	return h != nil && (errors.Is(h.err, commitlog.ErrDiskFull) || errors.Is(h.err, commitlog.ErrTooManyFiles))
}

// waiting are the replicas of the image in force that can be opened later. The
// caller holds changes.
func (s *Set) waiting() (work []assigned) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for tp, h := range s.held {
		if !h.waits() {
			continue
		}
		if t := s.img.Topic(tp.Topic); t != nil && t.ID == h.id {
			work = append(work, assigned{topic: t, part: s.img.Partition(tp)})
		}
	}
	return work
}

// retryLater sets the timer if something waits. The caller holds changes.
func (s *Set) retryLater() {
	if s.closed || s.timer != nil {
		return
	}
	if len(s.waiting()) == 0 {
		s.pause = 0
		return
	}
	s.pause = min(max(2*s.pause, retryFirst), retryMost)
	s.timer = time.AfterFunc(s.pause, s.retry)
}

// retry is what the timer runs.
func (s *Set) retry() {
	s.changes.Lock()
	defer s.changes.Unlock()
	s.timer = nil
	if s.closed {
		return
	}
	s.adopt(s.waiting(), s.img)
	s.retryLater()
}

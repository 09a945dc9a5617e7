package server

import (
	"errors"
	"os"
	"sync"
	"time"
)

// watchAfter is how long a request waits before anybody looks whether its
// client is still there. It is longer than clients let a fetch wait, so that
// only rare waits, such as for the members of a group, cost a goroutine.
const watchAfter = 10 * time.Second

// peerWatch reads ahead while the reader waits on behalf of a client, to learn
// that the client has gone. What it reads stays in the frame reader's head.
type peerWatch struct {
	c *conn

	mu    sync.Mutex
	timer *time.Timer
	armed bool
	done  chan struct{} // of the read in progress
}

// arm starts the watch; it comes to life after watchAfter.
func (w *peerWatch) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.look)
	} else {
		w.timer.Reset(watchAfter)
	}
}

// look blocks in Read until the client goes, sends something, or disarm.
func (w *peerWatch) look() {
	fr := &w.c.in
	w.mu.Lock()
	// A timer that was stopped too late finds the watch disarmed, or armed
	// again and starts it early, which does no harm.
	if !w.armed || w.done != nil || fr.w == len(fr.head) {
		w.mu.Unlock()
		return
	}
	done := make(chan struct{})
	w.done = done
	fr.setDeadline(time.Time{}) // disarm sets one that has passed, after this
	w.mu.Unlock()
	defer close(done)
	if _, err := fr.fill(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.c.cancel(err)
		w.c.endPolls()
	}
}

// disarm ends the watch. The frame reader is the caller's again.
func (w *peerWatch) disarm() {
	w.mu.Lock()
	w.armed = false
	w.timer.Stop()
	done := w.done
	w.done = nil
	w.mu.Unlock()
	if done != nil {
		w.c.in.setDeadline(longAgo)
		<-done
		w.c.in.deadline = time.Time{}
	}
}

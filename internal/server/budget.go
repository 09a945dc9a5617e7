package server

import (
	"context"
	"sync"
)

// budget is the memory that frames may hold together. The first part of each
// frame is charged without waiting and outside the limit; connections are
// limited in number, and so is that. For the rest, those who have to wait are
// served in order of arrival, so that a large request is not starved by small
// ones.
type budget struct {
	mu       sync.Mutex
	limit    int64 // of acquired; negative = unlimited
	charged  int64 // without waiting
	acquired int64
	waiters  []*budgetWaiter
}

type budgetWaiter struct {
	n     int64
	ready chan struct{} // closed when the bytes are acquired
}

// charge takes n bytes without waiting.
func (b *budget) charge(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charged += n
}

// acquire takes n bytes, waiting until they are free or ctx ends. A request
// larger than the whole budget gets all of it.
func (b *budget) acquire(ctx context.Context, n int64) error {
	b.mu.Lock()
	if len(b.waiters) == 0 && b.fitsLocked(n) {
		b.acquired += n
		b.mu.Unlock()
		return nil
	}
	w := &budgetWaiter{n: n, ready: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return b.giveUp(w, ctx.Err())
	}
}

// giveUp leaves the queue, or gives back what was acquired just now.
func (b *budget) giveUp(w *budgetWaiter, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiters {
		if other == w {
			b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
			b.serveLocked()
			return err
		}
	}
	b.acquired -= w.n
	b.serveLocked()
	return err
}

// fitsLocked lets a request larger than the budget pass when it is alone.
func (b *budget) fitsLocked(n int64) bool {
	return b.limit < 0 || b.acquired+n <= b.limit || b.acquired == 0
}

// release gives back what was charged and what was acquired.
func (b *budget) release(charged, acquired int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charged -= charged
	if b.acquired -= acquired; acquired > 0 {
		b.serveLocked()
	}
}

func (b *budget) serveLocked() {
	for len(b.waiters) > 0 && b.fitsLocked(b.waiters[0].n) {
		w := b.waiters[0]
		b.waiters = b.waiters[1:]
		b.acquired += w.n
		close(w.ready)
	}
}

// state returns the bytes in use and how many requests wait for some.
func (b *budget) state() (used int64, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.charged + b.acquired, len(b.waiters)
}

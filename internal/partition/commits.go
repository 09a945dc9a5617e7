package partition

import (
	"slices"
	"sync/atomic"
)

// Commits waits until a number of appends, to any partitions, are committed.
// Partitions count down as their high watermarks pass, so that a waiter wakes
// once and not for each of them.
//
// Await is called by one goroutine, before another waits on C; the rest is safe
// for concurrent use.
type Commits struct {
	left atomic.Int64
	wake chan struct{}
}

// NewCommits returns a wait for nothing, which is done.
func NewCommits() *Commits { return &Commits{wake: make(chan struct{}, 1)} }

// Done tells that every append awaited so far is committed.
func (c *Commits) Done() bool { return c.left.Load() == 0 }

// C is received from by the one waiter: everything is committed, or somebody
// called Disturb.
func (c *Commits) C() <-chan struct{} { return c.wake }

// Expect adds an append, for whoever keeps c until it calls Reached.
func (c *Commits) Expect() { c.left.Add(1) }

// Reached takes one append off.
func (c *Commits) Reached() {
	if c.left.Add(-1) == 0 {
		c.notify()
	}
}

// Disturb wakes the waiter because a partition's leadership, log directory or
// existence changed: what is awaited may never come, and has to be asked for
// with Committed.
func (c *Commits) Disturb() { c.notify() }

func (c *Commits) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// awaited is an append in a partition's list.
type awaited struct {
	c   *Commits
	end int64
}

// keptAwaited is the capacity of the list that a partition keeps when nobody
// waits.
const keptAwaited = 4

// Await adds an append that ended before end to c, unless it is committed. The
// waiter asks for Committed after that, before it sleeps: a loss of leadership
// in between was not told to c. Whoever gives up calls Unawait.
func (p *Partition) Await(c *Commits, end int64) {
	w := &p.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	// The high watermark is published before the list is looked through: it has
	// passed end now, or finds the append in the list.
	if p.hw.Load() < end {
		c.Expect()
		w.appends = append(w.appends, awaited{c, end})
	}
}

// Unawait takes an append off c that was awaited and is not committed.
func (p *Partition) Unawait(c *Commits, end int64) {
	w := &p.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.appends, awaited{c, end}); i >= 0 {
		w.setAppends(slices.Delete(w.appends, i, i+1))
		c.Reached()
	}
}

// countDown tells those whose appends hw has passed. w.mu is held.
func (w *watchers) countDown(hw int64) {
	if len(w.appends) == 0 {
		return
	}
	w.setAppends(slices.DeleteFunc(w.appends, func(a awaited) bool {
		if a.end > hw {
			return false
		}
		a.c.Reached()
		return true
	}))
}

func (w *watchers) setAppends(list []awaited) {
	if w.appends = list; len(list) == 0 && cap(list) > keptAwaited {
		w.appends = nil
	}
}

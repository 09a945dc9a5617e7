package partition

import (
	"sync"

	"github.com/milena-io/milena/internal/base"
)

// watchers are the parked requests of one partition. Nothing is allocated while
// nobody waits.
type watchers struct {
	mu      sync.Mutex
	until   map[*base.Notifier]int64
	appends []awaited // see Await
}

// Watch has n notified when the high watermark reaches until, and at every
// change of leadership, log directory or existence. The waiter re-checks its
// condition after calling Watch, before it sleeps: an advance that happened in
// between did not see n.
func (p *Partition) Watch(n *base.Notifier, until int64) {
	p.watchers.mu.Lock()
	defer p.watchers.mu.Unlock()
	if p.watchers.until == nil {
		p.watchers.until = make(map[*base.Notifier]int64)
	}
	p.watchers.until[n] = until
}

// Unwatch forgets n.
func (p *Partition) Unwatch(n *base.Notifier) {
	p.watchers.mu.Lock()
	defer p.watchers.mu.Unlock()
	delete(p.watchers.until, n)
	if len(p.watchers.until) == 0 {
		p.watchers.until = nil
	}
}

func (w *watchers) notifyReached(hw int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.countDown(hw)
	for n, until := range w.until {
		if hw >= until {
			n.Notify()
		}
	}
}

func (w *watchers) notifyAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.until {
		n.Notify()
	}
	for _, a := range w.appends {
		a.c.Disturb()
	}
}

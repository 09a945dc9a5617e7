package base

// Notifier wakes one waiter. Any number of sources may Notify; a notification
// that comes while none is waited for is kept, further ones collapse into it.
// The waiter re-checks its condition after every wake-up.
type Notifier struct{ c chan struct{} }

// NewNotifier returns a notifier with nothing pending.
func NewNotifier() *Notifier { return &Notifier{c: make(chan struct{}, 1)} }

// Notify never blocks.
func (n *Notifier) Notify() {
	select {
	case n.c <- struct{}{}:
	default:
	}
}

// C is received from by the one waiter.
func (n *Notifier) C() <-chan struct{} { return n.c }

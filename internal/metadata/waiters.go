package metadata

// waiter waits for the image to include an index.
type waiter struct {
	index uint64
	done  chan struct{}
	pos   int // in the heap, -1 once it left
}

// waiters is a container/heap with the smallest index first, and the index up
// to which everyone was woken.
type waiters struct {
	heap []*waiter
	seen uint64
}

func (w *waiters) Len() int           { return len(w.heap) }
func (w *waiters) Less(i, j int) bool { return w.heap[i].index < w.heap[j].index }

func (w *waiters) Swap(i, j int) {
	w.heap[i], w.heap[j] = w.heap[j], w.heap[i]
	w.heap[i].pos, w.heap[j].pos = i, j
}

// Push and Pop are called by container/heap only.
func (w *waiters) Push(x any) {
	x.(*waiter).pos = len(w.heap)
	w.heap = append(w.heap, x.(*waiter))
}

func (w *waiters) Pop() any {
	last := w.heap[len(w.heap)-1]
	w.heap = w.heap[:len(w.heap)-1]
	last.pos = -1
	return last
}

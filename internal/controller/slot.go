package controller

import "sync"

// slot carries a result out of a decision. A decision may run twice (it did not
// fit into the proposal), and may run after its caller gave up waiting, so it
// must not write into the caller's variables.
type slot[T any] struct {
	mu sync.Mutex
	v  T
}

func newSlot[T any]() *slot[T] { return &slot[T]{} }

func (s *slot[T]) set(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.v = v
}

func (s *slot[T]) get() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.v
}

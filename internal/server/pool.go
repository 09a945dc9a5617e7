package server

import (
	"math/bits"
	"sync"
)

// Buffers come in four sizes per power of two from 512 bytes to 16 MiB, so that
// at most a fifth of one is unused; larger ones are left to the garbage
// collector. Powers of two alone would give twice its size to what producers
// like to send most, a batch of 1 MiB and a little more.
const (
	minClass = 9
	maxClass = 24
	steps    = 4
)

// poison is what released memory is overwritten with when somebody looks for
// handlers that keep references.
const poison = 0xDB

// buffer is pooled memory.
type buffer struct{ b []byte }

// bufferPool hands out buffers by size class. It is safe for concurrent use.
type bufferPool struct {
	poison  bool
	classes [(maxClass-minClass)*steps + 1]sync.Pool
}

// class is the index of the smallest class that holds n bytes, beyond the last
// for none.
func class(n int) int {
	if n <= 1<<minClass {
		return 0
	}
	power := bits.Len(uint(n-1)) - 1 // the largest that is below n
	step := 1 << power / steps
	return (power-minClass)*steps + (n-1<<power+step-1)/step
}

// classSize is what the buffers of a class hold.
func classSize(c int) int {
	return 1 << (minClass + c/steps) / steps * (steps + c%steps)
}

// get returns a buffer with at least n bytes.
func (p *bufferPool) get(n int) *buffer {
	c := class(n)
	if c >= len(p.classes) {
		return &buffer{make([]byte, n)}
	}
	if b, ok := p.classes[c].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, classSize(c))}
}

// put takes a buffer back. Nothing may refer to its bytes any more.
func (p *bufferPool) put(b *buffer) {
	if p.poison {
		for i := range b.b {
			b.b[i] = poison
		}
	}
	if c := class(len(b.b)); c < len(p.classes) {
		p.classes[c].Put(b)
	}
}

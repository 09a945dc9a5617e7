package server

import (
	"math/bits"
	"sync"
)

// Buffers come in powers of two from 512 bytes to 16 MiB; larger ones are left
// to the garbage collector.
const (
	minClass = 9
	maxClass = 24
)

// poison is what released memory is overwritten with when somebody looks for
// handlers that keep references.
const poison = 0xDB

// buffer is pooled memory.
type buffer struct{ b []byte }

// bufferPool hands out buffers by size class. It is safe for concurrent use.
type bufferPool struct {
	poison  bool
	classes [maxClass - minClass + 1]sync.Pool
}

// class is the index of the smallest class that holds n bytes, beyond the last
// for none.
func class(n int) int {
	return max(0, bits.Len(uint(max(n, 1)-1))-minClass)
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
	return &buffer{make([]byte, 1<<(c+minClass))}
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

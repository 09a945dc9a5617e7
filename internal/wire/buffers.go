package wire

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
)

// Message is what kmsg's generated responses offer.
type Message interface {
	AppendTo(dst []byte) []byte
}

// Buffers is a response under construction: bytes of its own and, between them,
// slices it only refers to, such as records in the log's memory. Finish gives
// both as one list for a single writev.
//
// A Buffers comes from NewBuffers and goes back with Release after the list has
// been written. Borrowed slices must not change until then.
type Buffers struct {
	own      []byte
	borrowed []borrowed
	size     int // of borrowed
	list     net.Buffers
	out      net.Buffers
}

// borrowed is inserted after own[:at].
type borrowed struct {
	at int
	p  []byte
}

// maxPooledBuffer keeps a rare huge response from pinning its memory.
const maxPooledBuffer = 1 << 20

var buffersPool = sync.Pool{New: func() any { return new(Buffers) }}

// NewBuffers returns an empty response.
func NewBuffers() *Buffers { return buffersPool.Get().(*Buffers) }

// Release gives the memory back; the list from Finish is dead after it.
func (w *Buffers) Release() {
	clear(w.borrowed)
	clear(w.list)
	w.borrowed, w.list, w.out, w.size = w.borrowed[:0], w.list[:0], nil, 0
	if w.own = w.own[:0]; cap(w.own) > maxPooledBuffer {
		w.own = nil
	}
	buffersPool.Put(w)
}

// Start begins the frame: room for the size, then the response header.
func (w *Buffers) Start(key, version int16, correlationID int32) {
	w.own = append(w.own, 0, 0, 0, 0)
	w.own = AppendResponseHeader(w.own, key, version, correlationID)
}

// Message appends an encoded message.
func (w *Buffers) Message(m Message) { w.own = m.AppendTo(w.own) }

// Append lets fn append to the bytes written so far, which it must not change.
// It is the way in for hand-made encoders.
func (w *Buffers) Append(fn func(dst []byte) []byte) { w.own = fn(w.own) }

// Write appends a copy of p; it never fails.
func (w *Buffers) Write(p []byte) (int, error) {
	w.own = append(w.own, p...)
	return len(p), nil
}

// Borrow appends p without copying it.
func (w *Buffers) Borrow(p []byte) {
	if len(p) == 0 {
		return
	}
	w.borrowed = append(w.borrowed, borrowed{len(w.own), p})
	w.size += len(p)
}

// Len is the size so far, including the size prefix.
func (w *Buffers) Len() int { return len(w.own) + w.size }

// Finish fills in the size and returns the frame. The list may be consumed, as
// net.Buffers.WriteTo does. A frame above the protocol's 2 GiB is a *SizeError.
func (w *Buffers) Finish() (*net.Buffers, error) {
	n := w.Len() - SizePrefix
	if n < 0 || n > math.MaxInt32 {
		return nil, &SizeError{Size: n, Max: math.MaxInt32}
	}
	binary.BigEndian.PutUint32(w.own, uint32(n))
	from := 0
	w.list = w.list[:0]
	for _, b := range w.borrowed {
		if b.at > from {
			w.list = append(w.list, w.own[from:b.at])
			from = b.at
		}
		w.list = append(w.list, b.p)
	}
	if from < len(w.own) {
		w.list = append(w.list, w.own[from:])
	}
	w.out = w.list // WriteTo moves its receiver, the original keeps the array
	return &w.out, nil
}

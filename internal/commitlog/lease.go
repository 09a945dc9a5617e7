package commitlog

import "sync"

const (
	// leaseSize is the memory of one cold read of the size that consumers ask for
	// by default, with a batch of the largest size that topics take by default.
	leaseSize = 1<<20 + 64<<10
	// leaseMin is the least that is worth a lease.
	leaseMin = leaseSize / 4
)

// Lease is memory that a read borrows from the directory, so that one consumer
// that catches up does not cost a megabyte of fresh memory for each answer.
//
// Release gives it back: from then on what the chunk's Data refers to belongs to
// another read. Whoever wants to keep Data simply never calls it.
type Lease struct {
	from *leases
	buf  *[]byte
}

// Release ends the lease. It does nothing on nil, or when it was called before,
// but is not safe for concurrent use.
func (l *Lease) Release() {
	if l == nil || l.buf == nil {
		return
	}
	if l.from.poison {
		for i := range *l.buf {
			(*l.buf)[i] = leasePoison
		}
	}
	l.from.pool.Put(l.buf)
	l.buf = nil
}

// leasePoison makes reads after Release fail, in tests.
const leasePoison = 0xDB

// leases lends buffers. It is safe for concurrent use.
type leases struct {
	poison bool
	pool   sync.Pool
}

// get returns n bytes, and their lease if they are lent.
func (p *leases) get(n int64) ([]byte, *Lease) {
	if n < leaseMin || n > leaseSize {
		return make([]byte, n), nil
	}
	b, ok := p.pool.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, leaseSize)
		b = &fresh
	}
	return (*b)[:n:n], &Lease{from: p, buf: b}
}

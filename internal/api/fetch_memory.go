package api

import "sync/atomic"

// fetchMemory bounds the records that all fetch answers together hold, from
// reading them until they are written: consumers that take their time would
// otherwise keep fetch.max.bytes each.
//
// It never makes anybody wait. A fetch may take up to a quarter of what is free,
// so answers get smaller as memory runs out, for everybody alike; each still
// gets minFetchShare, and the first batch whatever its size, so that consumers
// make progress. Those two are what the bound may be exceeded by.
//
// It is safe for concurrent use.
type fetchMemory struct {
	limit int64 // negative is unlimited
	used  atomic.Int64
}

const minFetchShare = 128 << 10

// take reserves up to want bytes, and returns how many.
func (m *fetchMemory) take(want int64) int64 {
	want = max(0, want)
	for {
		used := m.used.Load()
		n := want
		if m.limit >= 0 {
			n = min(want, max(minFetchShare, (m.limit-used)/4))
		}
		if m.used.CompareAndSwap(used, used+n) {
			return n
		}
	}
}

// add corrects a reservation by what was really read, or gives it back.
func (m *fetchMemory) add(n int64) {
	if n != 0 {
		m.used.Add(n)
	}
}

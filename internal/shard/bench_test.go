package shard

import (
	"sync/atomic"
	"testing"
)

// BenchmarkSubmit is the throughput of small writes from many submitters on a
// log in memory that commits at once.
func BenchmarkSubmit(b *testing.B) {
	log := newMemLog()
	var batches, ops atomic.Int64
	s := New(Options[op]{
		Timers: NewTimers(), New: func() Machine[op] { return newRegister(0) },
		Events: Events{Appended: func(o, _, _ int) { batches.Add(1); ops.Add(int64(o)) }},
	})
	defer s.Close()
	s.Lead(log.lead())
	for !s.Leading() {
	}
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Submit(b.Context(), op{put: "a", value: 1}); err != nil {
				b.Error(err)
			}
			log.set(func(l *memLog) { l.batches = nil })
		}
	})
	b.ReportMetric(float64(ops.Load())/float64(max(batches.Load(), 1)), "ops/append")
}

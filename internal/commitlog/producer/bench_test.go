package producer

import (
	"runtime"
	"testing"
)

// BenchmarkCheckAppend is the cost of producer state on the produce path.
func BenchmarkCheckAppend(b *testing.B) {
	for _, bc := range []struct {
		name string
		pids int64
	}{{"1", 1}, {"8", 8}, {"100000", 100_000}} {
		b.Run("producers="+bc.name, func(b *testing.B) {
			s := NewState(Options{})
			seqs := make([]int32, bc.pids)
			batch := spec{count: 1}.batch()
			b.ReportAllocs()
			i := int64(0)
			for b.Loop() {
				pid := i % bc.pids
				patch(batch, pid, seqs[pid], i)
				if _, err := s.Check(batch, i); err != nil {
					b.Fatal(err)
				}
				s.Append(batch, i)
				seqs[pid]++
				i++
			}
		})
	}
}

func patch(b []byte, pid int64, seq int32, offset int64) {
	for i := range 8 {
		b[7-i] = byte(offset >> (8 * i))
		b[50-i] = byte(pid >> (8 * i))
	}
	for i := range 4 {
		b[56-i] = byte(seq >> (8 * i))
	}
}

// BenchmarkMemory reports the bytes that 100,000 producers of one log hold.
func BenchmarkMemory(b *testing.B) {
	const producers = 100_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := NewState(Options{})
		batch := spec{count: 1}.batch()
		for pid := range int64(producers) {
			patch(batch, pid, 0, pid)
			s.Append(batch, 0)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/producers, "B/producer")
		runtime.KeepAlive(s)
	}
}

// BenchmarkSnapshot is how long the appends of a log with 10,000 producers, each
// with a full window, wait for a snapshot.
func BenchmarkSnapshot(b *testing.B) {
	s := NewState(Options{})
	batch := spec{count: 1}.batch()
	for seq := range int32(window) {
		for pid := range int64(10_000) {
			patch(batch, pid, seq, int64(seq)*10_000+pid)
			s.Append(batch, 0)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Snapshot()
	}
}

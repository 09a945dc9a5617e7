package commitlog

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// batchOfSize is one batch of about n bytes.
func batchOfSize(n int) record.Batch {
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(1_000_000, nil, make([]byte, n-record.HeaderSize-10))
	return b.Build()
}

func benchDir(b *testing.B, change ...func(*DirOptions)) *Dir {
	o := testOptions(vfs.OS())
	o.Path, o.MaxOpenFiles, o.NodeID, o.FlushParallelism = b.TempDir(), 2000, 1, 16
	for _, f := range change {
		f(&o)
	}
	d := mustOpen(b, o)
	b.Cleanup(func() { mustClose(b, d) })
	return d
}

func benchLogs(b testing.TB, d *Dir, n int, cfg Config) []*Log {
	logs := make([]*Log, n)
	for i := range logs {
		l, err := d.OpenLog(base.TopicPartition{Topic: "bench", Partition: int32(i)}, testID, cfg)
		if err != nil {
			b.Fatal(err)
		}
		logs[i] = l
	}
	return logs
}

// BenchmarkAppend is the page-cache path: one writer, no waiting for a flush.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 1 << 20} {
		for _, durable := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dKB/durable=%v", size>>10, durable), func(b *testing.B) {
				cfg := DefaultConfig()
				cfg.Durable, cfg.SegmentBytes = durable, 256<<20
				l := benchLogs(b, benchDir(b), 1, cfg)[0]
				batch := batchOfSize(size)
				b.SetBytes(int64(len(batch)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := l.Append(batch, AppendOptions{NowMs: 1}); err != nil {
						b.Fatal(err)
					}
					if l.EndOffset()%(256<<20/int64(size)) == 0 {
						l.SetHighWatermark(l.EndOffset())
						if err := l.removeBelow(l.DurableOffset()); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// BenchmarkGroupCommit is 64 writers that each wait until their 1 KB is durable.
func BenchmarkGroupCommit(b *testing.B) {
	for _, c := range []struct{ n, from int }{{1, 0}, {10, 0}, {10, -1}, {1000, 0}, {1000, -1}} {
		n := c.n
		b.Run(fmt.Sprintf("writers=64/logs=%d/volume=%v", n, c.from == 0), func(b *testing.B) {
			d := benchDir(b, func(o *DirOptions) { o.VolumeSyncFrom = c.from })
			waiting := make([]durableWaiter, n)
			logs := benchLogs(b, d, n, DefaultConfig())
			for i := range logs {
				waiting[i].init()
			}
			for _, l := range logs { // creation has its own, higher price
				mustAppend(b, l, batchOfSize(1<<10))
			}
			for _, l := range logs {
				awaitDurable(b, l, 1)
			}
			for i, l := range logs {
				l.OnDurable(waiting[i].reached)
			}
			b.ResetTimer()
			var turn atomic.Int64
			b.SetParallelism(32) // of 2 cores
			b.RunParallel(func(pb *testing.PB) {
				batch := batchOfSize(1 << 10)
				for pb.Next() {
					i := int(turn.Add(1)) % n
					a, err := logs[i].Append(batch, AppendOptions{NowMs: 1})
					if err != nil {
						b.Error(err)
						return
					}
					waiting[i].await(a.Last + 1)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// BenchmarkCreate is a new log with its first durable record, 1,000 at a time.
func BenchmarkCreate(b *testing.B) {
	const n = 1000
	for b.Loop() {
		b.StopTimer()
		d := benchDir(b)
		b.StartTimer()
		logs := benchLogs(b, d, n, DefaultConfig())
		for _, l := range logs {
			mustAppend(b, l, batchOfSize(1<<10))
		}
		for _, l := range logs {
			awaitDurable(b, l, 1)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "logs/s")
}

type durableWaiter struct {
	mu   sync.Mutex
	cond sync.Cond
	at   int64
}

func (w *durableWaiter) init() { w.cond.L = &w.mu }

func (w *durableWaiter) reached(at int64) {
	w.mu.Lock()
	w.at = at
	w.mu.Unlock()
	w.cond.Broadcast()
}

func (w *durableWaiter) await(at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.at < at {
		w.cond.Wait()
	}
}

func BenchmarkRead(b *testing.B) {
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("tail=%v", cached), func(b *testing.B) {
			cfg := DefaultConfig()
			cfg.Durable = false
			d := benchDir(b)
			l := benchLogs(b, d, 1, cfg)[0]
			batch := batchOfSize(16 << 10)
			for range 1000 { // 16 MiB
				mustAppend(b, l, batch)
			}
			if !cached {
				d.tail.discard(l)
			}
			b.SetBytes(1 << 20)
			b.ReportAllocs()
			from := int64(0)
			for b.Loop() {
				c, err := l.Read(from, l.EndOffset(), 1<<20, true)
				if err != nil {
					b.Fatal(err)
				}
				if from = c.Next; from >= l.EndOffset() {
					from = 0
				}
			}
		})
	}
}

// BenchmarkOpen10k is the start of a directory with 10,000 logs of one batch.
func BenchmarkOpen10k(b *testing.B) {
	for _, clean := range []bool{true, false} {
		b.Run(fmt.Sprintf("clean=%v", clean), func(b *testing.B) {
			o := testOptions(vfs.OS())
			o.Path, o.MaxOpenFiles = b.TempDir(), 2000
			d := mustOpen(b, o)
			for _, l := range benchLogs(b, d, 10_000, DefaultConfig()) {
				mustAppend(b, l, batchOfSize(1<<10))
			}
			mustClose(b, d)
			for b.Loop() {
				if !clean {
					if err := o.FS.Remove(o.Path + "/" + manifestFile); err != nil {
						b.Fatal(err)
					}
				}
				d, err := OpenDir(context.Background(), o)
				if err != nil {
					b.Fatal(err)
				}
				benchLogs(b, d, 10_000, DefaultConfig())
				b.StopTimer()
				mustClose(b, d)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkIdleMemory reports the heap of a log that nobody uses: just opened
// after a clean stop, and after one append that was flushed.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 2000
	for _, used := range []bool{false, true} {
		b.Run(fmt.Sprintf("used=%v", used), func(b *testing.B) {
			for b.Loop() {
				fs := vfs.OS()
				o := testOptions(fs)
				o.Path, o.MaxOpenFiles = b.TempDir(), 100
				d := mustOpen(b, o)
				benchLogs(b, d, n, DefaultConfig())
				mustClose(b, d)
				before := liveHeap()
				d = mustOpen(b, o)
				logs := benchLogs(b, d, n, DefaultConfig())
				if used {
					for _, l := range logs {
						mustAppend(b, l, batchOfSize(1<<10))
					}
					for _, l := range logs {
						if err := l.Flush(); err != nil {
							b.Fatal(err)
						}
						d.tail.discard(l)
					}
				}
				b.ReportMetric(float64(liveHeap()-before)/n, "B/log")
				runtime.KeepAlive(logs)
				mustClose(b, d)
			}
		})
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkExpireTogether is the pass of retention in which 10,000 logs lose a
// segment each.
func BenchmarkExpireTogether(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		b.StopTimer()
		d := benchDir(b)
		cfg := DefaultConfig()
		cfg.SegmentBytes, cfg.RetentionMs = 1<<10, 1
		logs := benchLogs(b, d, n, cfg)
		for _, l := range logs {
			mustAppend(b, l, batchOfSize(1<<10))
			mustAppend(b, l, batchOfSize(1<<10))
		}
		for _, l := range logs {
			awaitDurable(b, l, 2)
			l.SetHighWatermark(1)
		}
		b.StartTimer()
		d.applyRetention()
	}
}

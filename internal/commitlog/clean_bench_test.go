package commitlog

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// BenchmarkClean is a whole clean of 64 MiB: every record is written on average
// four times. Bytes per second are of the log before.
func BenchmarkClean(b *testing.B) {
	for _, codec := range []record.Codec{record.None, record.Lz4, record.Zstd} {
		b.Run(codec.String(), func(b *testing.B) {
			mem := vfs.NewMem()
			cfg := compactConfig()
			cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.Durable = 16<<20, 4096, false
			o := testOptions(mem)
			o.TailCacheBytes, o.RetentionCheckInterval = 1<<20, 1<<60
			d := mustOpen(b, o)
			l := mustLog(b, d, cfg)
			fillForClean(b, l, codec, 64<<20)
			base := mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
			size := l.Size()
			mustClose(b, d)
			b.SetBytes(size)
			var ratio float64
			for b.Loop() {
				b.StopTimer()
				o.FS = base.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
				d := mustOpen(b, o)
				l := mustLog(b, d, cfg)
				l.SetHighWatermark(l.EndOffset())
				p, err := l.planClean(-1, time.Now().UnixMilli())
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if !d.cleaner.clean(p) {
					b.Fatal(d.cleaner.uncleanable[l])
				}
				b.StopTimer()
				ratio = float64(l.Size()) / float64(size)
				mustClose(b, d)
				b.StartTimer()
			}
			b.ReportMetric(ratio, "left")
		})
	}
}

func fillForClean(b *testing.B, l *Log, codec record.Codec, bytes int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	keys := bytes / 200 / 4
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(rnd.IntN(64)) // compresses to three quarters
	}
	for written := 0; written < bytes; {
		batch := record.NewBuilder(record.BuilderOptions{Codec: codec})
		for range 100 {
			at := rnd.IntN(len(noise) - 170)
			batch.Append(1, fmt.Appendf(nil, "customer-%08d", rnd.IntN(keys)), noise[at:at+170])
			written += 200
		}
		mustAppend(b, l, batch.Build())
	}
	rollNow(b, l)
	if err := l.Flush(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkKeyMap is the cost of one key while the map is built.
func BenchmarkKeyMap(b *testing.B) {
	keys := make([][]byte, 100_000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "customer-%08d", i)
	}
	m := newKeyMap(defaultDedupeBytes)
	i := 0
	for b.Loop() {
		m.put(keys[i%len(keys)], int64(i), false)
		i++
	}
	used := int64(len(m.slots)) * keySlotSize
	for _, c := range m.chunks {
		used += int64(cap(c))
	}
	b.ReportMetric(float64(used)/float64(m.used), "B/key")
}

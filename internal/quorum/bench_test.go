package quorum

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/vfs"
)

// null is a state machine that costs nothing.
type null struct{}

func (null) Apply(uint64, []byte)      {}
func (null) Snapshot() ([]byte, error) { return []byte{0}, nil }
func (null) Restore([]byte) error      { return nil }

func onDisk(b *testing.B) Config {
	dir, err := os.MkdirTemp(".", "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return Config{NodeID: 1, DirectoryID: testDir, FS: vfs.OS(), Path: filepath.Join(dir, "q"), SM: null{}}
}

func BenchmarkPropose(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			q := mustOpen(b, onDisk(b))
			defer mustClose(b, q)
			data := make([]byte, 200)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := q.Propose(context.Background(), data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkStart measures Open on a new directory and on one with a full log.
func BenchmarkStart(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		cfg := onDisk(b)
		base := cfg.Path
		for i := range b.N {
			cfg.Path = filepath.Join(base, fmt.Sprint(i))
			q := mustOpen(b, cfg)
			b.StopTimer()
			mustClose(b, q)
			b.StartTimer()
		}
	})
	b.Run("entries=8000", func(b *testing.B) {
		cfg := onDisk(b)
		q := mustOpen(b, cfg)
		var wg sync.WaitGroup
		for range 80 {
			wg.Go(func() {
				for range 100 {
					_, _ = q.Propose(context.Background(), make([]byte, 200))
				}
			})
		}
		wg.Wait()
		mustClose(b, q)
		b.ResetTimer()
		for range b.N {
			q := mustOpen(b, cfg)
			b.StopTimer()
			mustClose(b, q)
			b.StartTimer()
		}
	})
}

// BenchmarkIdle reports how often an idle quorum of one wakes up: never.
func BenchmarkIdle(b *testing.B) {
	q := mustOpen(b, onDisk(b))
	before := q.status.Load()
	for b.Loop() {
		<-time.After(10 * time.Millisecond)
	}
	if q.status.Load() != before {
		b.Error("the idle loop ran")
	}
	mustClose(b, q)
}

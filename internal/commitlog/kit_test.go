package commitlog

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

var (
	testTP = base.TopicPartition{Topic: "orders", Partition: 0}
	testID = base.UUID{1, 2, 3}
)

// clock is a settable time for tests; virtual timers are synctest's business.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testConfig has small segments and dense indexes.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.SegmentBytes = 1 << 10
	cfg.IndexIntervalBytes = 256
	cfg.FileDeleteDelayMs = 0
	return cfg
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func testOptions(fs vfs.FS) DirOptions {
	return DirOptions{FS: fs, Path: "/data", ClusterID: "test", NodeID: 1, MaxOpenFiles: 8}
}

func mustOpen(t fataler, o DirOptions) *Dir {
	t.Helper()
	d, err := OpenDir(context.Background(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return d
}

func mustLog(t fataler, d *Dir, cfg Config) *Log {
	t.Helper()
	l, err := d.OpenLog(testTP, testID, cfg)
	if err != nil {
		t.Fatalf("open log: %v", err)
	}
	return l
}

// mustRoomyLog is mustLog with segments that no test fills.
func mustRoomyLog(t fataler, d *Dir) *Log {
	t.Helper()
	cfg := testConfig()
	cfg.SegmentBytes = 1 << 30
	return mustLog(t, d, cfg)
}

func mustClose(t fataler, d *Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// makeBatch builds a batch of n records with values of the given size.
func makeBatch(n, size int, ts int64) record.Batch {
	b := record.NewBuilder(record.BuilderOptions{})
	for i := range n {
		b.Append(ts+int64(i), fmt.Appendf(nil, "k%d", i), bytes.Repeat([]byte{byte('a' + i%26)}, size))
	}
	return b.Build()
}

// producerBatch is one record of an idempotent producer.
func producerBatch(pid int64, epoch int16, seq int32, txn bool) record.Batch {
	b := record.NewBuilder(record.BuilderOptions{
		Idempotent: true, ProducerID: pid, ProducerEpoch: epoch, BaseSequence: seq, Transactional: txn,
	})
	b.Append(5, nil, []byte("v"))
	return b.Build()
}

func mustAppend(t fataler, l *Log, b record.Batch) Appended {
	t.Helper()
	a, err := l.Append(b, AppendOptions{NowMs: 1})
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return a
}

// readAll reads from an offset to the end in chunks of at most maxBytes.
func readAll(l *Log, from int64, maxBytes int) ([]byte, error) {
	var out []byte
	for from < l.EndOffset() {
		c, err := l.Read(from, l.EndOffset(), maxBytes, true)
		if err != nil {
			return out, err
		}
		if c.Next <= from {
			return out, fmt.Errorf("read at %d made no progress", from)
		}
		for _, d := range c.Data {
			out = append(out, d...)
		}
		from = c.Next
	}
	return out, nil
}

// removeBelow removes the closed segments that end at or before offset.
func (l *Log) removeBelow(offset int64) error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	return l.removeBelowHeld(offset)
}

// producersOf are the producers of a log, or none if they are not known.
func producersOf(l *Log) []ProducerInfo {
	list, _ := l.Producers()
	return list
}

// awaitDurable blocks until the log's durable offset reaches want.
func awaitDurable(t testing.TB, l *Log, want int64) {
	t.Helper()
	reached := make(chan struct{}, 1)
	l.OnDurable(func(at int64) {
		if at >= want {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
	})
	if l.DurableOffset() >= want {
		return
	}
	<-reached
}

// logWriter sends log lines to a test's output.
type logWriter struct{ logf func(string, ...any) }

func (w logWriter) Write(p []byte) (int, error) {
	w.logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

package shard

import (
	"errors"
	"sync"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
)

// memLog is a partition in memory whose high watermark the test moves.
type memLog struct {
	mu       sync.Mutex
	epoch    int32
	batches  []record.Batch
	start    int64
	end, hw  int64
	maxBatch int
	commits  bool // the high watermark follows the end by itself
	refuse   error
	readErr  error
	appends  int
	appended chan struct{} // if set, an append waits for a value
	watchers map[*base.Notifier]int64
}

func newMemLog() *memLog {
	return &memLog{commits: true, watchers: map[*base.Notifier]int64{}}
}

// lead begins a new term.
func (l *memLog) lead() (int32, *memTerm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	for n := range l.watchers {
		n.Notify()
	}
	return l.epoch, &memTerm{l, l.epoch}
}

// commit moves the high watermark.
func (l *memLog) commit(hw int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commitLocked(hw)
}

func (l *memLog) commitLocked(hw int64) {
	l.hw = max(l.hw, hw)
	for n, until := range l.watchers {
		if l.hw >= until {
			n.Notify()
		}
	}
}

func (l *memLog) set(f func(l *memLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

func (l *memLog) endOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

type memTerm struct {
	*memLog
	epoch int32
}

var errFenced = errors.New("no longer the leader")

func (t *memTerm) Append(data []byte, nowMs int64) (int64, error) {
	t.mu.Lock()
	gate := t.appended
	t.mu.Unlock()
	if gate != nil {
		<-gate
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.memLog.epoch != t.epoch:
		return 0, errFenced
	case t.refuse != nil:
		return 0, t.refuse
	}
	first := t.end
	t.appends++
	for data = append([]byte(nil), data...); len(data) > 0; {
		b, rest, err := record.Split(data)
		if err != nil {
			return 0, err
		}
		b.SetBaseOffset(t.end)
		t.batches = append(t.batches, b)
		t.end, data = b.LastOffset()+1, rest
	}
	if t.commits {
		t.commitLocked(t.end)
	}
	return first, nil
}

func (t *memTerm) Read(offset int64, maxBytes int) ([][]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readErr != nil {
		return nil, t.readErr
	}
	var out [][]byte
	for _, b := range t.batches {
		if b.LastOffset() >= offset && b.LastOffset() < t.hw && (len(out) == 0 || maxBytes > 0) {
			out = append(out, b)
			maxBytes -= len(b)
		}
	}
	return out, nil
}

func (t *memTerm) Bounds() (Bounds, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memLog.epoch != t.epoch {
		return Bounds{}, errFenced
	}
	return Bounds{Start: t.start, HighWatermark: t.hw, End: t.end, MaxBatch: t.maxBatch}, nil
}

func (t *memTerm) Watch(n *base.Notifier, until int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers[n] = until
}

func (t *memTerm) Unwatch(n *base.Notifier) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watchers, n)
}

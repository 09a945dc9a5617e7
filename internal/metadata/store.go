package metadata

import (
	"container/heap"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Store holds the current image of one node. It is the state machine of the
// quorum (Apply, Snapshot, Restore) and tells subscribers what changed.
type Store struct {
	log      *slog.Logger
	current  atomic.Pointer[Image]
	unknown  atomic.Int64
	rejected atomic.Int64

	mu   sync.Mutex // held while an image is published
	subs []subscriber

	waitMu  sync.Mutex
	waiters waiters
}

type subscriber struct {
	name string
	fn   func(*Delta, *Image)
}

// NewStore returns a store with the empty image. A nil logger discards.
func NewStore(log *slog.Logger) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: log}
	s.current.Store(Empty())
	return s
}

// Current is the newest image.
func (s *Store) Current() *Image { return s.current.Load() }

// Unknown counts the records of a kind that this version does not know.
func (s *Store) Unknown() int64 { return s.unknown.Load() }

// Rejected counts the records that made no sense. It should stay zero: the
// controller proposes only what it checked.
func (s *Store) Rejected() int64 { return s.rejected.Load() }

// Subscribe has fn called with every change, in the order of subscription, on
// the goroutine that applies. fn is called once before Subscribe returns with
// the difference between the empty image and the current one, so a subscriber
// sees everything exactly once whenever it comes. fn must not block, propose to
// the quorum, or subscribe.
func (s *Store) Subscribe(name string, fn func(*Delta, *Image)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, subscriber{name, fn})
	img := s.Current()
	if d := Diff(Empty(), img); !d.Empty() {
		fn(d, img)
	}
}

// Apply replays one committed entry. An entry that can't be decoded passed the
// quorum's checksums, so it came from a faulty or future version: it counts as
// one unknown record.
func (s *Store) Apply(index uint64, data []byte) {
	records, err := DecodeBatch(data)
	if err != nil {
		s.log.Error("metadata entry cannot be decoded and is ignored", "index", index, "err", err)
		s.unknown.Add(1)
	}
	next, delta := s.Current().Apply(records, index)
	if delta.Unknown+delta.Rejected > 0 {
		s.unknown.Add(int64(delta.Unknown))
		s.rejected.Add(int64(delta.Rejected))
		s.log.Error("metadata records ignored", "index", index, "unknown", delta.Unknown, "rejected", delta.Rejected)
	}
	s.publish(delta, next)
}

// Snapshot encodes the current image.
func (s *Store) Snapshot() ([]byte, error) { return s.Current().EncodeSnapshot() }

// Restore replaces the image by a snapshot; no bytes are the empty image.
func (s *Store) Restore(data []byte) error {
	next := Empty()
	if len(data) > 0 {
		var err error
		if next, err = DecodeSnapshot(data); err != nil {
			return err
		}
	}
	s.publish(Diff(s.Current(), next), next)
	return nil
}

// slowSubscriber is worth a log line: the whole quorum waits for subscribers.
const slowSubscriber = time.Second

func (s *Store) publish(delta *Delta, next *Image) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Store(next)
	if !delta.Empty() {
		for _, sub := range s.subs {
			start := time.Now()
			sub.fn(delta, next)
			if d := time.Since(start); d > slowSubscriber {
				s.log.Warn("slow metadata subscriber", "subscriber", sub.name, "duration", d, "index", next.Index())
			}
		}
	}
	s.wake(next.Index())
}

// WaitFor returns once the image includes the entry at index and subscribers
// have seen it.
func (s *Store) WaitFor(ctx context.Context, index uint64) error {
	s.waitMu.Lock()
	if s.waiters.seen >= index {
		s.waitMu.Unlock()
		return nil
	}
	w := &waiter{index: index, done: make(chan struct{})}
	heap.Push(&s.waiters, w)
	s.waitMu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		s.waitMu.Lock()
		defer s.waitMu.Unlock()
		if w.pos >= 0 {
			heap.Remove(&s.waiters, w.pos)
		}
		return context.Cause(ctx)
	}
}

func (s *Store) wake(index uint64) {
	s.waitMu.Lock()
	defer s.waitMu.Unlock()
	s.waiters.seen = max(s.waiters.seen, index)
	for len(s.waiters.heap) > 0 && s.waiters.heap[0].index <= s.waiters.seen {
		close(heap.Pop(&s.waiters).(*waiter).done)
	}
}

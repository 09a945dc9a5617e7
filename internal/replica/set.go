package replica

import (
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/partition"
)

// Config is what a set needs. Self, Store, Dir and Props are required.
type Config struct {
	Self  base.NodeID
	Store *metadata.Store
	Dir   *commitlog.Dir
	// Props is the broker's configuration in force now, dynamic settings
	// included. Topic settings cascade to it.
	Props  func() confkey.Values
	Logger *slog.Logger
	// Events makes the callbacks of a topic's partitions; nil for none.
	Events func(topic string) partition.Events
}

// Set is the replicas of one node.
type Set struct {
	cfg Config
	log *slog.Logger

	changes sync.Mutex // one change of the replicas at a time; outside mu
	img     *metadata.Image
	timer   *time.Timer // runs retry; nil while nothing waits for it
	pause   time.Duration
	closed  bool

	mu   sync.RWMutex
	held map[base.TopicPartition]*holding
}

// holding is one replica, or the reason why it can't be served.
type holding struct {
	id        base.UUID
	partition *partition.Partition // nil if err is set
	err       error
}

// New returns an empty set.
func New(cfg Config) *Set {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Set{cfg: cfg, log: cfg.Logger, held: map[base.TopicPartition]*holding{}}
}

// Start follows the metadata from now on. When it returns, every replica the
// current image assigns to this node is open, or held with its error.
func (s *Set) Start() {
	s.cfg.Store.Subscribe("replica", s.apply)
	s.reportStrays(s.cfg.Store.Current())
}

// Get finds the replica of a partition by topic name.
func (s *Set) Get(topic string, index int32) (*partition.Partition, error) {
	tp := base.TopicPartition{Topic: topic, Partition: index}
	s.mu.RLock()
	h := s.held[tp]
	s.mu.RUnlock()
	if h == nil {
		if s.cfg.Store.Current().Partition(tp) != nil {
			return nil, kerr.NotLeaderForPartition
		}
		return nil, kerr.UnknownTopicOrPartition
	}
	if h.err != nil {
		return nil, fmt.Errorf("%s: %v: %w", tp, h.err, kerr.KafkaStorageError)
	}
	return h.partition, nil
}

// GetByID finds the replica of a partition by topic id. A replica of an older
// topic of the same name is never returned.
func (s *Set) GetByID(id base.UUID, index int32) (*partition.Partition, error) {
	t := s.cfg.Store.Current().TopicByID(id)
	if t == nil {
		return nil, kerr.UnknownTopicID
	}
	p, err := s.Get(t.Name, index)
	if err == nil && p.TopicID() != id {
		return nil, kerr.InconsistentTopicID
	}
	return p, err
}

// Partitions yields every served replica in the order of names.
func (s *Set) Partitions() iter.Seq[*partition.Partition] {
	return func(yield func(*partition.Partition) bool) {
		for _, p := range s.served() {
			if !yield(p) {
				return
			}
		}
	}
}

func (s *Set) served() []*partition.Partition {
	s.mu.RLock()
	out := make([]*partition.Partition, 0, len(s.held))
	for _, h := range s.held {
		if h.err == nil {
			out = append(out, h.partition)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b *partition.Partition) int {
		return compare(a.TopicPartition(), b.TopicPartition())
	})
	return out
}

func compare(a, b base.TopicPartition) int {
	if c := strings.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	return int(a.Partition) - int(b.Partition)
}

// Unserved are the replicas that can't be served, with the reasons.
func (s *Set) Unserved() map[base.TopicPartition]error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[base.TopicPartition]error{}
	for tp, h := range s.held {
		if h.err != nil {
			out[tp] = h.err
		}
	}
	return out
}

// Close ends all use of the partitions. The directory is closed by its owner.
func (s *Set) Close() {
	s.changes.Lock()
	defer s.changes.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Lock()
	held := maps.Clone(s.held)
	clear(s.held)
	s.mu.Unlock()
	for _, h := range held {
		if h.err == nil {
			h.partition.Close()
		}
	}
}

package coordinator

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/shard"
)

// Replicas finds this node's replicas.
type Replicas interface {
	Get(topic string, partition int32) (*partition.Partition, error)
}

// Options are what a coordinator needs. Logger, Events and CreateTopic may be
// nil; without CreateTopic the internal topic has to exist.
type Options struct {
	Self     base.NodeID
	Config   Config
	Replicas Replicas
	// Image is the cluster's metadata now.
	Image func() *metadata.Image
	// CreateTopic creates an internal topic and returns when Image has it.
	// An error TOPIC_ALREADY_EXISTS is as good as none.
	CreateTopic func(ctx context.Context, t NewTopic) error
	Logger      *slog.Logger
	Events      shard.Events
}

// Coordinator coordinates the groups whose partitions this node leads.
type Coordinator struct {
	opts   Options
	log    *slog.Logger
	timers *shard.Timers

	mu     sync.RWMutex
	shards map[int32]*groupShard // every partition this node ever led
	closed bool

	following sync.Mutex      // one change of what is led at a time; outside mu
	topic     *metadata.Topic // whose partitions are led
	waiting   bool            // leadAgain is on its way

	spread atomic.Int32 // partitions that groups are spread over; 0: topic is nil

	creating chan struct{} // held by the one that creates the topic
	stop     context.Context
	cancel   context.CancelFunc
	working  sync.WaitGroup
}

type groupShard = shard.Shard[group.Input]

// New returns a coordinator that leads nothing: call Follow with the metadata,
// or Lead.
func New(opts Options) *Coordinator {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Coordinator{
		opts: opts, log: opts.Logger, timers: shard.NewTimers(), shards: map[int32]*groupShard{},
		creating: make(chan struct{}, 1),
	}
	c.stop, c.cancel = context.WithCancel(context.Background())
	return c
}

// Lead makes this node the coordinator of the groups of one partition. A term
// that is not newer than the present one is ignored.
func (c *Coordinator) Lead(index, epoch int32, log shard.Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	s := c.shards[index]
	if s == nil {
		s = c.newShard(index)
		c.shards[index] = s
	}
	s.Lead(epoch, log)
}

// Resign ends that: everybody who waits is told to look elsewhere.
func (c *Coordinator) Resign(index int32) {
	if s := c.shard(index); s != nil {
		s.Resign()
	}
}

func (c *Coordinator) newShard(index int32) *groupShard {
	log := c.log.With("topic", base.GroupMetadataTopic, "partition", index)
	var m *group.Machine // of the present term; the shard's goroutine only
	events := c.opts.Events
	events.Loaded = func(took time.Duration, entries int) {
		if entries > 0 {
			log.Info("groups loaded", "groups", m.Groups(), "entries", entries, "skipped", m.Skipped(), "took", took)
		}
		if c.opts.Events.Loaded != nil {
			c.opts.Events.Loaded(took, entries)
		}
	}
	return shard.New(shard.Options[group.Input]{
		New: func() shard.Machine[group.Input] {
			m = group.New(c.opts.Config.Group)
			return m
		},
		Timers:    c.timers,
		Codec:     c.opts.Config.Codec,
		LoadBytes: c.opts.Config.LoadBytes,
		Logger:    log,
		Events:    events,
	})
}

// Close resigns everywhere and waits until nothing runs.
func (c *Coordinator) Close() {
	c.cancel()
	c.mu.Lock()
	c.closed = true
	shards := c.shards
	c.mu.Unlock()
	for _, s := range shards {
		s.Close()
	}
	c.working.Wait()
}

func (c *Coordinator) shard(index int32) *groupShard {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.shards[index]
}

// all are the shards this node has, by partition.
func (c *Coordinator) all() []*groupShard {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*groupShard, 0, len(c.shards))
	for index := range c.partitions() {
		if s := c.shards[index]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

// partitions is the number of partitions that groups are spread over.
func (c *Coordinator) partitions() int32 {
	if n := c.spread.Load(); n != 0 {
		return n
	}
	if t := c.opts.Image().Topic(base.GroupMetadataTopic); t != nil {
		return int32(len(t.Partitions))
	}
	return c.opts.Config.Partitions
}

// Partition is the partition of __consumer_offsets that a group belongs to.
func (c *Coordinator) Partition(groupID string) int32 {
	return base.CoordinatorPartition(groupID, c.partitions())
}

// ask has a partition's shard carry out an operation. The answer is of the type
// that the operation promises.
func ask[T any](ctx context.Context, c *Coordinator, index int32, op group.Input) (T, *kerr.Error) {
	var none T
	s := c.shard(index)
	if s == nil {
		return none, kerr.NotCoordinator
	}
	v, err := s.Submit(ctx, op)
	if err != nil {
		return none, codeOf(err)
	}
	return v.(T), nil
}

// askSoon is ask for operations that wait for the log only, not for other
// members: it gives up after offsets.commit.timeout.ms.
func askSoon[T any](ctx context.Context, c *Coordinator, index int32, op group.Input) (T, *kerr.Error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Config.CommitTimeout)
	defer cancel()
	return ask[T](ctx, c, index, op)
}

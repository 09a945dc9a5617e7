package node

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/adminhttp"
	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/server"
)

// logEvents binds what happens to logs to the metrics.
func (n *Node) logEvents() commitlog.Events {
	m := &n.metrics.Log
	return commitlog.Events{
		DirOffline:  func(string, error) { m.DirOffline() },
		Flushed:     m.Flushed,
		Quarantined: func(base.TopicPartition, error) { m.Quarantined() },
		Corruption:  func(base.TopicPartition, *commitlog.CorruptionError) { m.Corruption() },
		Recovered:   func(_ base.TopicPartition, d time.Duration, cut int64) { m.Recovered(d, cut) },
		Rolled:      func(base.TopicPartition) { m.Rolled() },
		Deleted:     func(_ base.TopicPartition, bytes int64) { m.Deleted(bytes) },
		Cleaned:     func(_ base.TopicPartition, _ time.Duration, before, after int64) { m.Cleaned(before, after) },
	}
}

// topicEvents binds one topic's traffic; each partition keeps the counters.
func (n *Node) topicEvents(topic string) partition.Events {
	t := n.metrics.Topics.Topic(topic)
	return partition.Events{
		Appended: func(_ base.TopicPartition, records, bytes int) { t.Produced(records, bytes) },
		Fetched:  func(_ base.TopicPartition, bytes int) { t.Fetched(bytes) },
	}
}

func (n *Node) observer() server.Observer {
	m := n.metrics
	return server.Observer{
		RequestDone: func(i server.RequestInfo) {
			m.Requests.Done(i.Key, i.Version, i.Duration, i.RequestBytes, i.ResponseBytes)
		},
		Opened:   m.Connections.Opened,
		Closed:   func(listener string, why server.Reason) { m.Connections.Closed(listener, string(why)) },
		Rejected: func(listener string, why server.Reason) { m.Connections.Rejected(listener, string(why)) },
		Panicked: func(value any, _ []byte) { n.panicked(value) },
	}
}

// panicked counts a request's panic, which cost its client the connection. But
// where the broker's own state can't be trusted any more, going on would put
// more on the disk, and stopping in order would seal it as sound: the process
// ends here, and the next start verifies what it finds.
func (n *Node) panicked(value any) {
	n.metrics.Requests.Panicked()
	if err, ok := value.(error); ok {
		if v, ok := errors.AsType[*invariant.Violation](err); ok {
			n.die(v)
		}
	}
}

// sources are the gauges, read when somebody scrapes.
func (n *Node) sources() adminhttp.Sources {
	return adminhttp.Sources{
		RequestMemory: func() (used, limit int64) {
			return n.server.Stats().RequestMemory, n.cfg.Props.Int64("queued.max.request.bytes")
		},
		LogDirs:      n.logDirs,
		Logs:         n.logs,
		Groups:       n.groupStates,
		GroupOffsets: n.groupOffsets,
		Raft:         n.raft,
		Cluster:      n.cluster,
	}
}

func (n *Node) logDirs() []adminhttp.LogDir {
	d := adminhttp.LogDir{Path: n.dir.Path(), Online: n.dir.Offline() == nil, Free: -1, Total: -1}
	if u, err := n.dir.Usage(); err == nil {
		d.Free, d.Total = u.Free, u.Total
	}
	for _, info := range n.dir.Inventory() {
		if info.State == commitlog.LogQuarantined {
			d.Quarantined++
		}
	}
	return []adminhttp.LogDir{d}
}

func (n *Node) logs() iter.Seq[adminhttp.Log] {
	return func(yield func(adminhttp.Log) bool) {
		for p := range n.replicas.Partitions() {
			tp := p.TopicPartition()
			stable, err := p.LastStableOffset()
			if err != nil {
				stable = p.LogStart() // more is not known to be
			}
			if !yield(adminhttp.Log{
				Topic: tp.Topic, Partition: tp.Partition, Size: p.Size(), Segments: len(p.Log().Segments()),
				Start: p.LogStart(), End: p.LogEnd(), HighWatermark: p.HighWatermark(), LastStable: stable,
			}) {
				return
			}
		}
	}
}

func (n *Node) raft() adminhttp.Raft {
	s := n.quorum.Status()
	r := adminhttp.Raft{
		Term: s.Term, Commit: s.Commit, Applied: s.Applied, Leader: -1, IsLeader: n.quorum.IsLeader(),
		LogBytes: s.LogBytes, Waiting: s.Waiting,
	}
	if s.LeaderKnown {
		r.Leader = int32(s.Leader)
	}
	return r
}

func (n *Node) cluster() adminhttp.Cluster {
	img := n.store.Current()
	c := adminhttp.Cluster{
		Brokers: len(img.Brokers()), Topics: img.TopicCount(), Partitions: img.PartitionCount(), ActiveController: n.quorum.IsLeader(),
	}
	for t := range img.Topics() {
		for i := range t.Partitions {
			n.countPartition(&c, &t.Partitions[i])
		}
	}
	unserved := len(n.replicas.Unserved())
	c.OfflinePartitions += unserved
	c.LocallyLed -= unserved
	return c
}

func (n *Node) countPartition(c *adminhttp.Cluster, p *metadata.Partition) {
	if p.Leader == metadata.NoLeader {
		c.OfflinePartitions++
	}
	if len(p.ISR) < len(p.Replicas) {
		c.UnderReplicated++
	}
	for _, r := range p.Replicas {
		if r == n.cfg.nodeID() {
			c.LocalReplicas++
		}
	}
	if p.Leader == n.cfg.nodeID() {
		c.LocallyLed++
	}
}

// scrapePatience bounds what a scrape waits for a busy coordinator.
const scrapePatience = 5 * time.Second

func (n *Node) groupStates() iter.Seq[adminhttp.Group] {
	return func(yield func(adminhttp.Group) bool) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
		defer cancel()
		list := n.groups.ListGroups(ctx, kmsg.NewPtrListGroupsRequest())
		describe := kmsg.NewPtrDescribeGroupsRequest()
		for _, g := range list.Groups {
			describe.Groups = append(describe.Groups, g.Group)
		}
		for _, g := range n.groups.DescribeGroups(ctx, describe).Groups {
			if g.ErrorCode == 0 && !yield(adminhttp.Group{ID: g.Group, State: g.State, Members: len(g.Members)}) {
				return
			}
		}
	}
}

// groupOffsets joins committed offsets with the ends of their partitions.
func (n *Node) groupOffsets() iter.Seq[adminhttp.GroupOffset] {
	return func(yield func(adminhttp.GroupOffset) bool) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
		defer cancel()
		for o := range n.groups.GroupOffsets(ctx) {
			p, err := n.replicas.Get(o.Topic, o.Partition)
			if err != nil {
				continue
			}
			lag := max(0, p.HighWatermark()-max(o.Offset, p.LogStart()))
			if !yield(adminhttp.GroupOffset{
				Group: o.Group, Topic: o.Topic, Partition: o.Partition, Committed: o.Offset, Lag: lag, Behind: n.behind(p, o.Offset, lag),
			}) {
				return
			}
		}
	}
}

// behind is the age of the oldest record that the group has not consumed.
func (n *Node) behind(p *partition.Partition, offset, lag int64) time.Duration {
	if lag == 0 {
		return 0
	}
	ms, ok := p.TimestampAt(offset)
	if !ok {
		return -1
	}
	return max(0, n.cfg.Now().Sub(time.UnixMilli(ms)))
}

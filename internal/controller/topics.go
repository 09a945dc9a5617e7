package controller

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// maxPartitionsPerRequest is Kafka's limit too.
const maxPartitionsPerRequest = 10_000

// NewTopic asks for a topic. Partitions and ReplicationFactor are -1 for the
// broker's default, and when Assignment (replicas by partition) is given.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignment        [][]base.NodeID
	Configs           map[string]string
}

// TopicResult is the outcome for one NewTopic. With validateOnly there is no
// id, and the sizes are what would have been created.
type TopicResult struct {
	ID                base.UUID
	Partitions        int32
	ReplicationFactor int16
	Err               error
}

// CreateTopics creates topics in one proposal; each succeeds or fails on its
// own. There is one result per topic, in the same order.
func (c *Controller) CreateTopics(ctx context.Context, topics []NewTopic, validateOnly bool) []TopicResult {
	outcome := newSlot[[]TopicResult]()
	err := c.submit(ctx, func(img *metadata.Image) []*metapb.Record {
		d := creation{c: c, img: img, seen: countNames(topics), pending: map[string]string{}}
		results := make([]TopicResult, len(topics))
		for i := range topics {
			results[i] = d.topic(&topics[i])
		}
		outcome.set(results)
		if validateOnly {
			for i := range results {
				results[i].ID = base.ZeroUUID
			}
			return nil
		}
		return d.records
	})
	if err != nil {
		return slices.Repeat([]TopicResult{{Err: err}}, len(topics))
	}
	results := outcome.get()
	if !validateOnly {
		c.logCreated(topics, results)
	}
	return results
}

func (c *Controller) logCreated(topics []NewTopic, results []TopicResult) {
	for i, r := range results {
		if r.Err == nil {
			c.cfg.Logger.Debug("topic created", "topic", topics[i].Name, "id", r.ID.String(), "partitions", r.Partitions, "replicas", r.ReplicationFactor)
		}
	}
}

func countNames(topics []NewTopic) map[string]int {
	seen := make(map[string]int, len(topics))
	for i := range topics {
		seen[topics[i].Name]++
	}
	return seen
}

// creation decides one CreateTopics request.
type creation struct {
	c          *Controller
	img        *metadata.Image
	seen       map[string]int    // how often the request names a topic
	pending    map[string]string // names to be created, as metrics see them
	records    []*metapb.Record
	partitions int
}

func (d *creation) topic(t *NewTopic) (r TopicResult) {
	if r.Err = d.checkName(t.Name); r.Err != nil {
		return r
	}
	if r.Err = d.c.checkTopicConfigs(t.Configs, slices.Collect(maps.Keys(t.Configs))); r.Err != nil {
		return r
	}
	replicas, err := d.replicas(t)
	if err != nil {
		r.Err = err
		return r
	}
	r.ID, r.Partitions, r.ReplicationFactor = d.newID(), int32(len(replicas)), int16(len(replicas[0]))
	d.partitions += len(replicas)
	d.pending[base.CollidingTopicName(t.Name)] = t.Name
	d.add(&metapb.Topic{Id: r.ID[:], Name: t.Name})
	for _, key := range slices.Sorted(maps.Keys(t.Configs)) {
		d.add(&metapb.Config{ResourceType: int32(metadata.ResourceTopic), ResourceName: t.Name, Key: key, Value: new(t.Configs[key])})
	}
	for i, ids := range replicas {
		d.records = append(d.records, newPartition(d.img, r.ID, int32(i), ids))
	}
	return r
}

func (d *creation) add(m proto.Message) { d.records = append(d.records, metadata.Record(m)) }

func (d *creation) newID() base.UUID {
	for {
		if id := d.c.cfg.NewID(); !id.IsReserved() && d.img.TopicByID(id) == nil {
			return id
		}
	}
}

// newPartition is the record of a partition that starts with all its usable
// replicas in sync.
func newPartition(img *metadata.Image, topic base.UUID, index int32, replicas []base.NodeID) *metapb.Record {
	isr := inSync(img, replicas)
	p := metadata.Partition{Index: index, Replicas: replicas, ISR: isr, Leader: isr[0]}
	return metadata.Record(p.Record(topic))
}

func (d *creation) checkName(name string) error {
	switch {
	case d.seen[name] > 1:
		return failure(kerr.InvalidRequest, "Duplicate topic name.")
	case name == "__cluster_metadata":
		return failure(kerr.TopicAuthorizationFailed, "Creation of internal topic __cluster_metadata is prohibited.")
	case d.img.Topic(name) != nil:
		return failure(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	if err := base.ValidateTopicName(name); err != nil {
		return failure(kerr.InvalidTopicException, "%s", err)
	}
	other, found := d.img.CollidingTopic(name)
	if !found {
		other, found = d.pending[base.CollidingTopicName(name)]
	}
	if found {
		return failure(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other)
	}
	return nil
}

// replicas chooses or checks the replicas of a topic's partitions.
func (d *creation) replicas(t *NewTopic) ([][]base.NodeID, error) {
	if len(t.Assignment) > 0 {
		return t.Assignment, d.checkManual(t)
	}
	partitions, factor := int64(t.Partitions), int64(t.ReplicationFactor)
	switch {
	case factor < -1 || factor == 0:
		return nil, failure(kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	case partitions < -1 || partitions == 0:
		return nil, failure(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	if partitions == -1 {
		partitions = d.c.cfg.Broker.Int64("num.partitions")
	}
	if factor == -1 {
		factor = d.c.cfg.Broker.Int64("default.replication.factor")
	}
	if err := d.checkTotal(partitions); err != nil {
		return nil, err
	}
	p := newPlacer(d.img, d.img.PartitionCount()+d.partitions)
	return p.place(int(partitions), int(min(factor, math.MaxInt16)))
}

func (d *creation) checkTotal(partitions int64) error {
	if int64(d.partitions)+partitions > maxPartitionsPerRequest {
		return failure(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return nil
}

func (d *creation) checkManual(t *NewTopic) error {
	switch {
	case t.ReplicationFactor != -1:
		return failure(kerr.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	case t.Partitions != -1:
		return failure(kerr.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	for i, ids := range t.Assignment {
		want := 0
		if i > 0 {
			want = len(t.Assignment[0])
		}
		if err := checkAssignment(d.img, int32(i), ids, want); err != nil {
			return err
		}
	}
	return d.checkTotal(int64(len(t.Assignment)))
}

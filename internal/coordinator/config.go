package coordinator

import (
	"strconv"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/record"
)

// Config is what the broker's configuration says about groups.
type Config struct {
	Group             group.Config
	Partitions        int32 // offsets.topic.num.partitions
	ReplicationFactor int16 // offsets.topic.replication.factor
	SegmentBytes      int   // offsets.topic.segment.bytes
	Codec             record.Codec
	LoadBytes         int           // offsets.load.buffer.size
	CommitTimeout     time.Duration // offsets.commit.timeout.ms
}

// ConfigFrom reads the keys of groups and of their topic.
func ConfigFrom(v confkey.Values) Config {
	g := group.DefaultConfig()
	g.MinSessionTimeout = int32(v.Int("group.min.session.timeout.ms"))
	g.MaxSessionTimeout = int32(v.Int("group.max.session.timeout.ms"))
	g.InitialRebalanceDelay = int32(v.Int("group.initial.rebalance.delay.ms"))
	g.MaxSize = v.Int("group.max.size")
	g.OffsetMetadataMax = v.Int("offset.metadata.max.bytes")
	g.OffsetsRetention = v.Duration("offsets.retention.minutes").Milliseconds()
	g.RetentionCheck = v.Duration("offsets.retention.check.interval.ms").Milliseconds()
	return Config{
		Group:             g,
		Partitions:        int32(v.Int("offsets.topic.num.partitions")),
		ReplicationFactor: int16(v.Int("offsets.topic.replication.factor")),
		SegmentBytes:      v.Int("offsets.topic.segment.bytes"),
		Codec:             record.Codec(v.Int("offsets.topic.compression.codec")),
		LoadBytes:         v.Int("offsets.load.buffer.size"),
		CommitTimeout:     v.Duration("offsets.commit.timeout.ms"),
	}
}

// NewTopic is the internal topic that is to be created.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Configs           map[string]string
}

// offsetsTopic is __consumer_offsets as Kafka makes it.
func (c Config) offsetsTopic() NewTopic {
	return NewTopic{
		Name: base.GroupMetadataTopic, Partitions: c.Partitions, ReplicationFactor: c.ReplicationFactor,
		Configs: map[string]string{
			"cleanup.policy":   "compact",
			"compression.type": "producer",
			"segment.bytes":    strconv.Itoa(c.SegmentBytes),
		},
	}
}

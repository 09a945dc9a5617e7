package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/quorum"
)

// Replicas finds the partitions that this broker hosts. Errors are Kafka's:
// UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR, and
// by id also UNKNOWN_TOPIC_ID and INCONSISTENT_TOPIC_ID.
type Replicas interface {
	Get(topic string, partition int32) (Partition, error)
	GetByID(id base.UUID, partition int32) (Partition, error)
	// LogDirs describes the data directories and what lies in them.
	LogDirs() []LogDir
}

// Partition is one local replica, *partition.Partition outside of tests.
type Partition interface {
	Records
	Waits
	Offsets
	TopicID() base.UUID
}

// Records is the data path of a partition.
type Records interface {
	Append(data []byte, req partition.AppendRequest) (partition.Appended, error)
	Read(req partition.ReadRequest) (partition.ReadResult, error)
	// Delivered counts the bytes of a read that went to a client.
	Delivered(bytes int)
}

// Waits are how handlers learn that the high watermark moved.
type Waits interface {
	// Committed reports whether everything before end is committed; an error
	// says that it can't be known here any more.
	Committed(end int64) (bool, error)
	// Await has c count down when the high watermark reaches end, and disturbed
	// by every change of leadership, directory state or existence.
	Await(c *partition.Commits, end int64)
	Unawait(c *partition.Commits, end int64)
	// Watch has n notified when the high watermark reaches until and on every
	// change of leadership, directory state or existence.
	Watch(n *base.Notifier, until int64)
	Unwatch(n *base.Notifier)
}

// Offsets are the look-ups of a partition.
type Offsets interface {
	ListOffset(timestamp int64, readCommitted bool, currentEpoch int32) (commitlog.TimestampOffset, error)
	DeleteRecords(offset int64) (logStart int64, err error)
	EndOffsetForEpoch(currentEpoch, epoch int32) (partition.EpochEnd, error)
	LogStart() int64
	Producers() ([]producer.Info, error)
}

// LogDir is one data directory for DescribeLogDirs.
type LogDir struct {
	Path       string
	Err        error // why the directory is offline, or nil
	Total      int64 // bytes of the file system, -1 if unknown
	Usable     int64
	Partitions []LogDirPartition
}

// LogDirPartition is one replica in a LogDir.
type LogDirPartition struct {
	TP   base.TopicPartition
	Size int64
}

// Controller decides changes of the cluster. Its methods return when the change
// is applied on this node, with one result per argument in the same order;
// errors are Kafka's, wrapped with a message for the client where that helps.
type Controller interface {
	CreateTopics(ctx context.Context, topics []NewTopic, validateOnly bool) []TopicResult
	DeleteTopics(ctx context.Context, ids []base.UUID) []error
	CreatePartitions(ctx context.Context, topics []NewPartitions, validateOnly bool) []error
	AlterConfigs(ctx context.Context, changes []ConfigChange, validateOnly bool) []error
	AllocateProducerIDs(ctx context.Context, n int) (first int64, err error)
}

// NewTopic asks for a topic. Partitions and ReplicationFactor are -1 for the
// broker's default, and when Assignment (replicas by partition) is given.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignment        [][]base.NodeID
	Configs           map[string]string
}

// TopicResult is the outcome for one NewTopic; with validateOnly the sizes are
// what would have been created.
type TopicResult struct {
	ID                base.UUID
	Partitions        int32
	ReplicationFactor int16
	Err               error
}

// NewPartitions asks for a topic to have Total partitions; Assignment names the
// replicas of the new ones only.
type NewPartitions struct {
	Topic      string
	Total      int32
	Assignment [][]base.NodeID
}

// ConfigChange changes the overrides of one resource.
type ConfigChange struct {
	Type kmsg.ConfigResourceType // topic, broker or group
	Name string                  // a broker's id, or "" for all brokers
	// Replace makes Ops the complete new set (AlterConfigs).
	Replace bool
	Ops     []ConfigOp
}

// ConfigOp is one key of a ConfigChange.
type ConfigOp struct {
	Op    kmsg.IncrementalAlterConfigOp
	Key   string
	Value *string // nil only for delete
}

// Members is the classic group protocol.
type Members interface {
	JoinGroup(ctx context.Context, req *kmsg.JoinGroupRequest, from group.Client) *kmsg.JoinGroupResponse
	SyncGroup(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse
	Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse
	LeaveGroup(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse
}

// CommittedOffsets are the offsets of groups. Requests name existing topics by
// name, whatever the client did.
type CommittedOffsets interface {
	OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse
	OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse
	OffsetDelete(ctx context.Context, req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse
}

// GroupAdmin looks after groups from outside.
type GroupAdmin interface {
	DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse
	ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse
	DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse
	// FindCoordinator names the broker that hosts a group, creating the
	// internal topic if it is missing. Errors are Kafka's.
	FindCoordinator(ctx context.Context, group string) (base.NodeID, error)
}

// Groups is the group coordinator.
type Groups interface {
	Members
	CommittedOffsets
	GroupAdmin
}

// Quorum is the metadata quorum, *quorum.Quorum outside of tests.
type Quorum interface {
	Status() quorum.Status
}

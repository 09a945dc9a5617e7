package base

import "strconv"

// NodeID identifies a broker or controller within one cluster (node.id).
type NodeID int32

// NoOffset and NoEpoch are Kafka's "unknown" values on the wire.
const (
	NoOffset int64 = -1
	NoEpoch  int32 = -1
)

// NoProducerID marks a batch written without idempotence (KIP-98).
const NoProducerID int64 = -1

// Names of the topics that brokers own.
const (
	GroupMetadataTopic    = "__consumer_offsets"
	TransactionStateTopic = "__transaction_state"
	ShareGroupStateTopic  = "__share_group_state"
)

// TopicPartition names one partition of one topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is Kafka's directory and log form, topic-partition.
func (tp TopicPartition) String() string {
	return tp.Topic + "-" + strconv.Itoa(int(tp.Partition))
}

package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// DescribeProducers (key 61, v0) shows the producers that a partition's leader
// remembers: epoch, last sequence, and the start of an open transaction.
func handleDescribeProducers(a *API, r *Request, req *kmsg.DescribeProducersRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeProducersResponse()
	named := make(mentions[base.TopicPartition])
	for _, t := range req.Topics {
		out := kmsg.NewDescribeProducersResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			if named.tooMany(base.TopicPartition{Topic: t.Topic, Partition: p}) {
				continue
			}
			part := kmsg.NewDescribeProducersResponseTopicPartition()
			part.Partition = p
			err := a.describeProducers(r, t.Topic, &part)
			part.ErrorCode, part.ErrorMessage = a.wireCode(err), explain(err)
			out.Partitions = append(out.Partitions, part)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (a *API) describeProducers(r *Request, topic string, part *kmsg.DescribeProducersResponseTopicPartition) error {
	if !a.allowed(r.Conn, mayRead, onTopic, topic) {
		return kerr.TopicAuthorizationFailed
	}
	if err := base.ValidateTopicName(topic); err != nil {
		return withMessage(kerr.InvalidTopicException, "%v", err)
	}
	on, err := a.replica(topic, base.ZeroUUID, part.Partition)
	if err != nil {
		return err
	}
	if p := a.image().Partition(base.TopicPartition{Topic: topic, Partition: part.Partition}); p == nil || p.Leader != a.cfg.NodeID {
		return kerr.NotLeaderForPartition
	}
	producers, err := on.Producers()
	if err != nil {
		return err
	}
	for _, info := range producers {
		prod := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		prod.ProducerID, prod.ProducerEpoch, prod.LastSequence = info.ProducerID, int32(info.Epoch), info.LastSequence
		prod.LastTimestamp, prod.CoordinatorEpoch, prod.CurrentTxnStartOffset = info.LastTimestamp, info.CoordinatorEpoch, info.TxnStart
		part.ActiveProducers = append(part.ActiveProducers, prod)
	}
	return nil
}

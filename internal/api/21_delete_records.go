package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// DeleteRecords (key 21, v0–v2) moves the start of partitions up; -1 means to
// the high watermark.
//
//   - An offset above the high watermark is OFFSET_OUT_OF_RANGE, a topic whose
//     cleanup.policy does not delete POLICY_VIOLATION, one of the broker's own
//     topics INVALID_TOPIC_EXCEPTION.
//   - The answer is the new start; it is durable by then.
//   - Of a partition that is named twice the last mention counts, and it is
//     answered once.
func handleDeleteRecords(a *API, _ context.Context, r *Request, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	wanted := make(map[base.TopicPartition]int64)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			wanted[base.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = p.Offset
		}
	}
	var out byTopic[kmsg.DeleteRecordsResponseTopicPartition]
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			tp := base.TopicPartition{Topic: t.Topic, Partition: p.Partition}
			offset, waits := wanted[tp]
			if !waits {
				continue // the first mention did what the last one says
			}
			delete(wanted, tp)
			res := kmsg.NewDeleteRecordsResponseTopicPartition()
			res.Partition = p.Partition
			low, err := a.deleteRecords(r, tp, offset)
			res.LowWatermark, res.ErrorCode = low, a.wireCode(err)
			out.add(t.Topic, res)
		}
	}
	resp := kmsg.NewPtrDeleteRecordsResponse()
	for _, g := range out.groups {
		t := kmsg.NewDeleteRecordsResponseTopic()
		t.Topic, t.Partitions = g.topic, g.partitions
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (a *API) deleteRecords(r *Request, tp base.TopicPartition, offset int64) (int64, error) {
	if !a.allowed(r.Conn, mayDelete, onTopic, tp.Topic) {
		return -1, kerr.TopicAuthorizationFailed
	}
	on, err := a.replica(tp.Topic, base.ZeroUUID, tp.Partition)
	switch {
	case err != nil:
		return -1, err
	case base.IsInternalTopic(tp.Topic):
		return -1, kerr.InvalidTopicException
	}
	return on.DeleteRecords(offset)
}

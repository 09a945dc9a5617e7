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
func handleDeleteRecords(a *API, _ context.Context, r *Request, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteRecordsResponse()
	for _, t := range req.Topics {
		out := kmsg.NewDeleteRecordsResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			res := kmsg.NewDeleteRecordsResponseTopicPartition()
			res.Partition = p.Partition
			low, err := a.deleteRecords(r, t.Topic, p)
			res.LowWatermark, res.ErrorCode = low, a.wireCode(err)
			out.Partitions = append(out.Partitions, res)
		}
		if len(out.Partitions) > 0 {
			resp.Topics = append(resp.Topics, out)
		}
	}
	return resp
}

func (a *API) deleteRecords(r *Request, topic string, p kmsg.DeleteRecordsRequestTopicPartition) (int64, error) {
	if !a.allowed(r.Conn, mayDelete, onTopic, topic) {
		return -1, kerr.TopicAuthorizationFailed
	}
	on, err := a.replica(topic, base.ZeroUUID, p.Partition)
	switch {
	case err != nil:
		return -1, err
	case base.IsInternalTopic(topic):
		return -1, kerr.InvalidTopicException
	}
	return on.DeleteRecords(p.Offset)
}

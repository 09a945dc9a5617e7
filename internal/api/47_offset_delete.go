package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// OffsetDelete (key 47, v0) forgets a group's offsets of topics that no member
// is subscribed to (GROUP_SUBSCRIBED_TO_TOPIC). Unknown topics and partitions
// are UNKNOWN_TOPIC_OR_PARTITION.
func handleOffsetDelete(a *API, ctx context.Context, r *Request, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	if !a.allowed(r.Conn, mayDelete, onGroup, req.Group) {
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp
	}
	ask := *req
	ask.Topics = nil
	for _, t := range req.Topics {
		mayReadTopic := a.allowed(r.Conn, mayRead, onTopic, t.Topic)
		out := kmsg.NewOffsetDeleteResponseTopic()
		out.Topic = t.Topic
		known := t
		known.Partitions = nil
		for _, p := range t.Partitions {
			res := kmsg.NewOffsetDeleteResponseTopicPartition()
			res.Partition = p.Partition
			switch {
			case !mayReadTopic:
				res.ErrorCode = kerr.TopicAuthorizationFailed.Code
			case a.image().Partition(base.TopicPartition{Topic: t.Topic, Partition: p.Partition}) == nil:
				res.ErrorCode = kerr.UnknownTopicOrPartition.Code
			default:
				known.Partitions = append(known.Partitions, p)
				continue
			}
			out.Partitions = append(out.Partitions, res)
		}
		if len(out.Partitions) > 0 {
			resp.Topics = append(resp.Topics, out)
		}
		if len(known.Partitions) > 0 {
			ask.Topics = append(ask.Topics, known)
		}
	}
	if len(ask.Topics) == 0 {
		return resp
	}
	got := a.cfg.Groups.OffsetDelete(ctx, &ask)
	if got.ErrorCode != 0 {
		resp.Topics = nil
	}
	resp.ErrorCode, resp.Topics = got.ErrorCode, append(resp.Topics, got.Topics...)
	return resp
}

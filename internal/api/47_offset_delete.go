package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// OffsetDelete (key 47, v0) forgets a group's offsets of topics that no member
// is subscribed to (GROUP_SUBSCRIBED_TO_TOPIC). Unknown topics and partitions
// are UNKNOWN_TOPIC_OR_PARTITION. If anything is refused, everything
// about a topic is in one place.
func handleOffsetDelete(a *API, ctx context.Context, r *Request, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	if !a.allowed(r.Conn, mayDelete, onGroup, req.Group) {
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp
	}
	ask := *req
	ask.Topics = nil
	var refused byTopic[kmsg.OffsetDeleteResponseTopicPartition]
	for _, t := range req.Topics {
		mayReadTopic := a.allowed(r.Conn, mayRead, onTopic, t.Topic)
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
			refused.add(t.Topic, res)
		}
		if len(known.Partitions) > 0 {
			ask.Topics = append(ask.Topics, known)
		}
	}
	got := kmsg.NewPtrOffsetDeleteResponse()
	if len(ask.Topics) > 0 {
		got = a.cfg.Groups.OffsetDelete(ctx, &ask)
	}
	if got.ErrorCode != 0 || len(refused.groups) == 0 {
		resp.ErrorCode, resp.Topics = got.ErrorCode, got.Topics
		return resp
	}
	for _, t := range got.Topics {
		refused.add(t.Topic, t.Partitions...)
	}
	for _, g := range refused.groups {
		out := kmsg.NewOffsetDeleteResponseTopic()
		out.Topic, out.Partitions = g.topic, g.partitions
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

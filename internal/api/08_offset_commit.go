package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// OffsetCommit (key 8, v2–v10) stores a group's offsets.
//
//   - Needs Read on the group and on each topic; topics and partitions that do
//     not exist are UNKNOWN_TOPIC_OR_PARTITION and the others are committed.
//   - v10+ names topics by id (UNKNOWN_TOPIC_ID); the coordinator always gets
//     both name and id.
//   - retention_time_ms (v2–v4), if not negative, is how long these offsets are
//     kept; others expire by offsets.retention.minutes.
func handleOffsetCommit(a *API, ctx context.Context, r *Request, req *kmsg.OffsetCommitRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetCommitResponse()
	groupOK := a.allowed(r.Conn, mayRead, onGroup, req.Group)
	good := *req
	good.Topics = nil
	var at []int // which of resp's topics each of good's belongs to
	for _, t := range req.Topics {
		err := a.nameCommitted(r, &t)
		if !groupOK {
			err = kerr.GroupAuthorizationFailed
		}
		known := t
		known.Partitions = nil
		out := commitAnswer(t)
		for _, p := range t.Partitions {
			perr := err
			if perr == nil && a.image().Partition(base.TopicPartition{Topic: t.Topic, Partition: p.Partition}) == nil {
				perr = kerr.UnknownTopicOrPartition
			}
			if perr == nil {
				known.Partitions = append(known.Partitions, p)
				continue
			}
			res := kmsg.NewOffsetCommitResponseTopicPartition()
			res.Partition, res.ErrorCode = p.Partition, a.wireCode(perr)
			out.Partitions = append(out.Partitions, res)
		}
		if len(t.Partitions) == 0 {
			continue // there is nothing to say about it
		}
		if len(known.Partitions) > 0 {
			at = append(at, len(resp.Topics))
			good.Topics = append(good.Topics, known)
		}
		resp.Topics = append(resp.Topics, out)
	}
	if len(good.Topics) > 0 {
		mergeCommitted(resp, a.cfg.Groups.OffsetCommit(ctx, &good), at)
	}
	return resp
}

// nameCommitted fills in the name of a topic given by id and checks the
// permission.
func (a *API) nameCommitted(r *Request, t *kmsg.OffsetCommitRequestTopic) error {
	if r.Version >= 10 {
		known := a.image().TopicByID(t.TopicID)
		if known == nil {
			return kerr.UnknownTopicID
		}
		t.Topic = known.Name
	}
	if !a.allowed(r.Conn, mayRead, onTopic, t.Topic) {
		return kerr.TopicAuthorizationFailed
	}
	if known := a.image().Topic(t.Topic); known != nil && r.Version < 10 {
		t.TopicID = known.ID // stored with the offset: it is one of this topic, not of the next of that name
	}
	return nil
}

func commitAnswer(t kmsg.OffsetCommitRequestTopic) kmsg.OffsetCommitResponseTopic {
	out := kmsg.NewOffsetCommitResponseTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	return out
}

// mergeCommitted adds the coordinator's results, which are in the order of what
// it was asked, to the topics already answered.
func mergeCommitted(resp, committed *kmsg.OffsetCommitResponse, at []int) {
	resp.ThrottleMillis = committed.ThrottleMillis
	for i, t := range committed.Topics {
		out := &resp.Topics[at[i]]
		out.Partitions = append(out.Partitions, t.Partitions...)
	}
}

package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// DeleteTopics (key 20, v1–v6) deletes topics by name or, from v6 on, by id.
//
//   - A topic named with both, with neither, or twice is INVALID_REQUEST.
//   - TOPIC_DELETION_DISABLED (v1–v2: INVALID_REQUEST) if delete.topic.enable is
//     false. The broker's own topics can't be deleted
//     (INVALID_TOPIC_EXCEPTION; Kafka allows it, and groups lose their offsets).
//   - A topic whose description is forbidden is TOPIC_AUTHORIZATION_FAILED
//     without its name when it was asked for by id.
func handleDeleteTopics(a *API, ctx context.Context, r *Request, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteTopicsResponse()
	refs := req.Topics
	if r.Version < 6 {
		for i := range req.TopicNames {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic = &req.TopicNames[i]
			refs = append(refs, t)
		}
	}
	var ids []base.UUID
	var at []int // where in resp.Topics the result of ids[i] belongs
	type mention struct {
		at   int
		byID bool
	}
	seen := make(map[base.UUID]mention)
	for i := range refs {
		byID := refs[i].Topic == nil
		topic, err := a.deletable(r, &refs[i])
		out := kmsg.NewDeleteTopicsResponseTopic()
		out.Topic, out.TopicID = refs[i].Topic, refs[i].TopicID
		if topic != nil && err == nil {
			if first, again := seen[topic.ID]; again {
				dup := &resp.Topics[first.at]
				a.refuseDeletion(dup, withMessage(kerr.InvalidRequest, "Duplicate topic name."))
				switch { // the answer shows what was asked with
				case byID:
					dup.Topic = nil
				case !first.byID:
					dup.TopicID = base.ZeroUUID
				}
				continue
			}
			out.Topic, out.TopicID = &topic.Name, topic.ID
			seen[topic.ID] = mention{len(resp.Topics), byID}
			ids, at = append(ids, topic.ID), append(at, len(resp.Topics))
		}
		a.refuseDeletion(&out, err)
		resp.Topics = append(resp.Topics, out)
	}
	a.deleteTopics(ctx, req.TimeoutMillis, resp, ids, at)
	return resp
}

// deleteTopics asks the controller for what was not refused.
func (a *API) deleteTopics(ctx context.Context, timeoutMs int32, resp *kmsg.DeleteTopicsResponse, ids []base.UUID, at []int) {
	var ask []base.UUID
	var where []int
	for i, id := range ids {
		if resp.Topics[at[i]].ErrorCode == 0 {
			ask, where = append(ask, id), append(where, at[i])
		}
	}
	if len(ask) == 0 {
		return
	}
	ctx, cancel := withTimeout(ctx, timeoutMs)
	defer cancel()
	for i, err := range a.cfg.Controller.DeleteTopics(ctx, ask) {
		a.refuseDeletion(&resp.Topics[where[i]], err)
	}
}

func (a *API) refuseDeletion(out *kmsg.DeleteTopicsResponseTopic, err error) {
	out.ErrorCode, out.ErrorMessage = a.wireCode(err), explain(err)
}

// deletable finds the topic that is meant and whether it may be deleted. It adds
// the name to an id as soon as the principal may see it.
func (a *API) deletable(r *Request, ref *kmsg.DeleteTopicsRequestTopic) (*metadata.Topic, error) {
	id := base.UUID(ref.TopicID)
	var topic *metadata.Topic
	switch {
	case ref.Topic == nil && id.IsZero():
		return nil, withMessage(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	case ref.Topic != nil && !id.IsZero():
		return nil, withMessage(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case ref.Topic != nil && !a.allowed(r.Conn, mayDelete, onTopic, *ref.Topic):
		return nil, kerr.TopicAuthorizationFailed
	case ref.Topic != nil:
		if topic = a.image().Topic(*ref.Topic); topic == nil {
			return nil, kerr.UnknownTopicOrPartition
		}
	default:
		if topic = a.image().TopicByID(id); topic == nil {
			return nil, kerr.UnknownTopicID
		}
		if !a.allowed(r.Conn, mayDescribe, onTopic, topic.Name) {
			return nil, kerr.TopicAuthorizationFailed
		}
		ref.Topic = &topic.Name
		if !a.allowed(r.Conn, mayDelete, onTopic, topic.Name) {
			return nil, kerr.TopicAuthorizationFailed
		}
	}
	if base.IsInternalTopic(topic.Name) {
		return nil, withMessage(kerr.InvalidTopicException, "The topic %s belongs to the broker.", topic.Name)
	}
	if !a.cfg.Broker().Bool("delete.topic.enable") {
		if r.Version < 3 {
			return nil, kerr.InvalidRequest
		}
		return nil, kerr.TopicDeletionDisabled
	}
	return topic, nil
}

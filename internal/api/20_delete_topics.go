package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// DeleteTopics (key 20, v1–v6) deletes topics by name or, from v6 on, by id.
//
//   - A topic named with both, with neither, or twice is INVALID_REQUEST, once
//     for each name, whether there is such a topic or not. A name that is given
//     twice says nothing against the same topic's id: it is deleted, as by Kafka.
//   - TOPIC_DELETION_DISABLED (v1–v2: INVALID_REQUEST) if delete.topic.enable is
//     false. The broker's own topics can't be deleted
//     (INVALID_TOPIC_EXCEPTION; Kafka allows it, and groups lose their offsets).
//   - A topic whose description is forbidden is TOPIC_AUTHORIZATION_FAILED
//     without its name when it was asked for by id.
func handleDeleteTopics(a *API, ctx context.Context, r *Request, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	refs := req.Topics
	if r.Version < 6 {
		for i := range req.TopicNames {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic = &req.TopicNames[i]
			refs = append(refs, t)
		}
	}
	d := deletion{api: a, req: r, resp: kmsg.NewPtrDeleteTopicsResponse(), times: make(map[topicRef]int), at: make(map[base.UUID]int)}
	for i := range refs {
		d.times[refTo(&refs[i])]++
	}
	for i := range refs {
		d.add(&refs[i])
	}
	d.run(ctx, req.TimeoutMillis)
	return d.resp
}

// topicRef is how a request names a topic: by name or by id.
type topicRef struct {
	name string
	id   base.UUID
}

func refTo(t *kmsg.DeleteTopicsRequestTopic) topicRef {
	ref := topicRef{id: t.TopicID}
	if t.Topic != nil {
		ref.name = *t.Topic
	}
	return ref
}

// hasOneName tells that a topic is named by name or by id, not by both or neither.
func hasOneName(t *kmsg.DeleteTopicsRequestTopic) bool {
	return (t.Topic == nil) != base.UUID(t.TopicID).IsZero()
}

// deletion is one request on its way.
type deletion struct {
	api   *API
	req   *Request
	resp  *kmsg.DeleteTopicsResponse
	times map[topicRef]int // how often each is named; 0 once that was too often and is answered
	ids   []base.UUID
	at    map[base.UUID]int // where in resp.Topics the result of each of ids belongs
}

// add answers for one mention, or notes it as one to be deleted.
func (d *deletion) add(t *kmsg.DeleteTopicsRequestTopic) {
	ref, byID := refTo(t), t.Topic == nil
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	if hasOneName(t) && d.times[ref] != 1 {
		if d.times[ref] > 1 {
			d.times[ref] = 0
			d.answer(out, withMessage(kerr.InvalidRequest, "Duplicate topic name or id."))
		}
		return // the first mention answered for all
	}
	topic, err := d.api.deletable(d.req, t)
	out.Topic = t.Topic // known now if it was asked for by id
	if err != nil {
		d.answer(out, err)
		return
	}
	out.Topic, out.TopicID = &topic.Name, topic.ID
	first, again := d.at[topic.ID]
	_, byIDToo := d.times[topicRef{id: topic.ID}]
	switch {
	case again: // once by name and once by id
		d.api.refuseDeletion(&d.resp.Topics[first], withMessage(kerr.InvalidRequest, "The topic is named by name and by id."))
	case !byID && byIDToo && d.times[topicRef{id: topic.ID}] != 1:
		d.answer(out, withMessage(kerr.InvalidRequest, "The topic is named by name and by id."))
	default:
		d.at[topic.ID] = len(d.resp.Topics)
		d.ids = append(d.ids, topic.ID)
		d.answer(out, nil)
	}
}

func (d *deletion) answer(out kmsg.DeleteTopicsResponseTopic, err error) {
	d.api.refuseDeletion(&out, err)
	d.resp.Topics = append(d.resp.Topics, out)
}

// run asks the controller for what was not refused.
func (d *deletion) run(ctx context.Context, timeoutMs int32) {
	ask := slices.DeleteFunc(d.ids, func(id base.UUID) bool { return d.resp.Topics[d.at[id]].ErrorCode != 0 })
	if len(ask) == 0 {
		return
	}
	ctx, cancel := withTimeout(ctx, timeoutMs)
	defer cancel()
	for i, err := range d.api.cfg.Controller.DeleteTopics(ctx, ask) {
		d.api.refuseDeletion(&d.resp.Topics[d.at[ask[i]]], err)
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

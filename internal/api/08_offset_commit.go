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
//   - A partition that is named twice is answered twice; the last offset counts.
//   - retention_time_ms (v2–v4), if not negative, is how long these offsets are
//     kept; others expire by offsets.retention.minutes.
func handleOffsetCommit(a *API, ctx context.Context, r *Request, req *kmsg.OffsetCommitRequest) kmsg.Response {
	var answer commitAnswer
	groupOK := a.allowed(r.Conn, mayRead, onGroup, req.Group)
	good := *req
	good.Topics = nil
	for _, t := range req.Topics {
		err := a.nameCommitted(r, &t)
		if !groupOK {
			err = kerr.GroupAuthorizationFailed
		}
		known := t
		known.Partitions = nil
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
			answer.add(t, res)
		}
		if len(known.Partitions) > 0 {
			good.Topics = append(good.Topics, known)
		}
	}
	if len(good.Topics) > 0 {
		answer.merge(&good, a.cfg.Groups.OffsetCommit(ctx, &good))
	}
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.ThrottleMillis, resp.Topics = answer.throttle, answer.topics
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

// commitAnswer collects what is said of partitions. A topic is in it once; only
// if nothing was refused it is as often as in the request, like Kafka's.
type commitAnswer struct {
	throttle int32
	topics   []kmsg.OffsetCommitResponseTopic
	at       map[committedTopic]int
}

// committedTopic is a topic as requests name it, by name or by id.
type committedTopic struct {
	name string
	id   base.UUID
}

func (c *commitAnswer) add(t kmsg.OffsetCommitRequestTopic, parts ...kmsg.OffsetCommitResponseTopicPartition) {
	key := committedTopic{t.Topic, t.TopicID}
	i, there := c.at[key]
	if !there {
		if c.at == nil {
			c.at = make(map[committedTopic]int)
		}
		i = c.open(t)
		c.at[key] = i
	}
	c.topics[i].Partitions = append(c.topics[i].Partitions, parts...)
}

func (c *commitAnswer) open(t kmsg.OffsetCommitRequestTopic) int {
	out := kmsg.NewOffsetCommitResponseTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	c.topics = append(c.topics, out)
	return len(c.topics) - 1
}

// merge adds the coordinator's results, which are in the order of what it was
// asked.
func (c *commitAnswer) merge(asked *kmsg.OffsetCommitRequest, committed *kmsg.OffsetCommitResponse) {
	c.throttle = committed.ThrottleMillis
	alone := len(c.topics) == 0
	for i, t := range committed.Topics {
		if alone {
			c.topics[c.open(asked.Topics[i])].Partitions = t.Partitions
		} else {
			c.add(asked.Topics[i], t.Partitions...)
		}
	}
}

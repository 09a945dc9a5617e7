package api

import (
	"iter"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// DescribeTopicPartitions (key 75, v0) describes topics page by page, in the
// order of names; no topics mean all.
//
//   - A page holds at most response_partition_limit partitions, at least one and
//     at most max.request.partition.size.limit; next_cursor says where the next
//     page starts.
//   - A negative cursor partition, or a cursor topic that is not among the
//     topics asked for, is INVALID_REQUEST for every topic.
//   - Eligible leader replicas are always empty lists.
func handleDescribeTopicPartitions(a *API, r *Request, req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	names := make([]string, len(req.Topics))
	for i, t := range req.Topics {
		names[i] = t.Topic
	}
	slices.Sort(names)
	names = slices.Compact(names)
	p := &topicPage{
		api: a, conn: r.Conn, resp: kmsg.NewPtrDescribeTopicPartitionsResponse(),
		left: max(1, min(int(req.ResponsePartitionLimit), a.cfg.Broker().Int("max.request.partition.size.limit"))),
	}
	if c := req.Cursor; c != nil {
		if c.Partition < 0 || len(names) > 0 && !slices.Contains(names, c.Topic) {
			p.refuse(names)
			return p.resp
		}
		p.fromTopic, p.fromPartition = c.Topic, int(c.Partition)
	}
	for name, topic := range p.topics(names) {
		if !p.add(name, topic) {
			break
		}
	}
	return p.resp
}

// topicPage is one page of topics in the making.
type topicPage struct {
	api           *API
	conn          *Conn
	resp          *kmsg.DescribeTopicPartitionsResponse
	left          int // partitions that still fit
	fromTopic     string
	fromPartition int
}

func (p *topicPage) refuse(names []string) {
	for _, name := range names {
		t := kmsg.NewDescribeTopicPartitionsResponseTopic()
		t.Topic, t.ErrorCode = &name, kerr.InvalidRequest.Code
		p.resp.Topics = append(p.resp.Topics, t)
	}
}

// topics yields the wanted names from the cursor on, with their topic or nil.
func (p *topicPage) topics(names []string) iter.Seq2[string, *metadata.Topic] {
	img := p.api.image()
	return func(yield func(string, *metadata.Topic) bool) {
		if len(names) > 0 {
			for _, name := range names {
				if name >= p.fromTopic && !yield(name, img.Topic(name)) {
					return
				}
			}
			return
		}
		for t := range img.TopicsFrom(p.fromTopic) {
			if p.api.allowed(p.conn, mayDescribe, onTopic, t.Name) && !yield(t.Name, t) {
				return
			}
		}
	}
}

// add describes a topic as far as it fits; false ends the page.
func (p *topicPage) add(name string, topic *metadata.Topic) bool {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic = &name
	from := 0
	if name == p.fromTopic {
		from = p.fromPartition
	}
	switch {
	case !p.api.allowed(p.conn, mayDescribe, onTopic, name):
		out.ErrorCode = kerr.TopicAuthorizationFailed.Code
	case base.ValidateTopicName(name) != nil:
		out.ErrorCode = kerr.InvalidTopicException.Code
	case topic == nil:
		out.ErrorCode = kerr.UnknownTopicOrPartition.Code
	case p.left == 0:
		p.next(name, from)
		return false
	default:
		out.TopicID, out.IsInternal = topic.ID, base.IsInternalTopic(name)
		to := min(len(topic.Partitions), from+p.left)
		for i := from; i < to; i++ {
			out.Partitions = append(out.Partitions, p.partition(&topic.Partitions[i]))
		}
		p.left -= len(out.Partitions)
		if from < len(topic.Partitions) && to < len(topic.Partitions) {
			p.next(name, to)
		}
	}
	if out.ErrorCode != kerr.TopicAuthorizationFailed.Code {
		out.AuthorizedOperations = p.api.operations(p.conn, onTopic, name)
	}
	p.resp.Topics = append(p.resp.Topics, out)
	return p.resp.NextCursor == nil
}

func (p *topicPage) next(topic string, partition int) {
	c := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	c.Topic, c.Partition = topic, int32(partition)
	p.resp.NextCursor = &c
}

func (p *topicPage) partition(in *metadata.Partition) kmsg.DescribeTopicPartitionsResponseTopicPartition {
	out := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
	leader, err := p.api.usableLeader(p.conn, in.Leader, true)
	out.ErrorCode = errorCode(err)
	out.Partition, out.LeaderID, out.LeaderEpoch = in.Index, int32(leader), in.LeaderEpoch
	out.Replicas, out.ISR, out.OfflineReplicas = int32s(in.Replicas), int32s(in.ISR), p.api.offline(in.Replicas)
	out.EligibleLeaderReplicas, out.LastKnownELR = []int32{}, []int32{}
	return out
}

package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// CreatePartitions (key 37, v0–v3) gives topics more partitions, with or without
// a manual assignment of the new ones. The count is the new total; one that is
// not larger is INVALID_PARTITIONS. A topic named twice is INVALID_REQUEST.
func handleCreatePartitions(a *API, ctx context.Context, r *Request, req *kmsg.CreatePartitionsRequest) kmsg.Response {
	resp := kmsg.NewPtrCreatePartitionsResponse()
	names := countNames(len(req.Topics), func(i int) string { return req.Topics[i].Topic })
	var ask []NewPartitions
	for _, t := range req.Topics {
		var err error
		switch {
		case names[t.Topic] == 0:
			continue // the first mention answered for all
		case names[t.Topic] > 1:
			names[t.Topic] = 0
			err = withMessage(kerr.InvalidRequest, "Duplicate topic name.")
		case !a.allowed(r.Conn, mayAlter, onTopic, t.Topic):
			err = kerr.TopicAuthorizationFailed
		case a.image().Topic(t.Topic) == nil:
			err = kerr.UnknownTopicOrPartition
		default:
			ask = append(ask, newPartitions(t))
			continue
		}
		resp.Topics = append(resp.Topics, a.partitionsCreated(t.Topic, err))
	}
	if len(ask) == 0 {
		return resp
	}
	ctx, cancel := withTimeout(ctx, req.TimeoutMillis)
	defer cancel()
	for i, err := range a.cfg.Controller.CreatePartitions(ctx, ask, req.ValidateOnly) {
		resp.Topics = append(resp.Topics, a.partitionsCreated(ask[i].Topic, err))
	}
	return resp
}

func newPartitions(t kmsg.CreatePartitionsRequestTopic) NewPartitions {
	n := NewPartitions{Topic: t.Topic, Total: t.Count}
	if t.Assignment != nil {
		n.Assignment = make([][]base.NodeID, len(t.Assignment))
		for i, p := range t.Assignment {
			n.Assignment[i] = nodeIDs(p.Replicas)
		}
	}
	return n
}

func (a *API) partitionsCreated(topic string, err error) kmsg.CreatePartitionsResponseTopic {
	out := kmsg.NewCreatePartitionsResponseTopic()
	out.Topic, out.ErrorCode, out.ErrorMessage = topic, a.wireCode(err), explain(err)
	return out
}

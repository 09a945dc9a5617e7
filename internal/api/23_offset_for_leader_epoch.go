package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// OffsetForLeaderEpoch (key 23, v2–v4) tells where a leader epoch ended, for
// consumers that check whether their log was cut (KIP-320). The answer is the
// largest epoch up to the one asked for; -1 and -1 if there is none. A broker's
// request (replica_id ≥ 0) needs ClusterAction instead of Describe.
func handleOffsetForLeaderEpoch(a *API, r *Request, req *kmsg.OffsetForLeaderEpochRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	broker := r.Version >= 3 && req.ReplicaID >= 0 && a.clusterAllowed(r.Conn, mayClusterAction)
	for _, t := range req.Topics {
		out := kmsg.NewOffsetForLeaderEpochResponseTopic()
		out.Topic = t.Topic
		allowed := broker || a.allowed(r.Conn, mayDescribe, onTopic, t.Topic)
		for _, p := range t.Partitions {
			res := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			res.Partition, res.LeaderEpoch, res.EndOffset = p.Partition, base.NoEpoch, -1
			err := error(kerr.TopicAuthorizationFailed)
			if allowed {
				err = a.epochEnd(t.Topic, p, &res)
			}
			res.ErrorCode = a.wireCode(err)
			out.Partitions = append(out.Partitions, res)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (a *API) epochEnd(topic string, p kmsg.OffsetForLeaderEpochRequestTopicPartition, res *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
	on, err := a.replica(topic, base.ZeroUUID, p.Partition)
	if err != nil {
		return err
	}
	if p.CurrentLeaderEpoch < base.NoEpoch {
		return kerr.FencedLeaderEpoch // only -1 means that the client knows none; other requests forgive
	}
	end, err := on.EndOffsetForEpoch(p.CurrentLeaderEpoch, p.LeaderEpoch)
	if err == nil {
		res.LeaderEpoch, res.EndOffset = end.Epoch, end.End
	}
	return err
}

package api

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/quorum"
)

// DescribeQuorum (key 55, v0–v2) shows the metadata quorum under Kafka's name
// for it, partition 0 of __cluster_metadata; a request for anything else, or for
// more than that, is UNKNOWN_TOPIC_OR_PARTITION throughout. Offsets are indices of the quorum's log, the epoch
// is its term. Any broker answers; only the leader knows how far the others
// are. v2+ adds directory ids and the members' listeners.
func handleDescribeQuorum(a *API, r *Request, req *kmsg.DescribeQuorumRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeQuorumResponse()
	if !a.clusterAllowed(r.Conn, mayDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	resp.ErrorMessage = new(string)
	status := a.cfg.Quorum.Status()
	known := len(req.Topics) == 1 && req.Topics[0].Topic == metadataTopicName && len(req.Topics[0].Partitions) == 1 && req.Topics[0].Partitions[0].Partition == 0
	for _, t := range req.Topics {
		out := kmsg.NewDescribeQuorumResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewDescribeQuorumResponseTopicPartition()
			part.Partition = p.Partition
			if known {
				describeMembers(&part, status)
				resp.Nodes = a.quorumNodes(status)
			} else {
				part.ErrorCode, part.ErrorMessage = kerr.UnknownTopicOrPartition.Code, &kerr.UnknownTopicOrPartition.Description
			}
			out.Partitions = append(out.Partitions, part)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func describeMembers(part *kmsg.DescribeQuorumResponseTopicPartition, s quorum.Status) {
	part.LeaderID, part.LeaderEpoch, part.HighWatermark = int32(s.Leader), int32(s.Term), int64(s.Commit)
	for _, m := range s.Members {
		out := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		out.ReplicaID, out.ReplicaDirectoryID, out.LogEndOffset = int32(m.NodeID), m.DirectoryID, int64(m.Match)
		if m.NodeID == s.Self.NodeID {
			out.LogEndOffset = int64(s.Last)
		}
		out.LastFetchTimestamp, out.LastCaughtUpTimestamp = millis(m.LastSeen), millis(m.CaughtUpAt)
		if m.Learner {
			part.Observers = append(part.Observers, out)
		} else {
			part.CurrentVoters = append(part.CurrentVoters, out)
		}
	}
}

// millis is a time on the wire; the zero time is "unknown".
func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}

// quorumNodes tells where the voters are.
func (a *API) quorumNodes(s quorum.Status) []kmsg.DescribeQuorumResponseNode {
	var out []kmsg.DescribeQuorumResponseNode
	seen := make(map[base.NodeID]bool)
	for _, m := range s.Members {
		b := a.image().Broker(m.NodeID)
		if m.Learner || b == nil || seen[b.ID] {
			continue
		}
		seen[b.ID] = true
		n := kmsg.NewDescribeQuorumResponseNode()
		n.NodeID = int32(b.ID)
		for _, l := range b.Listeners {
			nl := kmsg.NewDescribeQuorumResponseNodeListener()
			nl.Name, nl.Host, nl.Port = l.Name, l.Host, l.Port
			n.Listeners = append(n.Listeners, nl)
		}
		out = append(out, n)
	}
	return out
}

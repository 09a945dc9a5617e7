package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/partition"
)

// ListOffsets (key 2, v1–v11) finds offsets by timestamp.
//
//   - A timestamp ≥ 0 finds the first record at or after it; -1 and -1 when there
//     is none. Special values: -1 latest (the last stable offset for
//     read_committed), -2 earliest, -3 the record with the largest timestamp
//     (v7+), -4 earliest local (v8+), -5 latest tiered (v9+), -6 earliest
//     pending upload (v11+). Others, and values newer than the request's
//     version, are UNSUPPORTED_VERSION.
//   - A partition that is named twice is INVALID_REQUEST, once. A topic is
//     answered once, too, and not at all if no partition of it is named.
//   - OFFSET_NOT_AVAILABLE until a new leader knows the high watermark.
//   - replica_id is ignored: nobody sees past the high watermark.
func handleListOffsets(a *API, r *Request, req *kmsg.ListOffsetsRequest) kmsg.Response {
	count := countListed(req)
	var out byTopic[kmsg.ListOffsetsResponseTopicPartition]
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			tp := base.TopicPartition{Topic: t.Topic, Partition: p.Partition}
			times := count[tp]
			if times == 0 {
				continue // the first mention answered for all
			}
			res := kmsg.NewListOffsetsResponseTopicPartition()
			res.Partition, res.Timestamp, res.Offset, res.LeaderEpoch = p.Partition, -1, -1, base.NoEpoch
			err := error(kerr.InvalidRequest)
			if times == 1 {
				err = a.listOffset(r, req, tp, p, &res)
			} else {
				count[tp] = 0
			}
			res.ErrorCode = a.wireCode(err)
			out.add(t.Topic, res)
		}
	}
	resp := kmsg.NewPtrListOffsetsResponse()
	for _, g := range out.groups {
		t := kmsg.NewListOffsetsResponseTopic()
		t.Topic, t.Partitions = g.topic, g.partitions
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func countListed(req *kmsg.ListOffsetsRequest) map[base.TopicPartition]int {
	count := make(map[base.TopicPartition]int)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			count[base.TopicPartition{Topic: t.Topic, Partition: p.Partition}]++
		}
	}
	return count
}

func (a *API) listOffset(r *Request, req *kmsg.ListOffsetsRequest, tp base.TopicPartition, p kmsg.ListOffsetsRequestTopicPartition, res *kmsg.ListOffsetsResponseTopicPartition) error {
	if !a.allowed(r.Conn, mayDescribe, onTopic, tp.Topic) {
		return kerr.TopicAuthorizationFailed
	}
	on, err := a.replica(tp.Topic, base.ZeroUUID, tp.Partition)
	if err != nil {
		return err
	}
	if p.Timestamp < 0 && r.Version < sinceListing(p.Timestamp) {
		return kerr.UnsupportedVersion
	}
	if p.CurrentLeaderEpoch < base.NoEpoch {
		return kerr.FencedLeaderEpoch // only -1 is "none"
	}
	found, err := on.ListOffset(p.Timestamp, req.IsolationLevel == 1, p.CurrentLeaderEpoch)
	if err != nil {
		return err
	}
	res.Timestamp, res.Offset, res.LeaderEpoch = found.Timestamp, found.Offset, found.LeaderEpoch
	return nil
}

// sinceListing is the first version in which a special timestamp means
// something; unknown ones are left to the partition to refuse.
func sinceListing(timestamp int64) int16 {
	switch timestamp {
	case partition.TimestampMax:
		return 7
	case partition.TimestampEarliestLocal:
		return 8
	case partition.TimestampLatestTiered:
		return 9
	case partition.TimestampEarliestPendingUpload:
		return 11
	}
	return 0
}

package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// DescribeLogDirs (key 35, v1–v5) shows this broker's data directories and the
// size of the replicas in them; null topics mean all. An offline directory is
// KAFKA_STORAGE_ERROR. v4+ shows the space of the file system, v5+ whether the
// directory is cordoned (never here).
func handleDescribeLogDirs(a *API, r *Request, req *kmsg.DescribeLogDirsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	if !a.clusterAllowed(r.Conn, mayDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	wanted := make(map[base.TopicPartition]bool)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			wanted[base.TopicPartition{Topic: t.Topic, Partition: p}] = true
		}
	}
	for _, d := range a.cfg.Replicas.LogDirs() {
		out := kmsg.NewDescribeLogDirsResponseDir()
		out.Dir, out.TotalBytes, out.UsableBytes = d.Path, d.Total, d.Usable
		if d.Err != nil {
			out.ErrorCode = kerr.KafkaStorageError.Code
			resp.Dirs = append(resp.Dirs, out)
			continue
		}
		for _, p := range d.Partitions {
			if req.Topics == nil || wanted[p.TP] {
				addToDir(&out, p)
			}
		}
		resp.Dirs = append(resp.Dirs, out)
	}
	return resp
}

// addToDir adds a replica; replicas of one topic come one after the other.
func addToDir(d *kmsg.DescribeLogDirsResponseDir, p LogDirPartition) {
	if n := len(d.Topics); n == 0 || d.Topics[n-1].Topic != p.TP.Topic {
		t := kmsg.NewDescribeLogDirsResponseDirTopic()
		t.Topic = p.TP.Topic
		d.Topics = append(d.Topics, t)
	}
	part := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
	part.Partition, part.Size = p.TP.Partition, p.Size
	t := &d.Topics[len(d.Topics)-1]
	t.Partitions = append(t.Partitions, part)
}

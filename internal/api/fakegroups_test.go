package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/group"
)

// fakeGroups answers every group request with a recognisable success.
type fakeGroups struct {
	b      *broker
	client group.Client
	last   kmsg.Request
	// committed is what a fetch of everything finds, if not nil.
	committed []kmsg.OffsetFetchRequestGroupTopic
}

func (g *fakeGroups) JoinGroup(_ context.Context, req *kmsg.JoinGroupRequest, from group.Client) *kmsg.JoinGroupResponse {
	g.last, g.client = req, from
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Generation, resp.MemberID, resp.LeaderID = 5, "m", "m"
	return resp
}

func (g *fakeGroups) SyncGroup(_ context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	g.last = req
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.MemberAssignment = []byte("share")
	return resp
}

func (g *fakeGroups) Heartbeat(_ context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	g.last = req
	return kmsg.NewPtrHeartbeatResponse()
}

func (g *fakeGroups) LeaveGroup(_ context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	g.last = req
	return kmsg.NewPtrLeaveGroupResponse()
}

func (g *fakeGroups) OffsetCommit(_ context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetCommitResponse()
	for _, t := range req.Topics {
		out := kmsg.NewOffsetCommitResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition})
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (g *fakeGroups) OffsetFetch(_ context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetFetchResponse()
	for _, in := range req.Groups {
		out := kmsg.NewOffsetFetchResponseGroup()
		out.Group = in.Group
		if in.Group == "loading" {
			out.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		}
		topics := in.Topics
		if topics == nil && g.committed != nil {
			topics = g.committed
		} else if topics == nil {
			topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0}}, {Topic: "secret", Partitions: []int32{0}}}
		}
		for _, t := range topics {
			ot := kmsg.NewOffsetFetchResponseGroupTopic()
			ot.Topic, ot.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				op := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				op.Partition, op.Offset, op.Metadata = p, 42, new(string)
				ot.Partitions = append(ot.Partitions, op)
			}
			out.Topics = append(out.Topics, ot)
		}
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) OffsetDelete(_ context.Context, req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetDeleteResponse()
	if req.Group == "none" {
		resp.ErrorCode = kerr.GroupIDNotFound.Code
		return resp
	}
	for _, t := range req.Topics {
		out := kmsg.NewOffsetDeleteResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, kmsg.OffsetDeleteResponseTopicPartition{Partition: p.Partition})
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (g *fakeGroups) DescribeGroups(_ context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrDescribeGroupsResponse()
	for _, id := range req.Groups {
		out := kmsg.NewDescribeGroupsResponseGroup()
		out.Group, out.State = id, "Stable"
		if id == "none" {
			out.State = "Dead"
		}
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) ListGroups(_ context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrListGroupsResponse()
	for _, id := range []string{"g", "secret"} {
		out := kmsg.NewListGroupsResponseGroup()
		out.Group = id
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) DeleteGroups(_ context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrDeleteGroupsResponse()
	for _, id := range req.Groups {
		out := kmsg.NewDeleteGroupsResponseGroup()
		out.Group = id
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) FindCoordinator(_ context.Context, id string) (base.NodeID, error) {
	switch id {
	case "elsewhere":
		return 2, nil // not registered
	case "loading":
		return -1, kerr.CoordinatorLoadInProgress
	}
	return 1, nil
}

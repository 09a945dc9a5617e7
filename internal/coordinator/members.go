package coordinator

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/group"
)

// JoinGroup takes a member in, and answers when the generation it belongs to
// begins.
func (c *Coordinator) JoinGroup(ctx context.Context, req *kmsg.JoinGroupRequest, from group.Client) *kmsg.JoinGroupResponse {
	code := kerr.InvalidGroupID
	if req.Group != "" {
		var r *kmsg.JoinGroupResponse
		op := group.Join{JoinGroupRequest: req, Client: from, Unique: unique()}
		if r, code = ask[*kmsg.JoinGroupResponse](ctx, c, c.Partition(req.Group), op); code == nil {
			return r
		}
	}
	r := kmsg.NewPtrJoinGroupResponse()
	r.ErrorCode, r.MemberID, r.Generation = code.Code, req.MemberID, -1
	return r
}

// unique is a random UUID in its usual form: member ids end in one.
func unique() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SyncGroup answers with the member's assignment, when the leader has brought it.
func (c *Coordinator) SyncGroup(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	var code *kerr.Error
	switch {
	case req.Group == "":
		code = kerr.InvalidGroupID
	case req.Version >= 5 && (req.ProtocolType == nil || req.Protocol == nil):
		code = kerr.InconsistentGroupProtocol
	default:
		var r *kmsg.SyncGroupResponse
		if r, code = ask[*kmsg.SyncGroupResponse](ctx, c, c.Partition(req.Group), group.Sync{SyncGroupRequest: req}); code == nil {
			return r
		}
	}
	r := kmsg.NewPtrSyncGroupResponse()
	r.ErrorCode, r.MemberAssignment = code.Code, []byte{}
	return r
}

// Heartbeat keeps a session alive. While the group is loading there is nothing
// to say but that all is well.
func (c *Coordinator) Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	code := kerr.InvalidGroupID
	if req.Group != "" {
		var r *kmsg.HeartbeatResponse
		if r, code = askSoon[*kmsg.HeartbeatResponse](ctx, c, c.Partition(req.Group), group.Heartbeat{HeartbeatRequest: req}); code == nil {
			return r
		}
	}
	r := kmsg.NewPtrHeartbeatResponse()
	if code != kerr.CoordinatorLoadInProgress {
		r.ErrorCode = code.Code
	}
	return r
}

// LeaveGroup removes members at once.
func (c *Coordinator) LeaveGroup(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	code := kerr.InvalidGroupID
	if req.Group != "" {
		var r *kmsg.LeaveGroupResponse
		if r, code = askSoon[*kmsg.LeaveGroupResponse](ctx, c, c.Partition(req.Group), group.Leave{LeaveGroupRequest: req}); code == nil {
			return r
		}
	}
	r := kmsg.NewPtrLeaveGroupResponse()
	r.ErrorCode = code.Code
	return r
}

package api

import (
	"bytes"
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SyncGroup (key 14, v0–v5) brings the leader's assignment to the members and
// waits for it. v3+ knows static members, v5+ checks the protocol.
func handleSyncGroup(a *API, ctx context.Context, r *Request, req *kmsg.SyncGroupRequest) kmsg.Response {
	if !a.allowed(r.Conn, mayRead, onGroup, req.Group) {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp
	}
	return a.cfg.Groups.SyncGroup(ctx, req)
}

func ownSync(req *kmsg.SyncGroupRequest) {
	for i := range req.GroupAssignment {
		req.GroupAssignment[i].MemberAssignment = bytes.Clone(req.GroupAssignment[i].MemberAssignment)
	}
}

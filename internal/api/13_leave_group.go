package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// LeaveGroup (key 13, v0–v5) removes members: one for v0–v2, several and static
// ones for v3+, with a reason for v5+.
func handleLeaveGroup(a *API, ctx context.Context, r *Request, req *kmsg.LeaveGroupRequest) kmsg.Response {
	if !a.allowed(r.Conn, mayRead, onGroup, req.Group) {
		resp := kmsg.NewPtrLeaveGroupResponse()
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp
	}
	return a.cfg.Groups.LeaveGroup(ctx, req)
}

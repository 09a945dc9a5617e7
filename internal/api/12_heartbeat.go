package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Heartbeat (key 12, v0–v4) keeps a member's session alive and tells it of a
// rebalance (REBALANCE_IN_PROGRESS). v3+ knows static members.
func handleHeartbeat(a *API, ctx context.Context, r *Request, req *kmsg.HeartbeatRequest) kmsg.Response {
	if !a.allowed(r.Conn, mayRead, onGroup, req.Group) {
		resp := kmsg.NewPtrHeartbeatResponse()
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp
	}
	return a.cfg.Groups.Heartbeat(ctx, req)
}

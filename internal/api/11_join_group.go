package api

import (
	"bytes"
	"context"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/group"
)

// JoinGroup (key 11, v0–v9) enters a group and waits for the rebalance.
//
//   - v4+ gives a new dynamic member its id first (MEMBER_ID_REQUIRED), v5+
//     static members, v7+ the protocol type, v9+ lets the leader skip the
//     assignment.
//   - The answer comes when all members have joined or the rebalance timeout is
//     over; the connection waits.
func handleJoinGroup(a *API, ctx context.Context, r *Request, req *kmsg.JoinGroupRequest) kmsg.Response {
	if !a.allowed(r.Conn, mayRead, onGroup, req.Group) {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = kerr.GroupAuthorizationFailed.Code, base.NoEpoch, req.MemberID
		return resp
	}
	return a.cfg.Groups.JoinGroup(ctx, req, clientOf(r))
}

func ownJoin(req *kmsg.JoinGroupRequest) {
	for i := range req.Protocols {
		req.Protocols[i].Metadata = bytes.Clone(req.Protocols[i].Metadata)
	}
}

// clientOf is who asks, in the form in which Kafka shows it in group
// descriptions.
func clientOf(r *Request) group.Client {
	host := ""
	if r.Conn.Remote != nil {
		host = r.Conn.Remote.String()
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return group.Client{ID: r.ClientID, Host: "/" + host}
}

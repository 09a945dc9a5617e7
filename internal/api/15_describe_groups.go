package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeGroups (key 15, v0–v6) shows state and members of classic groups.
//
//   - A group that does not exist is "Dead" without an error up to v5 and
//     GROUP_ID_NOT_FOUND from v6 on.
//   - v3+ fills in authorized operations when asked, v4+ static members.
func handleDescribeGroups(a *API, ctx context.Context, r *Request, req *kmsg.DescribeGroupsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	ask := *req
	ask.Groups = nil
	named := make(mentions[string])
	for _, g := range req.Groups {
		if named.tooMany(g) {
			continue
		}
		if a.allowed(r.Conn, mayDescribe, onGroup, g) {
			ask.Groups = append(ask.Groups, g)
			continue
		}
		out := kmsg.NewDescribeGroupsResponseGroup()
		out.Group, out.ErrorCode = g, kerr.GroupAuthorizationFailed.Code
		resp.Groups = append(resp.Groups, out)
	}
	if len(ask.Groups) == 0 {
		return resp
	}
	for _, g := range a.cfg.Groups.DescribeGroups(ctx, &ask).Groups {
		if r.Version >= 6 && g.ErrorCode == 0 && g.State == "Dead" {
			message := "Group " + g.Group + " not found."
			g.ErrorCode, g.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		}
		g.AuthorizedOperations = noOperations
		if r.Version >= 3 && req.IncludeAuthorizedOperations && g.ErrorCode == 0 {
			g.AuthorizedOperations = a.operations(r.Conn, onGroup, g.Group)
		}
		resp.Groups = append(resp.Groups, g)
	}
	return resp
}

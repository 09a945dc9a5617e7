package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ListGroups (key 16, v0–v5) lists the groups this broker coordinates; v4+
// filters by state, v5+ by type. Whoever may describe the cluster sees all,
// others the groups they may describe.
func handleListGroups(a *API, ctx context.Context, r *Request, req *kmsg.ListGroupsRequest) kmsg.Response {
	resp := a.cfg.Groups.ListGroups(ctx, req)
	if a.clusterAllowed(r.Conn, mayDescribe) {
		return resp
	}
	visible := resp.Groups[:0]
	for _, g := range resp.Groups {
		if a.allowed(r.Conn, mayDescribe, onGroup, g.Group) {
			visible = append(visible, g)
		}
	}
	resp.Groups = visible
	return resp
}

package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteGroups (key 42, v0–v3) removes empty groups with their offsets:
// NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND. A group named twice is answered once.
func handleDeleteGroups(a *API, ctx context.Context, r *Request, req *kmsg.DeleteGroupsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	ask := *req
	ask.Groups = nil
	seen := make(map[string]bool, len(req.Groups))
	for _, g := range req.Groups {
		if seen[g] {
			continue
		}
		seen[g] = true
		if a.allowed(r.Conn, mayDelete, onGroup, g) {
			ask.Groups = append(ask.Groups, g)
			continue
		}
		out := kmsg.NewDeleteGroupsResponseGroup()
		out.Group, out.ErrorCode = g, kerr.GroupAuthorizationFailed.Code
		resp.Groups = append(resp.Groups, out)
	}
	if len(ask.Groups) > 0 {
		resp.Groups = append(resp.Groups, a.cfg.Groups.DeleteGroups(ctx, &ask).Groups...)
	}
	return resp
}

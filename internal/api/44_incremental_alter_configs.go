package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// IncrementalAlterConfigs (key 44, v0–v1) sets, deletes, appends to and
// subtracts from single overrides of topics, brokers ("" for all) and groups.
//
//   - Errors are per resource and nothing of a refused resource is changed; a
//     resource or key named twice is INVALID_REQUEST, a bad value or unknown key
//     INVALID_CONFIG.
//   - Append and subtract are for keys of type list.
func handleIncrementalAlterConfigs(a *API, ctx context.Context, r *Request, req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	changes := make([]ConfigChange, len(req.Resources))
	for i, in := range req.Resources {
		changes[i] = ConfigChange{Type: in.ResourceType, Name: in.ResourceName}
		for _, c := range in.Configs {
			changes[i].Ops = append(changes[i].Ops, ConfigOp{Op: c.Op, Key: c.Name, Value: c.Value})
		}
	}
	resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
	for i, err := range a.alterConfigs(ctx, r.Conn, changes, req.ValidateOnly) {
		out := kmsg.NewIncrementalAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = changes[i].Type, changes[i].Name
		out.ErrorCode, out.ErrorMessage = a.wireCode(err), explain(err)
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/confkey"
)

// AlterConfigs (key 33, v0–v2) replaces all overrides of topics, brokers and
// groups: what is not named goes back to its default. Old clients only; see
// IncrementalAlterConfigs. Loggers are INVALID_REQUEST.
func handleAlterConfigs(a *API, ctx context.Context, r *Request, req *kmsg.AlterConfigsRequest) kmsg.Response {
	changes := make([]ConfigChange, len(req.Resources))
	for i, in := range req.Resources {
		changes[i] = ConfigChange{Type: in.ResourceType, Name: in.ResourceName, Replace: true}
		for _, c := range in.Configs {
			changes[i].Ops = append(changes[i].Ops, ConfigOp{Op: kmsg.IncrementalAlterConfigOpSet, Key: c.Name, Value: c.Value})
		}
	}
	resp := kmsg.NewPtrAlterConfigsResponse()
	for i, err := range a.alterConfigs(ctx, r.Conn, changes, req.ValidateOnly) {
		out := kmsg.NewAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = changes[i].Type, changes[i].Name
		out.ErrorCode, out.ErrorMessage = a.wireCode(err), explain(err)
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// alterConfigs checks what only the request can tell and hands the rest to the
// controller. The results are in the order of changes.
func (a *API) alterConfigs(ctx context.Context, c *Conn, changes []ConfigChange, validateOnly bool) []error {
	results := make([]error, len(changes))
	type resource struct {
		kind kmsg.ConfigResourceType
		name string
	}
	count := make(map[resource]int)
	for _, ch := range changes {
		count[resource{ch.Type, ch.Name}]++
	}
	var ask []ConfigChange
	var at []int
	for i, ch := range changes {
		switch err := a.alterable(c, ch); {
		case count[resource{ch.Type, ch.Name}] > 1:
			results[i] = withMessage(kerr.InvalidRequest, "Each resource must appear at most once.")
		case err != nil:
			results[i] = err
		default:
			ask, at = append(ask, ch), append(at, i)
		}
	}
	if len(ask) == 0 {
		return results
	}
	ctx, cancel := withTimeout(ctx, alterConfigsTimeoutMs)
	defer cancel()
	for i, err := range a.cfg.Controller.AlterConfigs(ctx, ask, validateOnly) {
		results[at[i]] = err
	}
	return results
}

// alterConfigsTimeoutMs stands in for the time-out these requests do not have.
const alterConfigsTimeoutMs = 30_000

// alterable refuses resources and operations that can't be, before anything
// about existing resources is told.
func (a *API) alterable(c *Conn, ch ConfigChange) error {
	if err := a.configAllowed(c, mayAlterConfigs, ch.Type, ch.Name); err != nil {
		return err
	}
	if ch.Type == kmsg.ConfigResourceTypeBrokerLogger {
		return a.refuseLogger(ch)
	}
	if ch.Type == kmsg.ConfigResourceTypeTopic && ch.Name == "" {
		return withMessage(kerr.InvalidRequest, "there are no settings for all topics: the name is empty")
	}
	if _, err := a.configResource(ch.Type, ch.Name); err != nil {
		return err
	}
	seen := make(map[string]bool, len(ch.Ops))
	for _, op := range ch.Ops {
		switch {
		case seen[op.Key]:
			return withMessage(kerr.InvalidRequest, "Error due to duplicate config keys")
		case op.Value == nil && op.Op != kmsg.IncrementalAlterConfigOpDelete:
			return withMessage(kerr.InvalidRequest, "Null value not supported for : %s", op.Key)
		case op.Op < kmsg.IncrementalAlterConfigOpSet || op.Op > kmsg.IncrementalAlterConfigOpSubtract:
			return withMessage(kerr.InvalidRequest, "Unknown operation type %d for %s", int8(op.Op), op.Key)
		case op.Op >= kmsg.IncrementalAlterConfigOpAppend && !isList(ch.Type, op.Key):
			return withMessage(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.", op.Op, op.Key)
		}
		seen[op.Key] = true
	}
	return nil
}

// isList reports whether a key takes several values; unknown keys are the
// controller's to refuse.
func isList(kind kmsg.ConfigResourceType, name string) bool {
	find := confkey.Topic
	switch kind {
	case kmsg.ConfigResourceTypeBroker:
		find = confkey.Broker
	case kmsg.ConfigResourceTypeGroupConfig:
		find = confkey.Group
	}
	k, ok := find(name)
	return !ok || k.Type == confkey.List
}

func (a *API) refuseLogger(ch ConfigChange) error {
	if err := a.checkBrokerName(ch.Name, ""); err != nil {
		return err
	}
	for _, op := range ch.Ops {
		if op.Key != rootLogger {
			return withMessage(kerr.InvalidConfig, "Logger %s does not exist!", op.Key)
		}
	}
	return withMessage(kerr.InvalidRequest, "The log level is set when the broker starts.")
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/confkey"
)

func (a *app) alterConfigs(ctx context.Context, e configEntity, names []string, ch configChange) error {
	ops, err := ch.operations()
	if err != nil {
		return err
	}
	return a.admin(ctx, func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
		if err := checkDeleted(ctx, cl, e, names, ch.remove); err != nil {
			return err
		}
		out := alterEach(ctx, cl, e, names, ops, ch.dryRun)
		return a.report(out, func(o outcome) string {
			if ch.dryRun {
				return fmt.Sprintf("The change to %s %s would be accepted.", e.name, o.Name)
			}
			return fmt.Sprintf("Changed %s of %s %s.", count(len(ops), "setting"), e.name, o.Name)
		})
	})
}

// alterEach sends the change and says what became of it for each name.
func alterEach(ctx context.Context, cl *kgo.Client, e configEntity, names []string, ops []kmsg.IncrementalAlterConfigsRequestResourceConfig, dryRun bool) []outcome {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.ValidateOnly = dryRun
	for _, name := range names {
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.Configs = e.kind, e.resource(name), ops
		req.Resources = append(req.Resources, r)
	}
	var out []outcome
	result := func(resource string, err error, message string) {
		err = explain(err, message, e.named([]string{resource}))
		out = append(out, outcome{Name: cmp.Or(resource, clusterDefault), Done: err == nil && !dryRun, Reason: dryRunReason(dryRun, err), err: err})
	}
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			for _, name := range resourceNames(shard.Req) {
				result(name, shard.Err, "")
			}
			continue
		}
		for _, r := range shard.Resp.(*kmsg.IncrementalAlterConfigsResponse).Resources {
			result(r.ResourceName, kerr.ErrorForCode(r.ErrorCode), deref(r.ErrorMessage))
		}
	}
	return outcomesInOrder(names, out)
}

// checkDeleted refuses to delete settings that do not exist: a broker answers
// that this was done, and a misspelled name would stay unnoticed. What this
// version does not know can still be deleted where it is set.
func checkDeleted(ctx context.Context, cl *kgo.Client, e configEntity, names, keys []string) error {
	var first error
	unknown := map[string]bool{}
	for _, key := range keys {
		if err := unknownKey(e, key); err != nil {
			first = cmp.Or(first, err)
			unknown[key] = true
		}
	}
	if first == nil {
		return nil
	}
	resources, err := describeConfigs(ctx, cl, e, names)
	if err != nil {
		return err
	}
	for _, r := range resources {
		for _, c := range r.Configs {
			delete(unknown, c.Name)
		}
	}
	for _, key := range keys {
		if unknown[key] {
			return unknownKey(e, key)
		}
	}
	return nil
}

// unknownKey is nil for a key that settings of the kind can have.
func unknownKey(e configEntity, key string) error {
	unknown, ok := errors.AsType[*confkey.UnknownError](confkey.Check(e.scope(), key, ""))
	switch {
	case !ok:
		return nil
	case unknown.Reason != "":
		return usagef("there is no %s setting %s (%s)", e.name, key, unknown.Reason)
	case unknown.Nearest != "":
		return usagef("there is no %s setting %s (did you mean %s?)", e.name, key, unknown.Nearest)
	}
	return usagef("there is no %s setting %s; see: milena config docs --scope %s", e.name, key, e.name)
}

package controller

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// ConfigChange changes the overrides of one resource.
type ConfigChange struct {
	Type kmsg.ConfigResourceType // topic, broker or group
	Name string                  // a broker's id, or "" for all brokers
	// Replace makes Ops the complete new set (AlterConfigs); every Op is a set.
	Replace bool
	Ops     []ConfigOp
}

// ConfigOp is one key of a ConfigChange.
type ConfigOp struct {
	Op    kmsg.IncrementalAlterConfigOp
	Key   string
	Value *string // nil only for delete
}

// Kafka's bounds.
const (
	maxConfigValueBytes = 32767
	maxRecordsPerChange = 10_000
)

// AlterConfigs changes configuration overrides, by complete replacement or key
// by key; one result per change. Each resource changes completely or not at all.
func (c *Controller) AlterConfigs(ctx context.Context, changes []ConfigChange, validateOnly bool) []error {
	return c.each(ctx, len(changes), validateOnly, func(img *metadata.Image) decideOne {
		seen := map[metadata.Resource]int{}
		for i := range changes {
			seen[changes[i].resource()]++
		}
		return func(i int) ([]*metapb.Record, error) {
			if seen[changes[i].resource()] > 1 {
				return nil, failure(kerr.InvalidRequest, "Each resource must appear at most once.")
			}
			records, err := c.alter(img, &changes[i])
			if err == nil && changes[i].resource().Type == metadata.ResourceBroker {
				img = c.preview(img, records) // what a broker ends up with comes from two resources
			}
			return records, err
		}
	})
}

func (ch *ConfigChange) resource() metadata.Resource {
	return metadata.Resource{Type: metadata.ResourceType(ch.Type), Name: ch.Name}
}

func (c *Controller) alter(img *metadata.Image, ch *ConfigChange) ([]*metapb.Record, error) {
	scope, err := resourceScope(img, ch)
	if err != nil {
		return nil, err
	}
	if err := checkOps(ch); err != nil {
		return nil, err
	}
	old := img.Overrides(ch.resource())
	next, err := applyOps(scope, old, ch)
	if err != nil {
		return nil, err
	}
	changed := changedKeys(old, next)
	if len(changed) > maxRecordsPerChange {
		return nil, failure(kerr.PolicyViolation, "Unable to perform excessively large batch operation.")
	}
	set := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { _, kept := next[key]; return !kept })
	switch scope {
	case confkey.ScopeTopic:
		err = c.checkTopicConfigs(next, set)
	case confkey.ScopeBroker:
		if err = checkBrokerConfigs(next, set, ch.Name == ""); err == nil {
			err = c.checkStillReachable(img, ch, next, changed)
		}
	default:
		err = checkKeys(scope, kerr.InvalidConfig, next, set)
	}
	if err != nil {
		return nil, err
	}
	return configRecords(ch.resource(), next, changed), nil
}

func configRecords(r metadata.Resource, next map[string]string, changed []string) (records []*metapb.Record) {
	for _, key := range changed {
		rec := &metapb.Config{ResourceType: int32(r.Type), ResourceName: r.Name, Key: key}
		if v, kept := next[key]; kept {
			rec.Value = &v
		}
		records = append(records, metadata.Record(rec))
	}
	return records
}

// checkOps refuses what no resource may be asked for.
func checkOps(ch *ConfigChange) error {
	seen := map[string]bool{}
	var null []string
	for _, op := range ch.Ops {
		if seen[op.Key] {
			return failure(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[op.Key] = true
		if op.Op < kmsg.IncrementalAlterConfigOpSet || op.Op > kmsg.IncrementalAlterConfigOpSubtract {
			return failure(kerr.InvalidRequest, "Unknown operations type %d", int8(op.Op))
		}
		if op.Value == nil && (ch.Replace || op.Op != kmsg.IncrementalAlterConfigOpDelete) {
			null = append(null, op.Key)
		}
	}
	if len(null) > 0 {
		return failure(kerr.InvalidRequest, "Null value not supported for : %s", strings.Join(null, ","))
	}
	return nil
}

// applyOps computes the overrides after a change. old is not touched.
func applyOps(scope confkey.Scope, old map[string]string, ch *ConfigChange) (map[string]string, error) {
	next := map[string]string{}
	if !ch.Replace {
		maps.Copy(next, old)
	}
	for _, op := range ch.Ops {
		switch {
		case ch.Replace || op.Op == kmsg.IncrementalAlterConfigOpSet:
			next[op.Key] = *op.Value
		case op.Op == kmsg.IncrementalAlterConfigOpDelete:
			delete(next, op.Key)
		default:
			value, err := alterList(scope, op, next)
			if err != nil {
				return nil, err
			}
			next[op.Key] = value
		}
	}
	return next, nil
}

// alterList appends to or subtracts from a list; a list that is not set starts
// from its default.
func alterList(scope confkey.Scope, op ConfigOp, current map[string]string) (string, error) {
	k := findKey(scope, op.Key)
	if k == nil || k.Type != confkey.List {
		return "", failure(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.",
			map[bool]string{true: "APPEND", false: "SUBTRACT"}[op.Op == kmsg.IncrementalAlterConfigOpAppend], op.Key)
	}
	value, set := current[op.Key]
	if !set {
		value = k.Default
	}
	items := splitList(value)
	for _, item := range splitList(*op.Value) {
		i := slices.Index(items, item)
		switch {
		case op.Op == kmsg.IncrementalAlterConfigOpAppend && i < 0:
			items = append(items, item)
		case op.Op == kmsg.IncrementalAlterConfigOpSubtract && i >= 0:
			items = slices.Delete(items, i, i+1)
		}
	}
	return strings.Join(items, ","), nil
}

func splitList(value string) (out []string) {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// changedKeys lists, in order, the keys whose value differs, appears or goes.
func changedKeys(old, next map[string]string) []string {
	var keys []string
	for key, v := range next {
		if was, had := old[key]; !had || was != v {
			keys = append(keys, key)
		}
	}
	for key := range old {
		if _, kept := next[key]; !kept {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

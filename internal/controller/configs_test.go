package controller

import (
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	set      = kmsg.IncrementalAlterConfigOpSet
	del      = kmsg.IncrementalAlterConfigOpDelete
	add      = kmsg.IncrementalAlterConfigOpAppend
	subtract = kmsg.IncrementalAlterConfigOpSubtract
)

func op(o kmsg.IncrementalAlterConfigOp, key, value string) ConfigOp {
	return ConfigOp{Op: o, Key: key, Value: &value}
}

func null(o kmsg.IncrementalAlterConfigOp, key string) ConfigOp { return ConfigOp{Op: o, Key: key} }

func onTopic(ops ...ConfigOp) ConfigChange {
	return ConfigChange{Type: kmsg.ConfigResourceTypeTopic, Name: "t", Ops: ops}
}

func onBroker(name string, ops ...ConfigOp) ConfigChange {
	return ConfigChange{Type: kmsg.ConfigResourceTypeBroker, Name: name, Ops: ops}
}

func replace(c ConfigChange) ConfigChange { c.Replace = true; return c }

// Each case changes the outcome of the one before it.
func TestAlterConfigsStory(t *testing.T) {
	r := newRig(t)
	r.register(1)
	r.create(simple("t"))
	long := strings.Repeat("x", maxConfigValueBytes+1)
	cases := []struct {
		what   string
		change ConfigChange
		code   *kerr.Error
		text   string
		want   map[string]string // overrides of the resource afterwards
	}{
		{"set", onTopic(op(set, "retention.ms", "1000"), op(set, "cleanup.policy", "compact")), nil, "", map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"}},
		{"append", onTopic(op(add, "cleanup.policy", "delete,compact")), nil, "", map[string]string{"retention.ms": "1000", "cleanup.policy": "compact,delete"}},
		{"subtract", onTopic(op(subtract, "cleanup.policy", "compact, nothing")), nil, "", map[string]string{"retention.ms": "1000", "cleanup.policy": "delete"}},
		{"delete", onTopic(null(del, "cleanup.policy"), null(del, "never.set")), nil, "", map[string]string{"retention.ms": "1000"}},
		{"append to the default", onTopic(op(add, "cleanup.policy", "compact")), nil, "", map[string]string{"retention.ms": "1000", "cleanup.policy": "delete,compact"}},
		{"append to a number", onTopic(op(add, "retention.ms", "1")), kerr.InvalidConfig, "Can't APPEND to key retention.ms because its type is not LIST.", nil},
		{"subtract from a number", onTopic(op(subtract, "retention.ms", "1")), kerr.InvalidConfig, "Can't SUBTRACT to key retention.ms", nil},
		{"null", onTopic(null(set, "retention.ms"), null(add, "cleanup.policy")), kerr.InvalidRequest, "Null value not supported for : retention.ms,cleanup.policy", nil},
		{"twice", onTopic(op(set, "retention.ms", "1"), null(del, "retention.ms")), kerr.InvalidRequest, "Error due to duplicate config keys", nil},
		{"operation", onTopic(op(7, "retention.ms", "1")), kerr.InvalidRequest, "Unknown operations type 7", nil},
		{"unknown", onTopic(op(set, "retention.mz", "1")), kerr.InvalidConfig, "Unknown topic config name: retention.mz", nil},
		{"bad value", onTopic(op(set, "retention.ms", "-5")), kerr.InvalidConfig, "retention.ms", nil},
		{"long value", onTopic(op(set, "retention.ms", long)), kerr.InvalidConfig, "maximum value size of 32767 bytes", nil},
		{"conflict", onTopic(op(set, "min.compaction.lag.ms", "9"), op(set, "max.compaction.lag.ms", "3")), kerr.InvalidConfig, "conflict topic config setting", nil},
		{"replace", replace(onTopic(op(set, "segment.bytes", "1048576"))), nil, "", map[string]string{"segment.bytes": "1048576"}},
		{"replace with null", replace(onTopic(null(del, "segment.bytes"))), kerr.InvalidRequest, "Null value", nil},
		{"replace by nothing", replace(onTopic()), nil, "", nil},
		{"no such topic", ConfigChange{Type: kmsg.ConfigResourceTypeTopic, Name: "nope", Ops: []ConfigOp{op(set, "retention.ms", "1")}}, kerr.UnknownTopicOrPartition, "The topic 'nope' does not exist.", nil},
		{"all topics", ConfigChange{Type: kmsg.ConfigResourceTypeTopic}, kerr.InvalidRequest, "Default topic resources are not allowed.", nil},
		{"bad topic", ConfigChange{Type: kmsg.ConfigResourceTypeTopic, Name: "a b"}, kerr.InvalidTopicException, "", nil},

		{"broker", onBroker("1", op(set, "message.max.bytes", "5000")), nil, "", map[string]string{"message.max.bytes": "5000"}},
		{"all brokers", onBroker("", op(set, "message.max.bytes", "6000")), nil, "", map[string]string{"message.max.bytes": "6000"}},
		{"read-only", onBroker("1", op(set, "num.partitions", "2"), op(set, "broker.rack", "x"), op(set, "message.max.bytes", "1")), kerr.InvalidRequest, "Cannot update these configs dynamically: [broker.rack, num.partitions]", nil},
		{"listeners", onBroker("1", op(set, "listeners", "PLAINTEXT://:9093")), kerr.InvalidRequest, "Cannot update these configs dynamically: [listeners]", nil},
		{"per broker", onBroker("", op(set, "cordoned.log.dirs", "/x")), kerr.InvalidRequest, "broker id must be specified", nil},
		{"unknown broker key", onBroker("1", op(set, "message.max.byte", "1")), kerr.InvalidRequest, "message.max.bytes", nil},
		{"bad broker value", onBroker("1", op(set, "message.max.bytes", "many")), kerr.InvalidRequest, "message.max.bytes", nil},
		{"no retention", onBroker("", op(set, "log.retention.ms", "0")), kerr.InvalidRequest, "at least 1", nil},
		{"no connections", onBroker("", op(set, "max.connections", "0")), kerr.InvalidRequest, "at least 1", nil},
		{"nobody may connect", onBroker("", op(set, "max.connections.per.ip", "0")), kerr.InvalidRequest, "Nobody could connect", nil},
		{"nobody may connect to one", onBroker("1", op(set, "max.connections.per.ip", "0")), kerr.InvalidRequest, "Nobody could connect", nil},
		{"removing read-only", onBroker("1", null(del, "num.partitions")), nil, "", map[string]string{"message.max.bytes": "5000"}},
		{"no such broker", onBroker("7"), kerr.BrokerIDNotRegistered, "No node with id 7 found.", nil},
		{"not a number", onBroker("one"), kerr.InvalidRequest, "Unable to parse broker name as a base 10 number.", nil},
		{"negative", onBroker("-1"), kerr.InvalidRequest, "Invalid negative broker ID.", nil},
		{"another spelling", onBroker("01"), kerr.InvalidRequest, "", nil},

		{"group", ConfigChange{Type: kmsg.ConfigResourceTypeGroupConfig, Name: "g", Ops: []ConfigOp{op(set, "consumer.session.timeout.ms", "50000")}}, nil, "", map[string]string{"consumer.session.timeout.ms": "50000"}},
		{"group key", ConfigChange{Type: kmsg.ConfigResourceTypeGroupConfig, Name: "g", Ops: []ConfigOp{op(set, "retention.ms", "50000")}}, kerr.InvalidConfig, "retention.ms", nil},
		{"all groups", ConfigChange{Type: kmsg.ConfigResourceTypeGroupConfig}, kerr.InvalidRequest, "Default group resources are not allowed.", nil},
		{"loggers", ConfigChange{Type: kmsg.ConfigResourceTypeBrokerLogger, Name: "1"}, kerr.InvalidRequest, "Unknown resource type 8", nil},
	}
	for _, c := range cases {
		before := r.store.Current()
		checked := r.AlterConfigs(t.Context(), []ConfigChange{c.change}, true)[0]
		expect(t, c.what+" (validate only)", checked, c.code, c.text)
		if r.store.Current() != before {
			t.Errorf("%s: validate only changed something", c.what)
		}
		expect(t, c.what, r.AlterConfigs(t.Context(), []ConfigChange{c.change}, false)[0], c.code, c.text)
		after := r.store.Current()
		if c.code != nil {
			if after != before {
				t.Errorf("%s: refused, but something was committed", c.what)
			}
			continue
		}
		if got := after.Overrides(c.change.resource()); !maps.Equal(got, c.want) {
			t.Errorf("%s: overrides %v, want %v", c.what, got, c.want)
		}
	}
}

// Nobody may take away the last address that can still connect.
func TestSomebodyMayAlwaysConnect(t *testing.T) {
	r := newRig(t)
	r.register(1)
	const perIP, overrides = "max.connections.per.ip", "max.connections.per.ip.overrides"
	for _, c := range []struct {
		what   string
		change ConfigChange
		code   *kerr.Error
	}{
		{"none of nobody", onBroker("", op(set, perIP, "0"), op(set, overrides, ",")), kerr.InvalidRequest},
		{"none of one", onBroker("", op(set, perIP, "0"), op(set, overrides, "10.0.0.1:0")), kerr.InvalidRequest},
		{"some may", onBroker("", op(set, perIP, "0"), op(set, overrides, "10.0.0.1:5")), nil},
		{"no longer", onBroker("", null(del, overrides)), kerr.InvalidRequest},
		{"not to this broker", onBroker("1", op(set, overrides, "")), kerr.InvalidRequest},
		{"others to this broker", onBroker("1", op(set, overrides, "10.0.0.2:5")), nil},
		{"so the first are not needed", onBroker("", null(del, overrides)), nil},
		{"but these are", onBroker("1", null(del, overrides)), kerr.InvalidRequest},
		{"everybody again", onBroker("", null(del, perIP)), nil},
		{"so they are not needed", onBroker("1", null(del, overrides)), nil},
	} {
		expect(t, c.what, r.AlterConfigs(t.Context(), []ConfigChange{c.change}, false)[0], c.code, "")
	}
	got := r.AlterConfigs(t.Context(), []ConfigChange{
		onBroker("", op(set, perIP, "0"), op(set, overrides, "10.0.0.1:5")), onBroker("1", op(set, overrides, "")),
	}, false)
	expect(t, "some may", got[0], nil, "")
	expect(t, "but not to this broker, in the same request", got[1], kerr.InvalidRequest, "")
}

func TestAlterConfigsOfManyResources(t *testing.T) {
	r := newRig(t)
	r.register(1)
	r.create(simple("t"))
	ok := onBroker("1", op(set, "message.max.bytes", "5000"))
	bad := onTopic(op(set, "retention.ms", "x"), op(set, "segment.bytes", "1048576"))
	other := onBroker("")
	got := r.AlterConfigs(t.Context(), []ConfigChange{ok, bad, other, other}, false)
	expect(t, "good", got[0], nil, "")
	expect(t, "bad", got[1], kerr.InvalidConfig, "")
	expect(t, "twice", got[2], kerr.InvalidRequest, "Each resource must appear at most once.")
	expect(t, "twice", got[3], kerr.InvalidRequest, "Each resource must appear at most once.")
	if img := r.store.Current(); img.TopicOverrides("t") != nil || img.BrokerOverrides(1)["message.max.bytes"] != "5000" {
		t.Errorf("a resource must change completely or not at all: %v", img.TopicOverrides("t"))
	}
	// What is set already is not written again.
	index := r.store.Current().Index()
	expect(t, "again", r.AlterConfigs(t.Context(), []ConfigChange{ok}, false)[0], nil, "")
	if r.store.Current().Index() != index {
		t.Error("an unchanged value was committed")
	}
}

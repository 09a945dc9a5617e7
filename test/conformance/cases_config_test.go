package conformance

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topicResource  = kmsg.ConfigResourceTypeTopic
	brokerResource = kmsg.ConfigResourceTypeBroker
	loggerResource = kmsg.ConfigResourceTypeBrokerLogger
	clientResource = kmsg.ConfigResourceType(16)
	groupResource  = kmsg.ConfigResourceType(32)
)

// describeConfigs asks for some keys; no keys at all is everything.
func describeConfigs(kind kmsg.ConfigResourceType, name string, keys ...string) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kind, name, keys
	req.Resources, req.IncludeSynonyms, req.IncludeDocumentation = append(req.Resources, r), true, true
	return req
}

// alter replaces all settings, the old way. A value of "null" is null.
func alter(kind kmsg.ConfigResourceType, name string, configs ...string) *kmsg.AlterConfigsRequest {
	req := kmsg.NewPtrAlterConfigsRequest()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = configs[i], nullable(configs[i+1])
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	return req
}

func nullable(value string) *string {
	if value == "null" {
		return nil
	}
	return &value
}

// change is one incremental operation: set, delete, append, subtract.
type change struct {
	op          kmsg.IncrementalAlterConfigOp
	name, value string
}

func incremental(kind kmsg.ConfigResourceType, name string, changes ...change) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	for _, ch := range changes {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = ch.name, ch.op, nullable(ch.value)
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	return req
}

const (
	set      = kmsg.IncrementalAlterConfigOpSet
	remove   = kmsg.IncrementalAlterConfigOpDelete
	add      = kmsg.IncrementalAlterConfigOpAppend
	subtract = kmsg.IncrementalAlterConfigOpSubtract
)

// configured waits until a topic setting has its value.
func (s *script) configured(t topic, name, value string) {
	s.untilAt(describeConfigs(topicResource, t.name, name), 4, func(r kmsg.Response) bool {
		c := r.(*kmsg.DescribeConfigsResponse).Resources[0].Configs
		return len(c) == 1 && c[0].Value != nil && *c[0].Value == value
	})
}

// brokerKeys are broker settings whose description is compared one by one.
var brokerKeys = []string{
	"node.id", "num.network.threads", "log.retention.hours", "log.retention.ms", "log.segment.bytes", "message.max.bytes", "compression.type", "auto.create.topics.enable",
	"num.partitions", "default.replication.factor", "min.insync.replicas", "log.cleanup.policy", "offsets.retention.minutes", "group.initial.rebalance.delay.ms", "offsets.topic.num.partitions",
	"log.message.timestamp.type", "ssl.keystore.password", "broker.rack", "delete.topic.enable", "connections.max.idle.ms", "log.flush.interval.messages", "fetch.max.bytes",
	"transaction.max.timeout.ms", "controlled.shutdown.enable", "log.cleaner.threads", "max.connections", "group.min.session.timeout.ms", "sasl.enabled.mechanisms", "producer.id.expiration.ms", "log.preallocate",
}

var configScenarios = []scenario{
	{name: "describe configs, topic", key: kmsg.DescribeConfigs, run: func(s *script) {
		t := s.topic("t", 1, "retention.ms", "1000", "cleanup.policy", "compact,delete")
		s.ask("all", describeConfigs(topicResource, t.name))
		s.ask("some", describeConfigs(topicResource, t.name, "retention.ms", "segment.bytes"))
		s.ask("unknown key", describeConfigs(topicResource, t.name, "no.such.key"))
		s.ask("a key twice", describeConfigs(topicResource, t.name, "retention.ms", "retention.ms"))
		empty := describeConfigs(topicResource, t.name)
		empty.Resources[0].ConfigNames = []string{}
		s.ask("no keys", empty)
		bare := describeConfigs(topicResource, t.name, "retention.ms", "segment.bytes")
		bare.IncludeSynonyms, bare.IncludeDocumentation = false, false
		s.ask("bare", bare)
		s.ask("unknown topic", describeConfigs(topicResource, s.name("missing")))
		s.ask("bad name", describeConfigs(topicResource, "a/b"))
		s.ask("empty name", describeConfigs(topicResource, ""))
		twice := describeConfigs(topicResource, t.name, "retention.ms")
		twice.Resources = append(twice.Resources, describeConfigs(topicResource, s.name("missing")).Resources...)
		twice.Resources = append(twice.Resources, twice.Resources[0])
		s.ask("several resources", twice)
		none := describeConfigs(topicResource, t.name)
		none.Resources = nil
		s.ask("no resources", none)
	}},
	{name: "describe configs, broker", key: kmsg.DescribeConfigs, run: func(s *script) {
		for _, key := range brokerKeys {
			s.ask(key, describeConfigs(brokerResource, "1", key))
		}
		s.ask("unknown key", describeConfigs(brokerResource, "1", "no.such.key"))
		s.ask("unknown broker", describeConfigs(brokerResource, "9"))
		s.ask("not a number", describeConfigs(brokerResource, "one"))
		s.ask("negative", describeConfigs(brokerResource, "-1"))
		s.ask("cluster", describeConfigs(brokerResource, "", "log.retention.ms"))
		s.ask("unknown logger broker", describeConfigs(loggerResource, "9"))
		s.ask("logger, not a number", describeConfigs(loggerResource, "x"))
	}},
	{name: "describe configs, others", key: kmsg.DescribeConfigs, run: func(s *script) {
		s.ask("group", describeConfigs(groupResource, s.name("g"), "consumer.session.timeout.ms"))
		s.ask("group without a name", describeConfigs(groupResource, ""))
		s.ask("client metrics", describeConfigs(clientResource, s.name("c")))
		s.ask("client metrics without a name", describeConfigs(clientResource, ""))
		for _, kind := range []kmsg.ConfigResourceType{0, 1, 3, 7, 64, -1} {
			s.ask(fmt.Sprintf("type %d", kind), describeConfigs(kind, "x"))
		}
	}},
	{name: "alter configs", key: kmsg.AlterConfigs, run: func(s *script) {
		t := s.topic("t", 1, "retention.ms", "1000")
		check := alter(topicResource, t.name, "segment.bytes", "2000000")
		check.ValidateOnly = true
		s.ask("only checked", check)
		s.ask("replaced", alter(topicResource, t.name, "segment.bytes", "2000000"))
		s.configured(t, "segment.bytes", "2000000")
		s.ask("described", describeConfigs(topicResource, t.name, "segment.bytes", "retention.ms"))
		for _, c := range badConfigs {
			s.ask("config "+strings.Join(c, "="), alter(topicResource, t.name, c...))
		}
		s.ask("cleared", alter(topicResource, t.name))
		s.ask("unknown topic", alter(topicResource, s.name("missing"), "retention.ms", "5"))
		s.ask("bad name", alter(topicResource, "a/b", "retention.ms", "5"))
		s.ask("empty name", alter(topicResource, "", "retention.ms", "5"))
		twice := alter(topicResource, t.name, "retention.ms", "5")
		twice.Resources = append(twice.Resources, twice.Resources[0])
		s.askInVain("a resource twice", twice)
		several := alter(topicResource, t.name, "retention.ms", "6")
		several.Resources = append(several.Resources, alter(topicResource, s.name("missing"), "retention.ms", "5").Resources...)
		s.ask("good and bad", several)
		none := alter(topicResource, t.name)
		none.Resources = nil
		s.ask("no resources", none)
		for _, kind := range []kmsg.ConfigResourceType{0, 1, 3, 64, -1} {
			s.ask(fmt.Sprintf("type %d", kind), alter(kind, "x", "a", "b"))
		}
	}},
	{name: "alter configs, broker", key: kmsg.AlterConfigs, run: func(s *script) {
		check := func(step, broker string, configs ...string) {
			r := alter(brokerResource, broker, configs...)
			r.ValidateOnly = true
			s.ask(step, r)
		}
		check("dynamic", "1", "log.retention.ms", "100000000")
		check("cluster", "", "log.retention.ms", "100000000")
		check("read-only", "1", "node.id", "7")
		check("read-only, cluster", "", "auto.create.topics.enable", "false")
		check("bad value", "1", "log.retention.ms", "x")
		check("unknown key", "1", "no.such.key", "x")
		check("unknown broker", "9", "log.retention.ms", "100000000")
		check("not a number", "x", "log.retention.ms", "100000000")
		check("null", "1", "log.retention.ms", "null")
		check("per broker for all", "", "advertised.listeners", "PLAINTEXT://x:1")
	}},
	{name: "incremental alter configs", key: kmsg.IncrementalAlterConfigs, run: func(s *script) {
		t := s.topic("t", 1, "cleanup.policy", "delete")
		ask := func(step string, changes ...change) { s.ask(step, incremental(topicResource, t.name, changes...)) }
		check := incremental(topicResource, t.name, change{set, "retention.ms", "5"})
		check.ValidateOnly = true
		s.ask("only checked", check)
		ask("set", change{set, "retention.ms", "1000000"}, change{set, "segment.bytes", "2000000"})
		ask("append", change{add, "cleanup.policy", "compact"})
		s.configured(t, "cleanup.policy", "delete,compact")
		ask("append again", change{add, "cleanup.policy", "compact"})
		ask("subtract", change{subtract, "cleanup.policy", "delete"})
		s.configured(t, "cleanup.policy", "compact")
		ask("subtract what is not there", change{subtract, "cleanup.policy", "delete"})
		ask("append a bad value", change{add, "cleanup.policy", "nothing"})
		ask("append to a number", change{add, "retention.ms", "5"})
		ask("subtract from a number", change{subtract, "retention.ms", "5"})
		ask("delete", change{remove, "retention.ms", "null"})
		ask("delete what is not set", change{remove, "flush.ms", "null"})
		ask("delete with a value", change{remove, "segment.bytes", "7"})
		ask("delete an unknown key", change{remove, "no.such.key", "null"})
		ask("set null", change{set, "retention.ms", "null"})
		ask("append null", change{add, "cleanup.policy", "null"})
		ask("a key twice", change{set, "retention.ms", "5"}, change{set, "retention.ms", "6"})
		ask("set and delete", change{set, "retention.ms", "5"}, change{remove, "retention.ms", "null"})
		ask("unknown operation", change{9, "retention.ms", "5"})
		ask("negative operation", change{-1, "retention.ms", "5"})
		ask("nothing")
		for _, c := range badConfigs {
			var changes []change
			for i := 0; i < len(c); i += 2 {
				changes = append(changes, change{set, c[i], c[i+1]})
			}
			r := incremental(topicResource, t.name, changes...)
			r.ValidateOnly = true
			s.ask("config "+strings.Join(c, "="), r)
		}
		ask("in the end", change{set, "retention.bytes", "77"})
		s.configured(t, "retention.bytes", "77")
		s.ask("described", describeConfigs(topicResource, t.name, "retention.ms", "segment.bytes", "cleanup.policy", "retention.bytes"))
		s.ask("unknown topic", incremental(topicResource, s.name("missing"), change{set, "retention.ms", "5"}))
		s.ask("bad name", incremental(topicResource, "a/b", change{set, "retention.ms", "5"}))
		twice := incremental(topicResource, t.name, change{set, "retention.ms", "5"})
		twice.Resources = append(twice.Resources, twice.Resources[0])
		s.ask("a resource twice", twice)
		none := incremental(topicResource, t.name)
		none.Resources = nil
		s.ask("no resources", none)
		for _, kind := range []kmsg.ConfigResourceType{0, 1, 3, 64, -1} {
			s.ask(fmt.Sprintf("type %d", kind), incremental(kind, "x", change{set, "a", "b"}))
		}
	}},
	{name: "incremental alter configs, broker", key: kmsg.IncrementalAlterConfigs, run: func(s *script) {
		check := func(step, broker string, changes ...change) {
			r := incremental(brokerResource, broker, changes...)
			r.ValidateOnly = true
			s.ask(step, r)
		}
		check("dynamic", "1", change{set, "log.retention.ms", "100000000"})
		check("cluster", "", change{set, "log.retention.ms", "100000000"})
		check("read-only", "1", change{set, "node.id", "7"})
		check("read-only, cluster", "", change{set, "auto.create.topics.enable", "false"})
		check("bad value", "1", change{set, "log.retention.ms", "x"})
		check("unknown key", "1", change{set, "no.such.key", "x"})
		check("unknown broker", "9", change{set, "log.retention.ms", "100000000"})
		check("not a number", "x", change{set, "log.retention.ms", "100000000"})
		check("append to a list", "", change{add, "log.cleanup.policy", "compact"})
		check("delete", "", change{remove, "log.retention.ms", "null"})
		groups := func(step, group string, changes ...change) {
			r := incremental(groupResource, group, changes...)
			r.ValidateOnly = true
			s.ask(step, r)
		}
		groups("group", s.name("g"), change{set, "consumer.session.timeout.ms", "50000"})
		groups("group, out of bounds", s.name("g"), change{set, "consumer.session.timeout.ms", "5"})
		groups("group, unknown key", s.name("g"), change{set, "no.such.key", "5"})
		groups("group without a name", "", change{set, "consumer.session.timeout.ms", "50000"})
	}},
	{name: "list config resources", key: kmsg.ListConfigResources, run: func(s *script) {
		s.topic("t", 1)
		listed := func(kinds ...int8) kmsg.Request {
			r := kmsg.NewPtrListConfigResourcesRequest()
			r.ResourceTypes = kinds
			return r
		}
		s.mine("all", listed())
		for _, k := range []int8{2, 4, 8, 16, 32, 0, 1, 64, -1} {
			s.mine(fmt.Sprintf("type %d", k), listed(k))
		}
		s.ask("brokers", listed(4))
		s.mine("two types", listed(2, 32))
	}},
}

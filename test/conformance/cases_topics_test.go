package conformance

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func createTopics(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.TimeoutMillis = topics, 10000
	return req
}

// newTopic describes a topic; configs are keys and values in turn, a value of
// "null" is null.
func newTopic(name string, partitions int32, replication int16, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replication
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		if configs[i+1] == "null" {
			c.Value = nil
		}
		t.Configs = append(t.Configs, c)
	}
	return t
}

// assigned is a topic with given replicas for each partition.
func assigned(name string, partitions map[int32][]int32) kmsg.CreateTopicsRequestTopic {
	t := newTopic(name, -1, -1)
	for p, replicas := range partitions {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = p, replicas
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	return t
}

// badConfigs are topic settings that are refused, and some that look so but are not.
var badConfigs = [][]string{
	{"no.such.config", "1"},
	{"retention.ms", "abc"},
	{"retention.ms", "-2"},
	{"retention.ms", "-1"},
	{"retention.ms", ""},
	{"retention.ms", "null"},
	{"retention.ms", " 5 "},
	{"retention.ms", "99999999999999999999"},
	{"cleanup.policy", "nothing"},
	{"cleanup.policy", ""},
	{"cleanup.policy", "compact, delete"},
	{"cleanup.policy", "compact,compact"},
	{"cleanup.policy", "none"},
	{"compression.type", "brotli"},
	{"compression.type", "GZIP"},
	{"compression.type", "none"},
	{"compression.gzip.level", "10"},
	{"compression.zstd.level", "-200000"},
	{"compression.lz4.level", "0"},
	{"segment.bytes", "13"},
	{"segment.bytes", "1048575"},
	{"segment.bytes", "3000000000"},
	{"min.insync.replicas", "0"},
	{"min.insync.replicas", "1.5"},
	{"min.cleanable.dirty.ratio", "1.5"},
	{"min.cleanable.dirty.ratio", "x"},
	{"message.timestamp.type", "createtime"},
	{"message.timestamp.type", "Now"},
	{"unclean.leader.election.enable", "yes"},
	{"unclean.leader.election.enable", "TRUE"},
	{"max.message.bytes", "-1"},
	{"max.message.bytes", "0"},
	{"min.compaction.lag.ms", "10", "max.compaction.lag.ms", "5"},
	{"max.compaction.lag.ms", "0"},
	{"local.retention.ms", "5"},
	{"local.retention.ms", "604800001"},
	{"remote.storage.enable", "true"},
	{"remote.storage.enable", "false"},
	{"message.format.version", "3.0"},
	{"message.downconversion.enable", "true"},
	{"leader.replication.throttled.replicas", "0:1"},
	{"leader.replication.throttled.replicas", "x"},
	{"leader.replication.throttled.replicas", "*"},
	{"", "1"},
	{"retention.ms", "1", "retention.ms", "2"},
	{"log.retention.ms", "5"},
	{"preallocate", "false"},
	{"flush.messages", "0"},
	{"flush.ms", "-1"},
	{"segment.ms", "0"},
	{"segment.jitter.ms", "-1"},
	{"index.interval.bytes", "-1"},
	{"segment.index.bytes", "3"},
	{"delete.retention.ms", "-1"},
	{"file.delete.delay.ms", "-1"},
	{"retention.bytes", "-5"},
	{"message.timestamp.after.max.ms", "-1"},
	{"message.timestamp.before.max.ms", "-1"},
	{"errors.deadletterqueue.group.enable", "true"},
}

func deleteTopics(topics ...topic) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 10000
	for _, t := range topics {
		req.TopicNames = append(req.TopicNames, t.name)
		one := kmsg.NewDeleteTopicsRequestTopic()
		one.TopicID = t.id
		if t.id == [16]byte{} {
			one.Topic = ptr(t.name)
		}
		req.Topics = append(req.Topics, one)
	}
	return req
}

// named is a topic without its id.
func named(name string) topic { return topic{name: name} }

func createPartitions(name string, count int32, replicas ...[]int32) *kmsg.CreatePartitionsRequest {
	req := kmsg.NewPtrCreatePartitionsRequest()
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = name, count
	for _, r := range replicas {
		a := kmsg.NewCreatePartitionsRequestTopicAssignment()
		a.Replicas = r
		t.Assignment = append(t.Assignment, a)
	}
	req.Topics, req.TimeoutMillis = append(req.Topics, t), 10000
	return req
}

var topicScenarios = []scenario{
	{name: "create topics", key: kmsg.CreateTopics, run: func(s *script) {
		s.ask("plain", createTopics(newTopic(s.name("plain"), 2, 1)))
		s.ask("exists", createTopics(newTopic(s.name("plain"), 2, 1)))
		s.ask("defaults", createTopics(newTopic(s.name("defaults"), -1, -1)))
		s.ask("no partitions", createTopics(newTopic(s.name("p0"), 0, 1)))
		s.ask("partitions -2", createTopics(newTopic(s.name("p2"), -2, 1)))
		s.ask("no replicas", createTopics(newTopic(s.name("r0"), 1, 0)))
		s.ask("replicas -2", createTopics(newTopic(s.name("r2"), 1, -2)))
		s.ask("more replicas than brokers", createTopics(newTopic(s.name("r3"), 1, 3)))
		s.ask("too many partitions", createTopics(newTopic(s.name("many"), 1<<30, 1)))
		s.ask("none", createTopics())
		same := newTopic(s.name("same"), 1, 1)
		s.ask("the same twice", createTopics(same, same))
		s.ask("good and bad", createTopics(newTopic(s.name("good"), 1, 1), newTopic(s.name("plain"), 1, 1), newTopic("a/b", 1, 1)))
		check := createTopics(newTopic(s.name("check"), 3, 1, "retention.ms", "5"))
		check.ValidateOnly = true
		s.ask("only checked", check)
		s.ask("only checked again", check)
		check = createTopics(newTopic(s.name("check"), -1, -1), newTopic(s.name("plain"), 1, 1))
		check.ValidateOnly = true
		s.ask("only checked defaults and existing", check)
		timeout := createTopics(newTopic(s.name("timeout"), 1, 1))
		timeout.TimeoutMillis = 0
		s.quiet(timeout) // whether it is in time is anybody's guess
	}},
	{name: "create topics, names", key: kmsg.CreateTopics, run: func(s *script) {
		for i, name := range []string{"", ".", "..", "a/b", "a b", "ä", strings.Repeat("x", 250), "a\x00", "a:b", "__consumer_offsets"} {
			s.ask(fmt.Sprintf("bad name %d", i), createTopics(newTopic(name, 1, 1)))
		}
		long := s.name("long")
		s.ask("longest name", createTopics(newTopic(long+strings.Repeat("x", 249-len(long)), 1, 1)))
		s.ask("dots", createTopics(newTopic(s.name("a.b"), 1, 1)))
		s.ask("collides", createTopics(newTopic(s.name("a_b"), 1, 1)))
		s.ask("collide with each other", createTopics(newTopic(s.name("c.d"), 1, 1), newTopic(s.name("c_d"), 1, 1)))
	}},
	{name: "create topics, assignments", key: kmsg.CreateTopics, run: func(s *script) {
		for step, replicas := range inOrder(map[string]map[int32][]int32{
			"good": {0: {1}, 1: {1}}, "unknown broker": {0: {9}}, "a gap": {0: {1}, 2: {1}}, "not from 0": {1: {1}}, "twice the same": {0: {1, 1}},
			"no replicas": {0: {}}, "negative broker": {0: {-1}}, "negative partition": {-1: {1}}, "uneven": {0: {1}, 1: {1, 9}},
		}) {
			s.ask(step, createTopics(assigned(s.name(strings.ReplaceAll(step, " ", "-")), replicas)))
		}
		both := assigned(s.name("both"), map[int32][]int32{0: {1}})
		both.NumPartitions = 1
		s.ask("with a count", createTopics(both))
		both.NumPartitions, both.ReplicationFactor = -1, 1
		s.ask("with a replication factor", createTopics(both))
		dup := assigned(s.name("dup"), map[int32][]int32{0: {1}})
		dup.ReplicaAssignment = append(dup.ReplicaAssignment, dup.ReplicaAssignment[0])
		s.ask("a partition twice", createTopics(dup))
	}},
	{name: "create topics, configs", key: kmsg.CreateTopics, run: func(s *script) {
		for i, c := range badConfigs {
			s.ask(strings.Join(c, "="), createTopics(newTopic(s.name(fmt.Sprintf("t%d", i)), 1, 1, c...)))
		}
	}},
	{name: "delete topics", key: kmsg.DeleteTopics, run: func(s *script) {
		t, u := s.topic("t", 1), s.topic("u", 1)
		s.ask("unknown", deleteTopics(s.noTopic()))
		s.ask("unknown name", deleteTopics(named(s.name("missing"))))
		s.ask("bad name", deleteTopics(named("a/b")))
		s.ask("empty name", deleteTopics(named("")))
		s.ask("none", deleteTopics())
		s.ask("twice", deleteTopics(t, t))
		s.ask("good and bad", deleteTopics(t, s.noTopic()))
		s.ask("by name", deleteTopics(named(u.name)))
		s.ask("again", deleteTopics(u))
		s.ask("again by name", deleteTopics(named(u.name)))
		again := s.topic("u", 1)
		s.ask("old id of a new topic", deleteTopics(topic{s.name("u2"), u.id}))
		s.ask("new id", deleteTopics(again))
	}},
	{name: "delete topics, odd", key: kmsg.DeleteTopics, from: 6, run: func(s *script) {
		t := s.topic("t", 1)
		both := deleteTopics(t)
		both.Topics[0].Topic = &t.name
		s.ask("name and id", both)
		neither := deleteTopics(t)
		neither.Topics[0].TopicID = [16]byte{}
		s.ask("neither", neither)
		s.ask("by name and by id", func() kmsg.Request {
			r := deleteTopics(t)
			r.Topics = append(r.Topics, deleteTopics(named(t.name)).Topics...)
			return r
		}())
		s.ask("exists", describeTopics(t.name))
	}},
	{name: "create partitions", key: kmsg.CreatePartitions, run: func(s *script) {
		t := s.topic("t", 2)
		s.ask("fewer", createPartitions(t.name, 1))
		s.ask("as many", createPartitions(t.name, 2))
		s.ask("none", createPartitions(t.name, 0))
		s.ask("negative", createPartitions(t.name, -1))
		s.ask("too many", createPartitions(t.name, 1<<30))
		check := createPartitions(t.name, 5)
		check.ValidateOnly = true
		s.ask("only checked", check)
		s.ask("more", createPartitions(t.name, 3))
		s.ask("with replicas", createPartitions(t.name, 4, []int32{1}))
		s.ask("too few assignments", createPartitions(t.name, 6, []int32{1}))
		s.ask("too many assignments", createPartitions(t.name, 5, []int32{1}, []int32{1}))
		s.ask("unknown broker", createPartitions(t.name, 5, []int32{9}))
		s.ask("two replicas", createPartitions(t.name, 5, []int32{1, 9}))
		s.ask("no replicas", createPartitions(t.name, 5, []int32{}))
		s.ask("unknown topic", createPartitions(s.name("missing"), 5))
		s.ask("bad name", createPartitions("a/b", 5))
		s.ask("internal topic", func() kmsg.Request { r := createPartitions("__consumer_offsets", 4); r.ValidateOnly = true; return r }())
		twice := createPartitions(t.name, 6)
		twice.Topics = append(twice.Topics, createPartitions(t.name, 7).Topics...)
		s.ask("twice", twice)
		none := createPartitions(t.name, 1)
		none.Topics = nil
		s.ask("no topics", none)
		s.settle(t, 4)
		s.ask("in the end", describeTopics(t.name))
	}},
}

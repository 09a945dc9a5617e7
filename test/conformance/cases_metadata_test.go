package conformance

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

func metadata(create bool, topics ...topic) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = create
	for _, t := range topics {
		one := kmsg.NewMetadataRequestTopic()
		one.Topic = ptr(t.name)
		req.Topics = append(req.Topics, one)
	}
	return req
}

// byID asks for topics by id alone.
func byID(topics ...topic) *kmsg.MetadataRequest {
	req := metadata(false)
	for _, t := range topics {
		one := kmsg.NewMetadataRequestTopic()
		one.TopicID = t.id
		req.Topics = append(req.Topics, one)
	}
	return req
}

func describeTopics(names ...string) *kmsg.DescribeTopicPartitionsRequest {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	for _, name := range names {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
	}
	req.ResponsePartitionLimit = 2000
	return req
}

func cursor(req *kmsg.DescribeTopicPartitionsRequest, limit int32, name string, partition int32) *kmsg.DescribeTopicPartitionsRequest {
	req.ResponsePartitionLimit = limit
	if name != "" {
		c := kmsg.NewDescribeTopicPartitionsRequestCursor()
		c.Topic, c.Partition = name, partition
		req.Cursor = &c
	}
	return req
}

var metadataScenarios = []scenario{
	{name: "metadata", key: kmsg.Metadata, run: func(s *script) {
		t, u := s.topic("t", 2), s.topic("u", 1)
		s.ask("two topics", metadata(false, t, u))
		s.ask("a topic twice", metadata(false, t, t))
		all := metadata(false)
		s.mine("null", all)
		all.Topics = []kmsg.MetadataRequestTopic{}
		s.mine("none", all)
		operations := metadata(false, t)
		operations.IncludeTopicAuthorizedOperations, operations.IncludeClusterAuthorizedOperations = true, true
		s.ask("authorized operations", operations)
		s.ask("bad name", metadata(true, named("a/b")))
		s.ask("empty name", metadata(true, named("")))
		s.ask("internal topic", metadata(false, named("__consumer_offsets")))
	}},
	{name: "metadata, missing topics", key: kmsg.Metadata, from: 4, run: func(s *script) {
		s.ask("not created", metadata(false, s.noTopic()))
		s.ask("bad name", metadata(false, named("a/b")))
		s.ask("good and bad", metadata(false, s.topic("t", 1), s.noTopic()))
	}},
	{name: "metadata, auto creation", key: kmsg.Metadata, run: func(s *script) {
		t := named(s.name("made"))
		s.ask("first", metadata(true, t))
		s.settle(t, 1)
		s.ask("then", metadata(true, t))
	}},
	{name: "metadata, ids", key: kmsg.Metadata, from: 12, run: func(s *script) {
		t := s.topic("t", 1)
		s.ask("known", byID(t))
		s.ask("unknown", byID(s.noTopic()))
		s.ask("both", byID(t, s.noTopic()))
		s.ask("zero id", byID(topic{}))
		idAndName := byID(t)
		idAndName.Topics[0].Topic = &t.name
		s.ask("id and name", idAndName)
		other := byID(t)
		other.Topics[0].Topic = ptr(s.name("other"))
		s.ask("id and other name", other)
		mixed := byID(t)
		mixed.Topics = append(mixed.Topics, metadata(false, t).Topics...)
		s.ask("one by id, one by name", mixed)
	}},
	{name: "metadata, ids too early", key: kmsg.Metadata, from: 10, run: func(s *script) {
		s.ask("null name", byID(s.topic("t", 1)))
	}},
	{name: "describe topic partitions", key: kmsg.DescribeTopicPartitions, run: func(s *script) {
		a, b := s.topic("a", 3), s.topic("b", 2)
		s.ask("two", describeTopics(a.name, b.name))
		s.ask("other order", describeTopics(b.name, a.name))
		s.ask("twice", describeTopics(a.name, a.name))
		s.ask("unknown", describeTopics(a.name, s.name("missing")))
		s.ask("bad name", describeTopics("a/b"))
		s.ask("empty name", describeTopics(""))
		s.ask("limit 1", cursor(describeTopics(a.name, b.name), 1, "", 0))
		s.ask("limit 3", cursor(describeTopics(a.name, b.name), 3, "", 0))
		s.ask("limit 4", cursor(describeTopics(a.name, b.name), 4, "", 0))
		s.ask("limit 0", cursor(describeTopics(a.name, b.name), 0, "", 0))
		s.ask("limit -1", cursor(describeTopics(a.name, b.name), -1, "", 0))
		s.ask("cursor", cursor(describeTopics(a.name, b.name), 2, a.name, 2))
		s.ask("cursor at the second", cursor(describeTopics(a.name, b.name), 9, b.name, 1))
		s.ask("cursor past the partitions", cursor(describeTopics(a.name, b.name), 9, a.name, 8))
		s.ask("cursor past the topics", cursor(describeTopics(a.name, b.name), 9, s.name("z"), 0))
		s.ask("negative cursor", cursor(describeTopics(a.name, b.name), 9, a.name, -1))
		s.ask("cursor at a deleted topic", cursor(describeTopics(a.name, b.name), 9, s.name("aa"), 1))
	}},
}

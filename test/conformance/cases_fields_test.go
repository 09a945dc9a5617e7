package conformance

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topic makes a topic of its own for a request that changes or deletes it.
func (f *fixture) topic() topic {
	f.count++
	return f.s.topic(f.next("made")[len(f.s.norm.prefix):], 1)
}

// committedGroup is a new group with one offset.
func (f *fixture) committedGroup() string {
	g := f.next("g")
	f.s.quietAt(simple(g).commit(1, f.t), 9)
	return g
}

func (f *fixture) member() member { return f.s.alone(join(f.next("g"), "")) }

// times are left out where Kafka's answer would depend on how fast it is.
const times = "TimeoutMillis"

// shared are groups that would be those of other scripts, too.
var shared = []string{"Group=dots", "Group=empty"}

var fieldTables = []fieldTable{
	{name: "produce", key: kmsg.Produce, skip: []string{times, "Acks=0", "Topics.Partitions.Records"}, vain: []string{"Topics=", "Topics.Partitions="}, base: func(f *fixture) kmsg.Request {
		return produce(f.t, 1, -1, f.s.plain("x"))
	}},
	{name: "fetch", key: kmsg.Fetch, base: func(f *fixture) kmsg.Request { return fetch(f.t, 0, 1) }},
	{name: "list offsets", key: kmsg.ListOffsets, skip: []string{times}, base: func(f *fixture) kmsg.Request {
		r := listOffsets(f.t, 0, -1)
		r.Topics[0].Partitions[0].CurrentLeaderEpoch = 0
		return r
	}},
	{name: "metadata", key: kmsg.Metadata, mine: true, base: func(f *fixture) kmsg.Request { return metadata(false, f.t) }},
	{name: "metadata by id", key: kmsg.Metadata, from: 12, mine: true, base: func(f *fixture) kmsg.Request { return byID(f.t) }},
	{name: "offset commit", key: kmsg.OffsetCommit, skip: shared, base: func(f *fixture) kmsg.Request { return simple(f.next("g")).commit(1, f.t) }},
	{name: "offset commit by a member", key: kmsg.OffsetCommit, skip: shared, base: func(f *fixture) kmsg.Request { return f.member().commit(1, f.t) }},
	{name: "offset fetch", key: kmsg.OffsetFetch, base: func(f *fixture) kmsg.Request { return committed(f.committedGroup(), f.t) }},
	{name: "find coordinator", key: kmsg.FindCoordinator, base: func(f *fixture) kmsg.Request { return findCoordinator(0, f.next("g")) }},
	{name: "join", key: kmsg.JoinGroup, skip: shared, vain: []string{"Protocols=twice"}, base: func(f *fixture) kmsg.Request {
		g := f.next("g")
		return join(g, f.s.reserve(g))
	}},
	{name: "heartbeat", key: kmsg.Heartbeat, base: func(f *fixture) kmsg.Request { return f.member().heartbeat() }},
	{name: "leave", key: kmsg.LeaveGroup, base: func(f *fixture) kmsg.Request { return f.member().leave() }},
	{name: "sync", key: kmsg.SyncGroup, base: func(f *fixture) kmsg.Request {
		m := f.s.enters(join(f.next("g"), ""))
		return m.sync(assign(m, "all"))
	}},
	{name: "describe groups", key: kmsg.DescribeGroups, base: func(f *fixture) kmsg.Request { return describe(f.member().group) }},
	{name: "list groups", key: kmsg.ListGroups, mine: true, base: func(f *fixture) kmsg.Request {
		if f.count == 0 {
			f.committedGroup()
		}
		return list([]string{"Empty"}, "classic")
	}},
	{name: "create topics", key: kmsg.CreateTopics, skip: []string{times}, base: func(f *fixture) kmsg.Request {
		return createTopics(newTopic(f.next("new"), 1, 1, "retention.ms", "1000"))
	}},
	{name: "create topics, assigned", key: kmsg.CreateTopics, skip: []string{times, "Validate", "Topics.Topic"}, base: func(f *fixture) kmsg.Request {
		return createTopics(assigned(f.next("new"), map[int32][]int32{0: {1}}))
	}},
	{name: "delete topics", key: kmsg.DeleteTopics, skip: []string{times}, base: func(f *fixture) kmsg.Request {
		t := f.topic()
		r := kmsg.NewPtrDeleteTopicsRequest()
		one := kmsg.NewDeleteTopicsRequestTopic()
		one.Topic = &t.name
		r.TopicNames, r.Topics, r.TimeoutMillis = []string{t.name}, append(r.Topics, one), 10000
		return r
	}},
	{name: "delete records", key: kmsg.DeleteRecords, skip: []string{times}, base: func(f *fixture) kmsg.Request { return deleteRecords(f.t, 0, 1) }},
	{name: "init producer id", key: kmsg.InitProducerID, skip: []string{"TransactionalID"}, base: func(f *fixture) kmsg.Request {
		if f.count == 0 {
			f.count++
			f.s.newProducer() // Kafka loads ids when the first is wanted
		}
		return initProducer(nil, 1000, -1, -1)
	}},
	{name: "end of epoch", key: kmsg.OffsetForLeaderEpoch, base: func(f *fixture) kmsg.Request { return epochEnd(f.t, 0, 0, 0) }},
	{name: "describe configs", key: kmsg.DescribeConfigs, base: func(f *fixture) kmsg.Request {
		return describeConfigs(topicResource, f.t.name, "retention.ms")
	}},
	{name: "alter configs", key: kmsg.AlterConfigs, vain: []string{"Resources=twice"}, base: func(f *fixture) kmsg.Request {
		return alter(topicResource, f.t.name, "retention.ms", "1000")
	}},
	{name: "incremental alter configs", key: kmsg.IncrementalAlterConfigs, base: func(f *fixture) kmsg.Request {
		return incremental(topicResource, f.t.name, change{kmsg.IncrementalAlterConfigOpSet, "retention.ms", "1000"})
	}},
	{name: "describe log dirs", key: kmsg.DescribeLogDirs, mine: true, base: func(f *fixture) kmsg.Request {
		r := kmsg.NewPtrDescribeLogDirsRequest()
		one := kmsg.NewDescribeLogDirsRequestTopic()
		one.Topic, one.Partitions = f.t.name, []int32{0}
		r.Topics = append(r.Topics, one)
		return r
	}},
	{name: "create partitions", key: kmsg.CreatePartitions, skip: []string{times}, base: func(f *fixture) kmsg.Request {
		r := kmsg.NewPtrCreatePartitionsRequest()
		one := kmsg.NewCreatePartitionsRequestTopic()
		one.Topic, one.Count = f.topic().name, 2
		one.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{{Replicas: []int32{1}}}
		r.Topics, r.TimeoutMillis = append(r.Topics, one), 10000
		return r
	}},
	{name: "delete groups", key: kmsg.DeleteGroups, base: func(f *fixture) kmsg.Request { return deleteGroups(f.committedGroup()) }},
	{name: "delete offsets", key: kmsg.OffsetDelete, base: func(f *fixture) kmsg.Request { return offsetDelete(f.committedGroup(), f.t, 0) }},
	{name: "describe cluster", key: kmsg.DescribeCluster, base: func(*fixture) kmsg.Request {
		r := kmsg.NewPtrDescribeClusterRequest()
		r.EndpointType = 1
		return r
	}},
	{name: "describe producers", key: kmsg.DescribeProducers, base: func(f *fixture) kmsg.Request {
		if f.count == 0 {
			f.count++
			f.s.quiet(produce(f.t, 0, -1, f.s.numbered(f.s.newProducer(), 0, 1)))
		}
		return describeProducers(f.t, 0)
	}},
	{name: "list config resources", key: kmsg.ListConfigResources, mine: true, base: func(*fixture) kmsg.Request {
		r := kmsg.NewPtrListConfigResourcesRequest()
		r.ResourceTypes = []int8{2}
		return r
	}},
	{name: "describe topic partitions", key: kmsg.DescribeTopicPartitions, mine: true, base: func(f *fixture) kmsg.Request { return describeTopics(f.t.name) }},
}

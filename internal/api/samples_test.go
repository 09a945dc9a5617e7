package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// batchOf is a batch of one record, as a producer sends it.
func batchOf(o record.BuilderOptions) []byte {
	b := record.NewBuilder(o)
	b.Append(1000, []byte("k"), []byte("v"))
	return b.Build()
}

func plainBatch() []byte { return batchOf(record.BuilderOptions{}) }

// sample is an ordinary request of each kind about topic "t" with id 1, which
// every part of the fake broker can answer.
func sample(key int16) kmsg.Request {
	switch key {
	case 0:
		r := kmsg.NewPtrProduceRequest()
		r.Acks, r.TimeoutMillis = -1, 1000
		r.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", TopicID: topicID(1), Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: 0, Records: plainBatch()}}}}
		return r
	case 1:
		return fetchOf(0, -1, target("t", 1, 0, 0))
	case 2:
		r := kmsg.NewPtrListOffsetsRequest()
		r.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Partition: 0, Timestamp: -1, CurrentLeaderEpoch: -1}}}}
		return r
	case 3:
		r := kmsg.NewPtrMetadataRequest()
		r.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr("t")}}
		return r
	case 8:
		r := kmsg.NewPtrOffsetCommitRequest()
		r.Group, r.Generation = "g", -1
		r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", TopicID: topicID(1), Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: 0, Offset: 5, Metadata: kmsg.StringPtr("m")}}}}
		return r
	case 9:
		r := kmsg.NewPtrOffsetFetchRequest()
		r.Group = "g"
		r.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		r.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", TopicID: topicID(1), Partitions: []int32{0}}}}}
		return r
	case 10:
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.CoordinatorKey, r.CoordinatorKeys = "g", []string{"g"}
		return r
	case 11:
		r := kmsg.NewPtrJoinGroupRequest()
		r.Group, r.SessionTimeoutMillis, r.ProtocolType = "g", 10_000, "consumer"
		r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte("meta")}}
		return r
	}
	if r := adminSample(key); r != nil {
		return r
	}
	return kmsg.RequestForKey(key)
}

func adminSample(key int16) kmsg.Request {
	switch key {
	case 12:
		return &kmsg.HeartbeatRequest{Group: "g", MemberID: "m"}
	case 13:
		return &kmsg.LeaveGroupRequest{Group: "g", MemberID: "m", Members: []kmsg.LeaveGroupRequestMember{{MemberID: "m"}}}
	case 14:
		return &kmsg.SyncGroupRequest{Group: "g", MemberID: "m", GroupAssignment: []kmsg.SyncGroupRequestGroupAssignment{{MemberID: "m", MemberAssignment: []byte("share")}}}
	case 15:
		return &kmsg.DescribeGroupsRequest{Groups: []string{"g"}}
	case 18:
		return &kmsg.ApiVersionsRequest{ClientSoftwareName: "test", ClientSoftwareVersion: "1.0", NodeID: -1}
	case 19:
		r := kmsg.NewPtrCreateTopicsRequest()
		r.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "new", NumPartitions: 2, ReplicationFactor: 1}}
		return r
	case 20:
		return &kmsg.DeleteTopicsRequest{TopicNames: []string{"t"}, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("t")}}}
	case 21:
		return &kmsg.DeleteRecordsRequest{Topics: []kmsg.DeleteRecordsRequestTopic{{Topic: "t", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: -1}}}}}
	case 23:
		r := kmsg.NewPtrOffsetForLeaderEpochRequest()
		r.ReplicaID = -1
		r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: 3}}}}
		return r
	case 32:
		return &kmsg.DescribeConfigsRequest{IncludeSynonyms: true, IncludeDocumentation: true, Resources: []kmsg.DescribeConfigsRequestResource{
			{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "t"},
			{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"},
			{ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: "g"},
		}}
	case 33:
		return &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{
			{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "t"},
			{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"},
			{ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: "g"},
		}}
	case 37:
		return &kmsg.CreatePartitionsRequest{Topics: []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: 9}}}
	case 42:
		return &kmsg.DeleteGroupsRequest{Groups: []string{"g"}}
	case 44:
		return &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{
			{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "t"},
			{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: ""},
			{ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: "g"},
		}}
	case 47:
		return &kmsg.OffsetDeleteRequest{Group: "g", Topics: []kmsg.OffsetDeleteRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}}
	case 55:
		return &kmsg.DescribeQuorumRequest{Topics: []kmsg.DescribeQuorumRequestTopic{{Topic: metadataTopicName, Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{Partition: 0}}}}}
	case 60:
		return &kmsg.DescribeClusterRequest{EndpointType: 1, IncludeClusterAuthorizedOperations: true}
	case 61:
		return &kmsg.DescribeProducersRequest{Topics: []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0}}}}
	case 75:
		return &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10, Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "t"}}}
	}
	return nil
}

// want is one partition of a fetch.
type want struct {
	topic     string
	id        byte
	partition int32
	offset    int64
}

func target(topic string, id byte, partition int32, offset int64) want {
	return want{topic, id, partition, offset}
}

// fetchOf asks for partitions in a session, without waiting.
func fetchOf(session, epoch int32, wants ...want) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.MinBytes, r.MaxBytes, r.SessionID, r.SessionEpoch = 1, 1<<20, session, epoch
	r.ReplicaID = -1
	for _, w := range wants {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = w.partition, w.offset, 1<<20
		if n := len(r.Topics); n > 0 && r.Topics[n-1].Topic == w.topic {
			r.Topics[n-1].Partitions = append(r.Topics[n-1].Partitions, p)
			continue
		}
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID, t.Partitions = w.topic, topicID(w.id), []kmsg.FetchRequestTopicPartition{p}
		r.Topics = append(r.Topics, t)
	}
	return r
}

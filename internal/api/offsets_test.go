package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

func TestListOffsets(t *testing.T) {
	for _, c := range []struct {
		version   int16
		timestamp int64
		want      string
	}{
		{1, -1, "ok 3 -1"},
		{4, -1, "ok 3 3"},
		{11, -1, "ok 3 3"},
		{1, -2, "ok 1 -1"},
		{6, -3, "UNSUPPORTED_VERSION -1 -1"},
		{7, -3, "ok 1 3"},
		{7, -4, "UNSUPPORTED_VERSION -1 -1"},
		{8, -4, "ok 1 3"},
		{8, -5, "UNSUPPORTED_VERSION -1 -1"},
		{9, -5, "ok 1 3"},
		{10, -6, "UNSUPPORTED_VERSION -1 -1"},
		{11, -6, "ok 1 3"},
		{11, -7, "UNSUPPORTED_VERSION -1 -1"},
		{11, 0, "ok 1 3"},
	} {
		b := newBroker(t)
		p := b.topic("t", 1, 1)[0]
		fill(t, p, 3)
		p.start = 1
		req := sample(2).(*kmsg.ListOffsetsRequest)
		req.Topics[0].Partitions[0].Timestamp = c.timestamp
		got := ask[*kmsg.ListOffsetsResponse](t, b, c.version, req).Topics[0].Partitions[0]
		if s := fmt.Sprint(name(got.ErrorCode), " ", got.Offset, " ", got.LeaderEpoch); s != c.want {
			t.Errorf("v%d timestamp %d: %s, want %s", c.version, c.timestamp, s, c.want)
		}
	}
}

func TestListOffsetsPerPartition(t *testing.T) {
	b := newBroker(t)
	parts := b.topic("t", 1, 3)
	fill(t, parts[0], 3)
	parts[0].lso = 2
	b.deny["DESCRIBE TOPIC secret"] = true
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = 1
	ask1 := func(p int32, epoch int32) kmsg.ListOffsetsRequestTopicPartition {
		return kmsg.ListOffsetsRequestTopicPartition{Partition: p, Timestamp: -1, CurrentLeaderEpoch: epoch}
	}
	early := ask1(2, 9)
	early.Timestamp = -2
	req.Topics = []kmsg.ListOffsetsRequestTopic{
		{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{ask1(0, -1), ask1(1, -1), ask1(1, -1), early, ask1(7, -1)}},
		{Topic: "secret", Partitions: []kmsg.ListOffsetsRequestTopicPartition{ask1(0, -1)}},
	}
	var got []string
	for _, topic := range ask[*kmsg.ListOffsetsResponse](t, b, 11, req).Topics {
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprintf("%s-%d %s %d", topic.Topic, p.Partition, name(p.ErrorCode), p.Offset))
		}
	}
	want := "t-0 ok 2, t-1 INVALID_REQUEST -1, t-2 UNKNOWN_LEADER_EPOCH -1, t-7 UNKNOWN_TOPIC_OR_PARTITION -1, secret-0 TOPIC_AUTHORIZATION_FAILED -1"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestDeleteRecordsAndEpochsAndProducers(t *testing.T) {
	b := newBroker(t)
	parts := b.topic("t", 1, 2)
	b.topic(base.GroupMetadataTopic, 2, 1)
	fill(t, parts[0], 3)
	del := &kmsg.DeleteRecordsRequest{Topics: []kmsg.DeleteRecordsRequestTopic{
		{Topic: "t", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 2}, {Partition: 1, Offset: 9}, {Partition: 7, Offset: -1}}},
		{Topic: base.GroupMetadataTopic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: -1}}},
	}}
	var got []string
	for _, topic := range ask[*kmsg.DeleteRecordsResponse](t, b, 2, del).Topics {
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprint(name(p.ErrorCode), p.LowWatermark))
		}
	}
	if want := "[ok2 OFFSET_OUT_OF_RANGE-1 UNKNOWN_TOPIC_OR_PARTITION-1 INVALID_TOPIC_EXCEPTION-1]"; fmt.Sprint(got) != want {
		t.Errorf("delete: %v, want %s", got, want)
	}
	ep := kmsg.NewPtrOffsetForLeaderEpochRequest()
	ep.ReplicaID = -1
	ep.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{
		{Partition: 0, CurrentLeaderEpoch: -1, LeaderEpoch: 2}, {Partition: 0, CurrentLeaderEpoch: 9, LeaderEpoch: 2}, {Partition: 8},
	}}}
	got = nil
	for _, p := range ask[*kmsg.OffsetForLeaderEpochResponse](t, b, 4, ep).Topics[0].Partitions {
		got = append(got, fmt.Sprint(name(p.ErrorCode), " ", p.LeaderEpoch, " ", p.EndOffset))
	}
	if want := "[ok 2 3 UNKNOWN_LEADER_EPOCH -1 -1 UNKNOWN_TOPIC_OR_PARTITION -1 -1]"; fmt.Sprint(got) != want {
		t.Errorf("epochs: %v, want %s", got, want)
	}
	// A broker may ask without Describe, if it is one.
	b.deny["DESCRIBE TOPIC"] = true
	for replica, want := range map[int32]string{-1: "TOPIC_AUTHORIZATION_FAILED", 3: "ok"} {
		ep.ReplicaID = replica
		if s := name(ask[*kmsg.OffsetForLeaderEpochResponse](t, b, 4, ep).Topics[0].Partitions[0].ErrorCode); s != want {
			t.Errorf("replica %d: %s, want %s", replica, s, want)
		}
	}
	pr := ask[*kmsg.DescribeProducersResponse](t, b, 0, &kmsg.DescribeProducersRequest{Topics: []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0, 9}}}})
	ps := pr.Topics[0].Partitions
	if len(ps[0].ActiveProducers) != 1 || ps[0].ActiveProducers[0].ProducerID != 7 || ps[0].ActiveProducers[0].ProducerEpoch != 1 || name(ps[1].ErrorCode) != "UNKNOWN_TOPIC_OR_PARTITION" {
		t.Errorf("%+v", ps)
	}
}

func TestOffsetCommitSplitsTheRequest(t *testing.T) {
	for _, v := range []int16{2, 9, 10} {
		b := newBroker(t)
		b.topic("t", 1, 1)
		b.topic("secret", 2, 1)
		b.deny["READ TOPIC secret"] = true
		req := sample(8).(*kmsg.OffsetCommitRequest)
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, kmsg.OffsetCommitRequestTopicPartition{Partition: 9})
		one := []kmsg.OffsetCommitRequestTopicPartition{{Partition: 0}}
		req.Topics = append(req.Topics, kmsg.OffsetCommitRequestTopic{Topic: "nope", TopicID: topicID(66), Partitions: one},
			kmsg.OffsetCommitRequestTopic{Topic: "secret", TopicID: topicID(2), Partitions: one})
		got := map[string]string{}
		for _, topic := range ask[*kmsg.OffsetCommitResponse](t, b, v, req).Topics {
			for _, p := range topic.Partitions {
				key := topic.Topic
				if v >= 10 {
					key = map[base.UUID]string{topicID(1): "t", topicID(2): "secret", topicID(66): "nope"}[topic.TopicID]
				}
				got[fmt.Sprint(key, p.Partition)] = name(p.ErrorCode)
			}
		}
		unknown := "UNKNOWN_TOPIC_OR_PARTITION"
		if v >= 10 {
			unknown = "UNKNOWN_TOPIC_ID"
		}
		want := map[string]string{"t0": "ok", "t9": "UNKNOWN_TOPIC_OR_PARTITION", "nope0": unknown, "secret0": "TOPIC_AUTHORIZATION_FAILED"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("v%d: %v, want %v", v, got, want)
		}
		sent := b.groups.last.(*kmsg.OffsetCommitRequest)
		if len(sent.Topics) != 1 || len(sent.Topics[0].Partitions) != 1 || sent.Topics[0].Topic != "t" || sent.Topics[0].TopicID != topicID(1) {
			t.Errorf("v%d: the coordinator got %+v", v, sent.Topics)
		}
	}
}

func TestOffsetFetchForms(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	b.topic("secret", 2, 1)
	b.deny["DESCRIBE TOPIC secret"] = true
	old := sample(9).(*kmsg.OffsetFetchRequest)
	resp := ask[*kmsg.OffsetFetchResponse](t, b, 1, old)
	if len(resp.Topics) != 1 || resp.Topics[0].Partitions[0].Offset != 42 {
		t.Errorf("v1: %+v", resp)
	}
	if sent := b.groups.last.(*kmsg.OffsetFetchRequest); len(sent.Groups) != 1 || sent.Groups[0].Topics[0].TopicID != topicID(1) {
		t.Errorf("the coordinator got %+v", sent)
	}
	old.Topics = nil
	resp = ask[*kmsg.OffsetFetchResponse](t, b, 7, old)
	if len(resp.Topics) != 1 || resp.Topics[0].Topic != "t" {
		t.Errorf("all of v7: %+v", resp.Topics)
	}
	many := kmsg.NewPtrOffsetFetchRequest()
	many.Groups = []kmsg.OffsetFetchRequestGroup{
		{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", TopicID: topicID(1), Partitions: []int32{0}}, {Topic: "secret", TopicID: topicID(2), Partitions: []int32{0}}}},
		{Group: "loading"},
		{Group: "all"},
	}
	for v := int16(8); v <= 10; v++ {
		resp = ask[*kmsg.OffsetFetchResponse](t, b, v, many)
		var got []string
		for _, g := range resp.Groups {
			var offsets []int64
			for _, topic := range g.Topics {
				offsets = append(offsets, topic.Partitions[0].Offset)
			}
			got = append(got, fmt.Sprint(name(g.ErrorCode), offsets))
		}
		if want := "[ok[-1 42] COORDINATOR_LOAD_IN_PROGRESS[42] ok[42]]"; fmt.Sprint(got) != want {
			t.Errorf("v%d: %v, want %s", v, got, want)
		}
	}
	if id := resp.Groups[2].Topics[0].TopicID; id != topicID(1) {
		t.Errorf("v10 names topics by id, got %v", id)
	}
	// A group error in v1 has no place but the partitions.
	bad := sample(9).(*kmsg.OffsetFetchRequest)
	b.deny["DESCRIBE GROUP g"] = true
	for v, want := range map[int16]string{1: "ok GROUP_AUTHORIZATION_FAILED", 2: "GROUP_AUTHORIZATION_FAILED none"} {
		resp = ask[*kmsg.OffsetFetchResponse](t, b, v, bad)
		part := "none"
		if len(resp.Topics) > 0 {
			part = name(resp.Topics[0].Partitions[0].ErrorCode)
		}
		if got := name(resp.ErrorCode) + " " + part; got != want {
			t.Errorf("v%d: %s, want %s", v, got, want)
		}
	}
}

// A group may have committed offsets for a topic that was deleted, and for
// another one that has its name now.
func TestOffsetFetchOfAllLeavesDeletedTopicsOut(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 2)
	b.topic("old", 3, 1)
	of := func(name string, id base.UUID, p int32) kmsg.OffsetFetchRequestGroupTopic {
		return kmsg.OffsetFetchRequestGroupTopic{Topic: name, TopicID: id, Partitions: []int32{p}}
	}
	b.groups.committed = []kmsg.OffsetFetchRequestGroupTopic{
		of("t", topicID(99), 0), of("t", topicID(1), 1), of("gone", topicID(98), 0), of("old", base.ZeroUUID, 0), of("ancient", base.ZeroUUID, 0),
	}
	for v, want := range map[int16]string{7: "t1 old0 ancient0", 9: "t1 old0 ancient0", 10: "t1 old0"} {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Group, req.Groups = "g", []kmsg.OffsetFetchRequestGroup{{Group: "g"}}
		resp := ask[*kmsg.OffsetFetchResponse](t, b, v, req)
		var got []string
		for _, topic := range resp.Topics {
			got = append(got, fmt.Sprint(topic.Topic, topic.Partitions[0].Partition))
		}
		for _, g := range resp.Groups {
			for _, topic := range g.Topics {
				n := topic.Topic
				if v >= 10 {
					n = b.image.TopicByID(topic.TopicID).Name
				}
				got = append(got, fmt.Sprint(n, topic.Partitions[0].Partition))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("v%d: %v, want %s", v, got, want)
		}
	}
}

func TestOffsetDelete(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	req := sample(47).(*kmsg.OffsetDeleteRequest)
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: 5})
	resp := ask[*kmsg.OffsetDeleteResponse](t, b, 0, req)
	if resp.ErrorCode != 0 || len(resp.Topics) != 1 || name(resp.Topics[0].Partitions[0].ErrorCode) != "UNKNOWN_TOPIC_OR_PARTITION" {
		t.Errorf("%+v", resp)
	}
	req.Group = "none"
	if resp = ask[*kmsg.OffsetDeleteResponse](t, b, 0, req); name(resp.ErrorCode) != "GROUP_ID_NOT_FOUND" || len(resp.Topics) != 0 {
		t.Errorf("%+v", resp)
	}
}

package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

func createOf(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	r := kmsg.NewPtrCreateTopicsRequest()
	r.Topics = topics
	return r
}

func TestCreateTopics(t *testing.T) {
	topic := func(name string, partitions int32, replicas int16) kmsg.CreateTopicsRequestTopic {
		return kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: partitions, ReplicationFactor: replicas}
	}
	assigned := func(partitions int32, replicas int16, at ...int32) kmsg.CreateTopicsRequestTopic {
		out := topic("new", partitions, replicas)
		for _, p := range at {
			out.ReplicaAssignment = append(out.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: p, Replicas: []int32{1}})
		}
		return out
	}
	nullConfig := topic("new", 1, 1)
	nullConfig.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms"}}
	for _, c := range []struct {
		name   string
		topics []kmsg.CreateTopicsRequestTopic
		want   string
	}{
		{"good", []kmsg.CreateTopicsRequestTopic{topic("new", 2, 1)}, "new:ok"},
		{"exists", []kmsg.CreateTopicsRequestTopic{topic("t", 2, 1)}, "t:TOPIC_ALREADY_EXISTS"},
		{"twice", []kmsg.CreateTopicsRequestTopic{topic("new", 2, 1), topic("x", 1, 1), topic("new", 1, 1)}, "new:INVALID_REQUEST x:ok"},
		{"denied", []kmsg.CreateTopicsRequestTopic{topic("secret", 1, 1)}, "secret:TOPIC_AUTHORIZATION_FAILED"},
		{"assignment", []kmsg.CreateTopicsRequestTopic{assigned(-1, -1, 1, 0)}, "new:ok"},
		{"assignment and factor", []kmsg.CreateTopicsRequestTopic{assigned(-1, 1, 0)}, "new:INVALID_REQUEST"},
		{"assignment and count", []kmsg.CreateTopicsRequestTopic{assigned(1, -1, 0)}, "new:INVALID_REQUEST"},
		{"assignment with a hole", []kmsg.CreateTopicsRequestTopic{assigned(-1, -1, 0, 2)}, "new:INVALID_REPLICA_ASSIGNMENT"},
		{"assignment named twice", []kmsg.CreateTopicsRequestTopic{assigned(-1, -1, 0, 0)}, "new:INVALID_REPLICA_ASSIGNMENT"},
		{"negative partition", []kmsg.CreateTopicsRequestTopic{assigned(-1, -1, -1)}, "new:INVALID_REPLICA_ASSIGNMENT"},
		{"null setting", []kmsg.CreateTopicsRequestTopic{nullConfig}, "new:INVALID_CONFIG"},
		{"metadata topic", []kmsg.CreateTopicsRequestTopic{topic(metadataTopicName, 1, 1)}, metadataTopicName + ":INVALID_REQUEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for v := int16(2); v <= 7; v++ {
				b := newBroker(t)
				b.topic("t", 1, 1)
				b.deny["CREATE CLUSTER"], b.deny["CREATE TOPIC secret"] = true, true
				var got []string
				for _, out := range ask[*kmsg.CreateTopicsResponse](t, b, v, createOf(c.topics...)).Topics {
					got = append(got, out.Topic+":"+name(out.ErrorCode))
					if ok := out.ErrorCode == 0; ok != (out.ErrorMessage == nil) || v >= 7 && ok == (base.UUID(out.TopicID) == base.ZeroUUID) {
						t.Errorf("v%d: %+v", v, out)
					}
				}
				slices.Sort(got)
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("v%d: %s, want %s", v, s, c.want)
				}
			}
		})
	}
}

func TestCreateTopicsShowsSettings(t *testing.T) {
	b := newBroker(t)
	req := createOf(kmsg.CreateTopicsRequestTopic{Topic: "new", NumPartitions: 3, ReplicationFactor: -1, Configs: []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms", Value: kmsg.StringPtr("77")}}})
	req.ValidateOnly = true
	out := ask[*kmsg.CreateTopicsResponse](t, b, 7, req).Topics[0]
	if out.NumPartitions != 3 || out.ReplicationFactor != 1 || b.image.Topic("new") != nil {
		t.Errorf("%+v", out)
	}
	i := slices.IndexFunc(out.Configs, func(c kmsg.CreateTopicsResponseTopicConfig) bool { return c.Name == "retention.ms" })
	if i < 0 || *out.Configs[i].Value != "77" || out.Configs[i].Source != int8(kmsg.ConfigSourceDynamicTopicConfig) || len(out.Configs) < 20 {
		t.Errorf("%d settings, retention.ms at %d", len(out.Configs), i)
	}
	b.deny["DESCRIBE_CONFIGS TOPIC new"] = true
	out = ask[*kmsg.CreateTopicsResponse](t, b, 7, req).Topics[0]
	if out.ErrorCode != 0 || name(out.ConfigErrorCode) != "TOPIC_AUTHORIZATION_FAILED" || out.NumPartitions != -1 || out.Configs != nil {
		t.Errorf("%+v", out)
	}
}

func TestDeleteTopics(t *testing.T) {
	ref := func(name string, id base.UUID) kmsg.DeleteTopicsRequestTopic {
		r := kmsg.DeleteTopicsRequestTopic{TopicID: id}
		if name != "" {
			r.Topic = &name
		}
		return r
	}
	for _, c := range []struct {
		name string
		refs []kmsg.DeleteTopicsRequestTopic
		want string
		left bool
	}{
		{"by name", []kmsg.DeleteTopicsRequestTopic{ref("t", base.ZeroUUID)}, "t:ok", false},
		{"by id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(1))}, "t:ok", false},
		{"unknown name", []kmsg.DeleteTopicsRequestTopic{ref("nope", base.ZeroUUID)}, "nope:UNKNOWN_TOPIC_OR_PARTITION", true},
		{"unknown id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(66))}, "null:UNKNOWN_TOPIC_ID", true},
		{"both", []kmsg.DeleteTopicsRequestTopic{ref("t", topicID(1))}, "t:INVALID_REQUEST", true},
		{"neither", []kmsg.DeleteTopicsRequestTopic{ref("", base.ZeroUUID)}, "null:INVALID_REQUEST", true},
		{"twice", []kmsg.DeleteTopicsRequestTopic{ref("t", base.ZeroUUID), ref("t", base.ZeroUUID)}, "t:INVALID_REQUEST", true},
		{"twice, once by id", []kmsg.DeleteTopicsRequestTopic{ref("t", base.ZeroUUID), ref("", topicID(1))}, "t:INVALID_REQUEST", true},
		{"first by id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(1)), ref("t", base.ZeroUUID)}, "t:INVALID_REQUEST", true},
		{"twice by id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(1)), ref("nope", base.ZeroUUID), ref("", topicID(1))}, "null:INVALID_REQUEST nope:UNKNOWN_TOPIC_OR_PARTITION", true},
		{"twice by id and by name", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(1)), ref("t", base.ZeroUUID), ref("", topicID(1))}, "null:INVALID_REQUEST t:INVALID_REQUEST", true},
		{"twice by name and by id", []kmsg.DeleteTopicsRequestTopic{ref("t", base.ZeroUUID), ref("", topicID(1)), ref("t", base.ZeroUUID)}, "t:INVALID_REQUEST t:ok", false},
		{"unknown, twice", []kmsg.DeleteTopicsRequestTopic{ref("nope", base.ZeroUUID), ref("nope", base.ZeroUUID)}, "nope:INVALID_REQUEST", true},
		{"unknown id, three times", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(66)), ref("", topicID(66)), ref("", topicID(66))}, "null:INVALID_REQUEST", true},
		{"broker's own", []kmsg.DeleteTopicsRequestTopic{ref(base.GroupMetadataTopic, base.ZeroUUID)}, base.GroupMetadataTopic + ":INVALID_TOPIC_EXCEPTION", true},
		{"undescribable id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(3))}, "null:TOPIC_AUTHORIZATION_FAILED", true},
		{"undeletable id", []kmsg.DeleteTopicsRequestTopic{ref("", topicID(4))}, "seen:TOPIC_AUTHORIZATION_FAILED", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			b.topic("t", 1, 1)
			b.topic(base.GroupMetadataTopic, 2, 1)
			b.topic("secret", 3, 1)
			b.topic("seen", 4, 1)
			b.deny["DESCRIBE TOPIC secret"], b.deny["DELETE TOPIC seen"] = true, true
			var got []string
			for _, out := range ask[*kmsg.DeleteTopicsResponse](t, b, 6, &kmsg.DeleteTopicsRequest{Topics: c.refs}).Topics {
				n := "null"
				if out.Topic != nil {
					n = *out.Topic
				}
				got = append(got, n+":"+name(out.ErrorCode))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
			if left := b.image.Topic("t") != nil; left != c.left {
				t.Errorf("topic left: %v", left)
			}
		})
	}
	for v, want := range map[int16]string{2: "INVALID_REQUEST", 3: "TOPIC_DELETION_DISABLED"} {
		b := newBroker(t)
		b.topic("t", 1, 1)
		b.set(t, "delete.topic.enable", "false")
		if got := name(ask[*kmsg.DeleteTopicsResponse](t, b, v, sample(20)).Topics[0].ErrorCode); got != want {
			t.Errorf("v%d: %s, want %s", v, got, want)
		}
	}
}

func TestCreatePartitions(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 2)
	b.topic("u", 2, 1)
	b.deny["ALTER TOPIC secret"] = true
	req := &kmsg.CreatePartitionsRequest{Topics: []kmsg.CreatePartitionsRequestTopic{
		{Topic: "t", Count: 2}, {Topic: "u", Count: 2}, {Topic: "nope", Count: 2}, {Topic: "secret"}, {Topic: "dup", Count: 2}, {Topic: "dup", Count: 3},
	}}
	var got []string
	for _, out := range ask[*kmsg.CreatePartitionsResponse](t, b, 3, req).Topics {
		got = append(got, out.Topic+":"+name(out.ErrorCode))
	}
	slices.Sort(got)
	want := "[dup:INVALID_REQUEST nope:UNKNOWN_TOPIC_OR_PARTITION secret:TOPIC_AUTHORIZATION_FAILED t:INVALID_PARTITIONS u:ok]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestDescribeTopicPartitionsPages(t *testing.T) {
	b := newBroker(t)
	b.topic("a", 1, 3)
	b.topic("b", 2, 1)
	b.topic("c", 3, 2)
	b.topic("secret", 4, 1)
	b.deny["DESCRIBE TOPIC secret"] = true
	var pages []string
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = 2
	for range 10 {
		resp := ask[*kmsg.DescribeTopicPartitionsResponse](t, b, 0, req)
		var page []string
		for _, topic := range resp.Topics {
			for _, p := range topic.Partitions {
				page = append(page, fmt.Sprintf("%s%d", *topic.Topic, p.Partition))
			}
		}
		pages = append(pages, strings.Join(page, " "))
		if resp.NextCursor == nil {
			break
		}
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: resp.NextCursor.Topic, Partition: resp.NextCursor.Partition}
	}
	if got := strings.Join(pages, " | "); got != "a0 a1 | a2 b0 | c0 c1" {
		t.Errorf("pages %s", got)
	}
	for _, c := range []struct {
		name   string
		limit  int32
		topics []string
		cursor *kmsg.DescribeTopicPartitionsRequestCursor
		want   string
	}{
		{"names", 10, []string{"c", "a", "c"}, nil, "a:ok:3 c:ok:2"},
		{"errors", 10, []string{"nope", "bad name", "secret"}, nil, "bad name:INVALID_TOPIC_EXCEPTION:0 nope:UNKNOWN_TOPIC_OR_PARTITION:0 secret:TOPIC_AUTHORIZATION_FAILED:0"},
		{"no room", 0, []string{"a"}, nil, "a:ok:1"},
		{"negative cursor", 10, []string{"a"}, &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a", Partition: -1}, "a:INVALID_REQUEST:0"},
		{"foreign cursor", 10, []string{"a", "b"}, &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "c"}, "a:INVALID_REQUEST:0 b:INVALID_REQUEST:0"},
		{"cursor behind the end", 10, []string{"a", "b"}, &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a", Partition: 2147483647}, "a:ok:0 b:ok:1"},
		{"cursor at a deleted topic", 10, nil, &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "aa", Partition: 1}, "b:ok:1 c:ok:2"},
	} {
		req := kmsg.NewPtrDescribeTopicPartitionsRequest()
		req.ResponsePartitionLimit, req.Cursor = c.limit, c.cursor
		for _, n := range c.topics {
			req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: n})
		}
		var got []string
		for _, topic := range ask[*kmsg.DescribeTopicPartitionsResponse](t, b, 0, req).Topics {
			got = append(got, fmt.Sprintf("%s:%s:%d", *topic.Topic, name(topic.ErrorCode), len(topic.Partitions)))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

func TestDescribeLogDirs(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 2)
	b.topic("u", 2, 1)
	count := func(req *kmsg.DescribeLogDirsRequest) (string, int) {
		d := ask[*kmsg.DescribeLogDirsResponse](t, b, 5, req).Dirs[0]
		n := 0
		for _, topic := range d.Topics {
			n += len(topic.Partitions)
		}
		return name(d.ErrorCode), n
	}
	for _, c := range []struct {
		topics []kmsg.DescribeLogDirsRequestTopic
		want   int
	}{
		{nil, 3}, {[]kmsg.DescribeLogDirsRequestTopic{}, 0}, {[]kmsg.DescribeLogDirsRequestTopic{{Topic: "t", Partitions: []int32{1, 7}}}, 1},
	} {
		if code, n := count(&kmsg.DescribeLogDirsRequest{Topics: c.topics}); code != "ok" || n != c.want {
			t.Errorf("%v: %s %d", c.topics, code, n)
		}
	}
	b.dirErr = errors.New("input/output error")
	if code, n := count(&kmsg.DescribeLogDirsRequest{}); code != "KAFKA_STORAGE_ERROR" || n != 0 {
		t.Errorf("offline: %s with %d replicas", code, n)
	}
}

func TestDescribeQuorumAndCluster(t *testing.T) {
	b := newBroker(t)
	req := sample(55).(*kmsg.DescribeQuorumRequest)
	resp := ask[*kmsg.DescribeQuorumResponse](t, b, 2, req)
	p := resp.Topics[0].Partitions[0]
	if p.LeaderID != 1 || p.LeaderEpoch != 4 || p.HighWatermark != 20 || len(p.CurrentVoters) != 1 || p.CurrentVoters[0].LogEndOffset != 21 ||
		p.CurrentVoters[0].ReplicaDirectoryID != topicID(50) || len(p.Observers) != 1 || p.Observers[0].LogEndOffset != 18 || p.Observers[0].LastFetchTimestamp != -1 {
		t.Errorf("%+v", p)
	}
	if len(resp.Nodes) != 1 || resp.Nodes[0].Listeners[0].Host != "one" {
		t.Errorf("%+v", resp)
	}
	req.Topics = append(req.Topics, kmsg.DescribeQuorumRequestTopic{Topic: "x", Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{Partition: 0}}})
	for _, topic := range ask[*kmsg.DescribeQuorumResponse](t, b, 2, req).Topics {
		if got := name(topic.Partitions[0].ErrorCode); got != "UNKNOWN_TOPIC_OR_PARTITION" {
			t.Errorf("%s in a request for more than the quorum: %s", topic.Topic, got)
		}
	}
	for kind, want := range map[int8]*kerr.Error{1: nil, 2: kerr.MismatchedEndpointType, 3: kerr.UnsupportedEndpointType} {
		resp := ask[*kmsg.DescribeClusterResponse](t, b, 2, &kmsg.DescribeClusterRequest{EndpointType: kind})
		if resp.ErrorCode != errorCode(want) || (len(resp.Brokers) == 1 && resp.ClusterID == "cluster-1" && resp.ControllerID == 1) != (want == nil) {
			t.Errorf("endpoint type %d: %+v", kind, resp)
		}
	}
}

package api

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

func metadataOf(topics ...string) *kmsg.MetadataRequest {
	r := kmsg.NewPtrMetadataRequest()
	r.Topics = []kmsg.MetadataRequestTopic{}
	for i := range topics {
		r.Topics = append(r.Topics, kmsg.MetadataRequestTopic{Topic: &topics[i]})
	}
	return r
}

// summary is an answer's topics in one line.
func summary(resp *kmsg.MetadataResponse) string {
	var out []string
	for _, t := range resp.Topics {
		n := "null"
		if t.Topic != nil {
			n = *t.Topic
		}
		out = append(out, fmt.Sprintf("%s:%s:%d", n, name(t.ErrorCode), len(t.Partitions)))
	}
	return strings.Join(out, " ")
}

func TestMetadataTopics(t *testing.T) {
	byID := func(ids ...base.UUID) *kmsg.MetadataRequest {
		r := metadataOf()
		for _, id := range ids {
			r.Topics = append(r.Topics, kmsg.MetadataRequestTopic{TopicID: id})
		}
		return r
	}
	all := kmsg.NewPtrMetadataRequest()
	forbid := func(r *kmsg.MetadataRequest) *kmsg.MetadataRequest { r.AllowAutoTopicCreation = false; return r }
	allow := func(r *kmsg.MetadataRequest) *kmsg.MetadataRequest { r.AllowAutoTopicCreation = true; return r }
	idAndName := byID(topicID(1))
	idAndName.Topics[0].Topic = kmsg.StringPtr("t")
	cases := []struct {
		name    string
		version int16
		req     *kmsg.MetadataRequest
		want    string
	}{
		{"one", 13, metadataOf("t"), "t:ok:2"},
		{"all, v1 null", 1, all, "secret:ok:1 t:ok:2"},
		{"all, v0 empty", 0, metadataOf(), "secret:ok:1 t:ok:2"},
		{"none, v1 empty", 1, metadataOf(), ""},
		{"by id", 12, byID(topicID(1)), "t:ok:2"},
		{"by unknown id", 12, byID(topicID(77)), "null:UNKNOWN_TOPIC_ID:0"},
		{"id in v11", 11, idAndName, "t:INVALID_REQUEST:0"},
		{"neither name nor id", 12, byID(base.ZeroUUID), ":INVALID_REQUEST:0"},
		{"missing, forbidden by the request", 13, forbid(metadataOf("x")), "x:UNKNOWN_TOPIC_OR_PARTITION:0"},
		{"missing, made", 13, allow(metadataOf("x", "x")), "x:ok:1"},
		{"missing, made by an old client", 3, forbid(metadataOf("x")), "x:ok:1"},
		{"bad name", 13, allow(metadataOf("bad name")), "bad name:INVALID_TOPIC_EXCEPTION:0"},
		{"broker's own", 13, allow(metadataOf(base.GroupMetadataTopic)), base.GroupMetadataTopic + ":UNKNOWN_TOPIC_OR_PARTITION:0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			b.topic("t", 1, 2)
			b.topic("secret", 2, 1)
			if got := summary(ask[*kmsg.MetadataResponse](t, b, c.version, c.req)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMetadataAutoCreationNeedsSettingAndPermission(t *testing.T) {
	req := metadataOf("x")
	req.AllowAutoTopicCreation = true
	for _, c := range []struct {
		name  string
		setup func(b *broker)
		want  string
	}{
		{"allowed", func(*broker) {}, "x:ok:1"},
		{"switched off", func(b *broker) { b.set(t, "auto.create.topics.enable", "false") }, "x:UNKNOWN_TOPIC_OR_PARTITION:0"},
		{"no Create", func(b *broker) { b.deny["CREATE CLUSTER"], b.deny["CREATE TOPIC"] = true, true }, "x:UNKNOWN_TOPIC_OR_PARTITION:0"},
		{"Create on the topic", func(b *broker) { b.deny["CREATE CLUSTER"] = true }, "x:ok:1"},
		{"no Describe", func(b *broker) { b.deny["DESCRIBE TOPIC x"] = true }, "x:TOPIC_AUTHORIZATION_FAILED:0"},
		{"refused by the controller", func(b *broker) { b.createErr = kerr.InvalidReplicationFactor }, "x:INVALID_REPLICATION_FACTOR:0"},
		{"made by somebody else", func(b *broker) { b.createErr = kerr.TopicAlreadyExists }, "x:UNKNOWN_TOPIC_OR_PARTITION:0"},
		{"time-out", func(b *broker) { b.createErr = kerr.RequestTimedOut }, "x:UNKNOWN_TOPIC_OR_PARTITION:0"},
		{"unknown failure", func(b *broker) { b.createErr = errors.New("boom") }, "x:UNKNOWN_SERVER_ERROR:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			c.setup(b)
			if got := summary(ask[*kmsg.MetadataResponse](t, b, 13, req)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestMetadataHidesWhatMayNotBeDescribed(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	b.topic("secret", 2, 1)
	b.deny["DESCRIBE TOPIC secret"] = true
	if got := summary(ask[*kmsg.MetadataResponse](t, b, 13, kmsg.NewPtrMetadataRequest())); got != "t:ok:1" {
		t.Errorf("all: %s", got)
	}
	byID := metadataOf()
	byID.Topics = append(byID.Topics, kmsg.MetadataRequestTopic{TopicID: topicID(2)})
	if got := summary(ask[*kmsg.MetadataResponse](t, b, 13, byID)); got != "null:TOPIC_AUTHORIZATION_FAILED:0" {
		t.Errorf("by id: %s", got)
	}
	resp := ask[*kmsg.MetadataResponse](t, b, 13, metadataOf("secret"))
	if summary(resp) != "secret:TOPIC_AUTHORIZATION_FAILED:0" || resp.Topics[0].TopicID != base.ZeroUUID {
		t.Errorf("by name: %+v", resp.Topics)
	}
}

func TestMetadataDescribesBrokersAndPartitions(t *testing.T) {
	b := newBroker(t)
	b.apply(
		&metapb.RegisterBroker{Id: 2, Incarnation: uuid(8), Rack: kmsg.StringPtr("r2"), Listeners: []*metapb.Listener{{Name: "PLAINTEXT", Host: "two", Port: 9093}, {Name: "OTHER", Host: "two-o", Port: 9094}}},
		&metapb.RegisterBroker{Id: 3, Incarnation: uuid(7), Fenced: true, Listeners: []*metapb.Listener{{Name: "PLAINTEXT", Host: "three", Port: 9095}}},
		&metapb.Topic{Id: uuid(1), Name: "t"},
		&metapb.Partition{TopicId: uuid(1), Index: 0, Replicas: []int32{2, 1, 3}, Isr: []int32{2, 1}, Leader: 2, LeaderEpoch: 6},
		&metapb.Partition{TopicId: uuid(1), Index: 1, Replicas: []int32{3}, Isr: []int32{3}, Leader: 3, LeaderEpoch: 7},
		&metapb.Partition{TopicId: uuid(1), Index: 2, Replicas: []int32{1}, Isr: []int32{1}, Leader: -1, LeaderEpoch: 8},
	)
	resp := ask[*kmsg.MetadataResponse](t, b, 13, metadataOf("t"))
	var brokers []string
	for _, n := range resp.Brokers {
		brokers = append(brokers, fmt.Sprintf("%d=%s:%d", n.NodeID, n.Host, n.Port))
	}
	if fmt.Sprint(brokers) != "[1=one:9092 2=two:9093]" || resp.ControllerID != 1 || *resp.ClusterID != "cluster-1" || *resp.Brokers[1].Rack != "r2" {
		t.Errorf("%v controller %d", brokers, resp.ControllerID)
	}
	ps := resp.Topics[0].Partitions
	if ps[0].Leader != 2 || ps[0].LeaderEpoch != 6 || fmt.Sprint(ps[0].Replicas, ps[0].ISR, ps[0].OfflineReplicas) != "[2 1 3] [2 1] [3]" {
		t.Errorf("%+v", ps[0])
	}
	for _, p := range ps[1:] {
		if name(p.ErrorCode) != "LEADER_NOT_AVAILABLE" || p.Leader != -1 {
			t.Errorf("%+v", p)
		}
	}
	b.conn.Listener = "OTHER" // only broker 2 has it
	resp = ask[*kmsg.MetadataResponse](t, b, 13, metadataOf("t"))
	if len(resp.Brokers) != 1 || resp.Brokers[0].Host != "two-o" || resp.ControllerID != 2 {
		t.Errorf("%+v", resp.Brokers)
	}
	b.topic("mine", 2, 1)
	for v, want := range map[int16]string{5: "LEADER_NOT_AVAILABLE", 6: "LISTENER_NOT_FOUND"} {
		resp = ask[*kmsg.MetadataResponse](t, b, v, metadataOf("mine"))
		if got := name(resp.Topics[0].Partitions[0].ErrorCode); got != want {
			t.Errorf("v%d: %s, want %s", v, got, want)
		}
	}
}

// The bit fields are those of a real broker for a principal that may do all.
func TestAuthorizedOperations(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	req := metadataOf("t", "nope")
	req.AllowAutoTopicCreation = false
	req.IncludeTopicAuthorizedOperations, req.IncludeClusterAuthorizedOperations = true, true
	resp := ask[*kmsg.MetadataResponse](t, b, 9, req)
	if resp.Topics[0].AuthorizedOperations != 3576 || resp.Topics[1].AuthorizedOperations != 3576 || resp.AuthorizedOperations != 8096 {
		t.Errorf("topics %d %d cluster %d", resp.Topics[0].AuthorizedOperations, resp.Topics[1].AuthorizedOperations, resp.AuthorizedOperations)
	}
	groups := ask[*kmsg.DescribeGroupsResponse](t, b, 5, &kmsg.DescribeGroupsRequest{Groups: []string{"g"}, IncludeAuthorizedOperations: true})
	if groups.Groups[0].AuthorizedOperations != 3400 {
		t.Errorf("group %d", groups.Groups[0].AuthorizedOperations)
	}
	b.deny["WRITE TOPIC t"], b.deny["DESCRIBE CLUSTER"] = true, true
	resp = ask[*kmsg.MetadataResponse](t, b, 9, req)
	if resp.Topics[0].AuthorizedOperations != 3576-1<<4 || resp.AuthorizedOperations != 0 {
		t.Errorf("topic %d cluster %d", resp.Topics[0].AuthorizedOperations, resp.AuthorizedOperations)
	}
	resp = ask[*kmsg.MetadataResponse](t, b, 9, metadataOf("t"))
	if resp.Topics[0].AuthorizedOperations != noOperations || resp.AuthorizedOperations != noOperations {
		t.Error("operations were not asked for")
	}
}

package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A name of a few bytes must not bring a long description again and again.
func TestWhatIsNamedOverAndOverIsNotAnsweredForEver(t *testing.T) {
	const times = 100
	b := newBroker(t)
	b.topic("t", 1, 1)
	configs := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range []string{"1", "01", "001", "+1"} {
		one := kmsg.DescribeConfigsRequestResource{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: name}
		configs.Resources = append(configs.Resources, slices.Repeat([]kmsg.DescribeConfigsRequestResource{one}, times)...)
	}
	offsets := kmsg.NewPtrOffsetFetchRequest()
	offsets.Groups = slices.Repeat([]kmsg.OffsetFetchRequestGroup{{Group: "g"}}, times)
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = slices.Repeat([]kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0, 0}}}, times)

	n := 0
	for _, topic := range ask[*kmsg.DescribeProducersResponse](t, b, 0, producers).Topics {
		n += len(topic.Partitions)
	}
	for what, got := range map[string]int{
		"settings":  len(ask[*kmsg.DescribeConfigsResponse](t, b, 4, configs).Resources),
		"groups":    len(ask[*kmsg.DescribeGroupsResponse](t, b, 5, &kmsg.DescribeGroupsRequest{Groups: slices.Repeat([]string{"g"}, times)}).Groups),
		"offsets":   len(ask[*kmsg.OffsetFetchResponse](t, b, 9, offsets).Groups),
		"producers": n,
	} {
		if got != maxMentions {
			t.Errorf("%s: %d answers to %d mentions, want %d", what, got, times, maxMentions)
		}
	}
}

// wishes are three mentions of partition 0, 1 and 0 again, in one topic and in a
// topic that is named three times.
func wishes[T, P any](topic func(...P) T, wish func(partition int32, k int64) P) map[string][]T {
	a, b, c := wish(0, 1), wish(1, 2), wish(0, 2)
	return map[string][]T{"in one topic": {topic(a, b, c)}, "in a topic twice": {topic(a), topic(b), topic(c)}}
}

// Of a partition that is named twice the last wish counts, and it is read once,
// whether there is a session, shall be one, or neither.
func TestFetchOfAPartitionTwice(t *testing.T) {
	for _, version := range []int16{4, 12, 13, 18} {
		for _, epoch := range []int32{initialEpoch, finalEpoch} {
			for how, topics := range wishes(
				func(p ...kmsg.FetchRequestTopicPartition) kmsg.FetchRequestTopic {
					return kmsg.FetchRequestTopic{Topic: "t", TopicID: topicID(1), Partitions: p}
				},
				func(partition int32, offset int64) kmsg.FetchRequestTopicPartition {
					p := kmsg.NewFetchRequestTopicPartition()
					p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
					return p
				},
			) {
				b := newBroker(t)
				parts := b.topic("t", 1, 2)
				fill(t, parts[0], 3)
				fill(t, parts[1], 3)
				req := fetchOf(0, epoch)
				req.Topics = topics
				var got []string
				for _, topic := range ask[*kmsg.FetchResponse](t, b, version, req).Topics {
					for _, p := range topic.Partitions {
						got = append(got, fmt.Sprint(p.Partition, ":", len(p.RecordBatches)))
					}
				}
				one := len(parts[0].batches[2])
				if want := fmt.Sprint([]string{fmt.Sprint("0:", one), fmt.Sprint("1:", one)}); fmt.Sprint(got) != want {
					t.Errorf("v%d, session epoch %d, %s: %v, want %s", version, epoch, how, got, want)
				}
			}
		}
	}
}

func TestListOffsetsOfAPartitionTwice(t *testing.T) {
	for how, topics := range wishes(
		func(p ...kmsg.ListOffsetsRequestTopicPartition) kmsg.ListOffsetsRequestTopic {
			return kmsg.ListOffsetsRequestTopic{Topic: "t", Partitions: p}
		},
		func(partition int32, k int64) kmsg.ListOffsetsRequestTopicPartition {
			return kmsg.ListOffsetsRequestTopicPartition{Partition: partition, CurrentLeaderEpoch: -1, Timestamp: -k}
		},
	) {
		b := newBroker(t)
		fill(t, b.topic("t", 1, 2)[1], 3)
		req := kmsg.NewPtrListOffsetsRequest()
		req.Topics = append(topics, kmsg.ListOffsetsRequestTopic{Topic: "empty"})
		got := ask[*kmsg.ListOffsetsResponse](t, b, 11, req).Topics
		if len(got) != 1 || len(got[0].Partitions) != 2 || name(got[0].Partitions[0].ErrorCode) != "INVALID_REQUEST" || got[0].Partitions[1].ErrorCode != 0 {
			t.Errorf("%s: %+v", how, got)
		}
	}
}

func TestDeleteRecordsOfAPartitionTwice(t *testing.T) {
	for how, topics := range wishes(
		func(p ...kmsg.DeleteRecordsRequestTopicPartition) kmsg.DeleteRecordsRequestTopic {
			return kmsg.DeleteRecordsRequestTopic{Topic: "t", Partitions: p}
		},
		func(partition int32, offset int64) kmsg.DeleteRecordsRequestTopicPartition {
			return kmsg.DeleteRecordsRequestTopicPartition{Partition: partition, Offset: 3 - offset}
		},
	) {
		b := newBroker(t)
		parts := b.topic("t", 1, 2)
		fill(t, parts[0], 3)
		fill(t, parts[1], 3)
		got := ask[*kmsg.DeleteRecordsResponse](t, b, 2, &kmsg.DeleteRecordsRequest{Topics: topics}).Topics
		if len(got) != 1 || len(got[0].Partitions) != 2 || got[0].Partitions[0].LowWatermark != 1 || parts[0].start != 1 || parts[1].start != 1 {
			t.Errorf("%s: %+v; starts %d and %d", how, got, parts[0].start, parts[1].start)
		}
	}
}

// A topic of which something is refused is answered in one place; the
// coordinator's answers stay as they are if nothing is.
func TestOffsetsOfATopicTwice(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 2)
	shape := func(n int, topic func(int) int) (s []int) {
		for i := range n {
			s = append(s, topic(i))
		}
		return s
	}
	for _, c := range []struct {
		partitions []int32
		want       string // how many partitions each topic of the answer has
	}{
		{[]int32{0, 0}, "[1 1]"},
		{[]int32{0, 9, 0}, "[3]"},
		{[]int32{9, 9}, "[2]"},
	} {
		for _, version := range []int16{2, 9, 10} {
			commit := kmsg.NewPtrOffsetCommitRequest()
			commit.Group = "g"
			for _, p := range c.partitions {
				commit.Topics = append(commit.Topics, kmsg.OffsetCommitRequestTopic{
					Topic: "t", TopicID: topicID(1), Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: p}},
				})
			}
			got := ask[*kmsg.OffsetCommitResponse](t, b, version, commit).Topics
			if s := fmt.Sprint(shape(len(got), func(i int) int { return len(got[i].Partitions) })); s != c.want {
				t.Errorf("commit v%d of %v: %s, want %s", version, c.partitions, s, c.want)
			}
			for _, topic := range got {
				if version < 10 && topic.Topic != "t" || version == 10 && topic.TopicID != topicID(1) {
					t.Errorf("commit v%d of %v: %+v", version, c.partitions, topic)
				}
			}
		}
		remove := &kmsg.OffsetDeleteRequest{Group: "g"}
		for _, p := range c.partitions {
			remove.Topics = append(remove.Topics, kmsg.OffsetDeleteRequestTopic{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: p}}})
		}
		got := ask[*kmsg.OffsetDeleteResponse](t, b, 0, remove).Topics
		if s := fmt.Sprint(shape(len(got), func(i int) int { return len(got[i].Partitions) })); s != c.want {
			t.Errorf("delete of %v: %s, want %s", c.partitions, s, c.want)
		}
	}
}

// What is named once needs no map, what is named twice is always noticed.
func TestDistinctTargets(t *testing.T) {
	wants := func(partitions ...fetchKey) (targets []fetchTarget) {
		for _, k := range partitions {
			targets = append(targets, fetchTarget{fetchKey: k})
		}
		return targets
	}
	var many []fetchKey
	for i := range distinctTopics + 1 {
		many = append(many, fetchKey{topic: fmt.Sprint(i)})
	}
	for _, c := range []struct {
		name    string
		targets []fetchTarget
		want    bool
	}{
		{"nothing", nil, true},
		{"partitions in order", wants(fetchKey{topic: "a"}, fetchKey{topic: "a", partition: 1}, fetchKey{topic: "b"}), true},
		{"the same partition in a row", wants(fetchKey{topic: "a"}, fetchKey{topic: "a"}), false},
		{"out of order, to be looked at", wants(fetchKey{topic: "a", partition: 1}, fetchKey{topic: "a"}), false},
		{"a topic twice", wants(fetchKey{topic: "a"}, fetchKey{topic: "b"}, fetchKey{topic: "a", partition: 1}), false},
		{"as many topics as are compared", wants(many[1:]...), true},
		{"one more, to be looked at", wants(many...), false},
	} {
		if got := distinct(c.targets); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := withoutDuplicates(slices.Clone(c.targets)); c.want && len(got) != len(c.targets) {
			t.Errorf("%s: %d of %d are left", c.name, len(got), len(c.targets))
		}
	}
}

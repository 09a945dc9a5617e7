package api

import (
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

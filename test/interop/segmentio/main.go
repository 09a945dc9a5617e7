// Command segmentio uses one broker as any program on segmentio/kafka-go uses
// Kafka and prints what works.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"

	"interop/gomatrix"
)

// library has no state but the address.
type library struct{ address string }

func main() {
	l := library{os.Args[1]}
	gomatrix.Main(gomatrix.Library{
		Name: "segmentio/kafka-go", Module: "github.com/segmentio/kafka-go",
		None:     map[string]string{"idempotence": "no idempotent producer"},
		Producer: l, Reader: l, Groups: l, Topics: topics{l}, Configs: configs{l},
	})
}

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

func (l library) Produce(ctx context.Context, how gomatrix.How, topic string, records []gomatrix.Record) error {
	transport := &kafka.Transport{} // with metadata of its own: partitions are added
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{
		Addr: kafka.TCP(l.address), Topic: topic, Transport: transport, BatchTimeout: 5 * time.Millisecond,
		Compression: codecs[how.Codec], RequiredAcks: kafka.RequiredAcks(how.Acks),
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(int) }),
	}
	messages := make([]kafka.Message, len(records))
	for i, r := range records {
		messages[i] = kafka.Message{Key: r.Key, Value: r.Value, Time: r.Time, WriterData: int(r.Partition)}
		for _, h := range r.Headers {
			messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	return errors.Join(w.WriteMessages(ctx, messages...), w.Close())
}

func record(m kafka.Message) gomatrix.Record {
	r := gomatrix.Record{Partition: int32(m.Partition), Offset: m.Offset, Key: m.Key, Value: m.Value, Time: m.Time}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, gomatrix.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

// reader is a Reader of a partition or of a group.
type reader struct{ *kafka.Reader }

func (r reader) Next(ctx context.Context) (gomatrix.Record, error) {
	m, err := r.FetchMessage(ctx)
	return record(m), err
}

func (l library) Read(_ context.Context, topic string, partition int32) (gomatrix.Stream, error) {
	return reader{kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{l.address}, Topic: topic, Partition: int(partition), MaxWait: 500 * time.Millisecond,
	})}, nil
}

func (r reader) Seek(ctx context.Context, to gomatrix.Position) error {
	if o, is := to.AtOffset(); is {
		return r.SetOffset(o)
	}
	if t, is := to.AtTime(); is {
		return r.SetOffsetAt(ctx, t)
	}
	if to.AtEnd() {
		return r.SetOffset(kafka.LastOffset)
	}
	return r.SetOffset(kafka.FirstOffset)
}

func (l library) Join(_ context.Context, group, topic string, o gomatrix.GroupOptions) (gomatrix.Member, error) {
	c := kafka.ReaderConfig{
		Brokers: []string{l.address}, GroupID: group, Topic: topic, StartOffset: kafka.FirstOffset, MaxWait: 500 * time.Millisecond,
	}
	if o.Latest {
		c.StartOffset = kafka.LastOffset
	}
	if o.Async {
		c.CommitInterval = 200 * time.Millisecond
	}
	return reader{kafka.NewReader(c)}, nil
}

func (r reader) Commit(ctx context.Context, m gomatrix.Record) error {
	return r.CommitMessages(ctx, kafka.Message{Topic: r.Config().Topic, Partition: int(m.Partition), Offset: m.Offset})
}

// admin is a client of its own for every call.
func (l library) admin(call func(*kafka.Client) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return call(&kafka.Client{Addr: kafka.TCP(l.address), Transport: transport})
}

func (l library) Committed(ctx context.Context, group, topic string) (map[int32]int64, error) {
	out := map[int32]int64{}
	return out, l.admin(func(c *kafka.Client) error {
		r, err := c.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0}}})
		if err != nil {
			return err
		}
		for _, p := range r.Topics[topic] {
			out[int32(p.Partition)] = p.CommittedOffset
			err = errors.Join(err, p.Error)
		}
		return errors.Join(err, r.Error)
	})
}

func (l library) States(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	return out, l.admin(func(c *kafka.Client) error {
		listed, err := c.ListGroups(ctx, &kafka.ListGroupsRequest{})
		if err != nil {
			return err
		}
		var names []string
		for _, g := range listed.Groups {
			names = append(names, g.GroupID)
		}
		r, err := c.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: names})
		if err != nil {
			return err
		}
		for _, g := range r.Groups {
			out[g.GroupID] = g.GroupState
		}
		return listed.Error
	})
}

// topics are the cluster's topics.
type topics struct{ library }

func (t topics) Create(ctx context.Context, topic string, partitions int, configs map[string]string) error {
	c := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for k, v := range configs {
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: k, ConfigValue: v})
	}
	return t.admin(func(cl *kafka.Client) error {
		r, err := cl.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{c}})
		if err != nil {
			return err
		}
		return r.Errors[topic]
	})
}

func (t topics) List(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	return out, t.admin(func(c *kafka.Client) error {
		r, err := c.Metadata(ctx, &kafka.MetadataRequest{})
		if err != nil {
			return err
		}
		for _, d := range r.Topics {
			out[d.Name] = len(d.Partitions)
		}
		return nil
	})
}

func (t topics) AddPartitions(ctx context.Context, topic string, total int) error {
	return t.admin(func(c *kafka.Client) error {
		r, err := c.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
			Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(total)}},
		})
		if err != nil {
			return err
		}
		return r.Errors[topic]
	})
}

func (t topics) Delete(ctx context.Context, topic string) error {
	return t.admin(func(c *kafka.Client) error {
		r, err := c.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		return r.Errors[topic]
	})
}

// configs are those of topics.
type configs struct{ library }

func (c configs) Describe(ctx context.Context, topic string) (map[string]string, error) {
	out := map[string]string{}
	return out, c.admin(func(cl *kafka.Client) error {
		r, err := cl.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
			Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}},
		})
		if err != nil {
			return err
		}
		if len(r.Resources) != 1 {
			return fmt.Errorf("%d resources described", len(r.Resources))
		}
		for _, e := range r.Resources[0].ConfigEntries {
			out[e.ConfigName] = e.ConfigValue
		}
		return r.Resources[0].Error
	})
}

func (c configs) Alter(ctx context.Context, topic, key, value string) error {
	return c.admin(func(cl *kafka.Client) error {
		r, err := cl.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
			Resources: []kafka.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
				Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: key, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
			}},
		})
		if err != nil {
			return err
		}
		for _, one := range r.Resources {
			err = errors.Join(err, one.Error)
		}
		return err
	})
}

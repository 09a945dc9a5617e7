// Command sarama uses one broker as any program on sarama uses Kafka and prints
// what works.
package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/IBM/sarama"

	"interop/gomatrix"
)

// library has no state but the address.
type library struct{ address []string }

func main() {
	l := library{os.Args[1:2]}
	gomatrix.Main(gomatrix.Library{
		Name: "sarama", Module: "github.com/IBM/sarama",
		Producer: l, Reader: l, Groups: l, Topics: topics{l}, Configs: configs{l},
	})
}

// config of the newest protocol that the library speaks.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	return c
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func (l library) Produce(_ context.Context, how gomatrix.How, topic string, records []gomatrix.Record) error {
	c := config()
	c.Producer.Compression = codecs[how.Codec]
	c.Producer.RequiredAcks = sarama.RequiredAcks(how.Acks)
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.Return.Successes = true
	c.Producer.Idempotent = how.Idempotent
	c.Net.MaxOpenRequests = 1
	p, err := sarama.NewSyncProducer(l.address, c)
	if err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, len(records))
	for i, r := range records {
		messages[i] = message(topic, r)
	}
	return errors.Join(p.SendMessages(messages), p.Close())
}

func message(topic string, r gomatrix.Record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Partition: r.Partition, Timestamp: r.Time}
	if r.Key != nil {
		m.Key = sarama.ByteEncoder(r.Key)
	}
	if r.Value != nil {
		m.Value = sarama.ByteEncoder(r.Value)
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return m
}

func record(m *sarama.ConsumerMessage) gomatrix.Record {
	r := gomatrix.Record{Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Time: m.Timestamp}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, gomatrix.Header{Key: string(h.Key), Value: h.Value})
	}
	return r
}

// stream is a partition consumer; seeking replaces it.
type stream struct {
	client    sarama.Client
	consumer  sarama.Consumer
	reading   sarama.PartitionConsumer
	topic     string
	partition int32
}

func (l library) Read(_ context.Context, topic string, partition int32) (gomatrix.Stream, error) {
	client, err := sarama.NewClient(l.address, config())
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	s := &stream{client: client, consumer: consumer, topic: topic, partition: partition}
	if err := s.from(sarama.OffsetOldest); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *stream) from(offset int64) (err error) {
	s.reading, err = s.consumer.ConsumePartition(s.topic, s.partition, offset)
	return err
}

func (s *stream) Next(ctx context.Context) (gomatrix.Record, error) {
	select {
	case m := <-s.reading.Messages():
		return record(m), nil
	case <-ctx.Done():
		return gomatrix.Record{}, ctx.Err()
	}
}

func (s *stream) Seek(_ context.Context, to gomatrix.Position) (err error) {
	at := sarama.OffsetOldest
	if o, is := to.AtOffset(); is {
		at = o
	} else if t, is := to.AtTime(); is {
		at, err = s.client.GetOffset(s.topic, s.partition, t.UnixMilli())
	} else if to.AtEnd() {
		at = sarama.OffsetNewest
	}
	return errors.Join(err, s.reading.Close(), s.from(at))
}

func (s *stream) Close() error {
	var err error
	if s.reading != nil {
		err = s.reading.Close()
	}
	return errors.Join(err, s.consumer.Close(), s.client.Close())
}

// admin is a client for one call.
func (l library) admin(call func(sarama.ClusterAdmin) error) error {
	a, err := sarama.NewClusterAdmin(l.address, config())
	if err != nil {
		return err
	}
	return errors.Join(call(a), a.Close())
}

// topics are the cluster's topics.
type topics struct{ library }

func (t topics) Create(_ context.Context, topic string, partitions int, configs map[string]string) error {
	set := map[string]*string{}
	for k, v := range configs {
		set[k] = &v
	}
	return t.admin(func(a sarama.ClusterAdmin) error {
		return a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1, ConfigEntries: set}, false)
	})
}

func (t topics) List(context.Context) (map[string]int, error) {
	out := map[string]int{}
	return out, t.admin(func(a sarama.ClusterAdmin) error {
		listed, err := a.ListTopics()
		for name, d := range listed {
			out[name] = int(d.NumPartitions)
		}
		return err
	})
}

func (t topics) AddPartitions(_ context.Context, topic string, total int) error {
	return t.admin(func(a sarama.ClusterAdmin) error { return a.CreatePartitions(topic, int32(total), nil, false) })
}

func (t topics) Delete(_ context.Context, topic string) error {
	return t.admin(func(a sarama.ClusterAdmin) error { return a.DeleteTopic(topic) })
}

// configs are those of topics.
type configs struct{ library }

func (c configs) Describe(_ context.Context, topic string) (map[string]string, error) {
	out := map[string]string{}
	return out, c.admin(func(a sarama.ClusterAdmin) error {
		entries, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
		for _, e := range entries {
			out[e.Name] = e.Value
		}
		return err
	})
}

// Alter uses both ways: the one that replaces all and the one that changes some.
func (c configs) Alter(_ context.Context, topic, key, value string) error {
	return c.admin(func(a sarama.ClusterAdmin) error {
		old := strings.Repeat("9", len(value))
		if err := a.AlterConfig(sarama.TopicResource, topic, map[string]*string{key: &old}, false); err != nil {
			return err
		}
		set := map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
		return a.IncrementalAlterConfig(sarama.TopicResource, topic, set, false)
	})
}

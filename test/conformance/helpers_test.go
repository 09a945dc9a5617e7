package conformance

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"iter"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

func ptr[T any](v T) *T { return &v }

// inOrder ranges over a table by its keys.
func inOrder[K cmp.Ordered, V any](m map[K]V) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// unknownID is a topic id that no broker has.
var unknownID = [16]byte{0xde, 0xad, 1, 2, 3, 4, 0x40, 7, 0x80, 9, 10, 11, 12, 13, 14, 15}

// topic is one that a script made.
type topic struct {
	name string
	id   [16]byte
}

// noTopic is one that does not exist.
func (s *script) noTopic() topic { return topic{s.name("missing"), unknownID} }

// topic creates a topic and waits until it can be used. configs are keys and values in turn.
func (s *script) topic(name string, partitions int32, configs ...string) topic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = s.name(name), partitions, 1
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, t), 10000
	r := s.quietAt(req, served[req.Key()].Max).(*kmsg.CreateTopicsResponse)
	if r.Topics[0].ErrorCode != 0 {
		s.fail("create topic %s: %s", name, errorName(r.Topics[0].ErrorCode))
	}
	made := topic{t.Topic, r.Topics[0].TopicID}
	s.settle(made, partitions)
	return made
}

// settle waits until the topic has that many partitions which answer: Kafka
// applies its own metadata a little later.
func (s *script) settle(t topic, partitions int32) {
	lo := listOffsets(t, 0, 0)
	for p := int32(1); p < partitions; p++ {
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = p, -1
		lo.Topics[0].Partitions = append(lo.Topics[0].Partitions, one)
	}
	s.untilAt(lo, served[lo.Key()].Max, func(r kmsg.Response) bool {
		for _, p := range r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
			if p.ErrorCode != 0 {
				return false
			}
		}
		return true
	})
	md := kmsg.NewPtrMetadataRequest()
	mt := kmsg.NewMetadataRequestTopic()
	mt.Topic = &t.name
	md.Topics, md.AllowAutoTopicCreation = append(md.Topics, mt), false
	s.untilAt(md, served[md.Key()].Max, func(r kmsg.Response) bool {
		got := r.(*kmsg.MetadataResponse).Topics[0]
		return got.ErrorCode == 0 && len(got.Partitions) == int(partitions)
	})
}

func listOffsets(t topic, partition int32, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	lt, lp := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	lt.Topic, lp.Partition, lp.Timestamp = t.name, partition, timestamp
	lt.Partitions = append(lt.Partitions, lp)
	req.Topics = append(req.Topics, lt)
	return req
}

// rec is one record; "" is no key, "-" an empty one.
type rec struct {
	ts         int64
	key, value string
}

func bytesOf(s string) []byte {
	switch s {
	case "":
		return nil
	case "-":
		return []byte{}
	}
	return []byte(s)
}

func (s *script) batch(o record.BuilderOptions, recs ...rec) []byte {
	b := record.NewBuilder(o)
	for _, r := range recs {
		b.Append(s.ts(r.ts), bytesOf(r.key), bytesOf(r.value))
	}
	return b.Build()
}

// plain is an ordinary batch with these values, one second apart.
func (s *script) plain(values ...string) []byte {
	recs := make([]rec, len(values))
	for i, v := range values {
		recs[i] = rec{int64(i), "k", v}
	}
	return s.batch(record.BuilderOptions{}, recs...)
}

// spoil changes a batch and makes its CRC right again.
func spoil(b []byte, change func([]byte)) []byte {
	change(b)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func produce(t topic, partition int32, acks int16, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	pt, pp := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	pt.Topic, pt.TopicID, pp.Partition, pp.Records = t.name, t.id, partition, records
	pt.Partitions = append(pt.Partitions, pp)
	req.Acks, req.TimeoutMillis, req.Topics = acks, 5000, append(req.Topics, pt)
	return req
}

// fill writes values to a partition, a batch each.
func (s *script) fill(t topic, partition int32, values ...string) {
	for i, v := range values {
		req := produce(t, partition, -1, s.batch(record.BuilderOptions{}, rec{int64(i), "k", v}))
		r := s.quietAt(req, served[req.Key()].Max).(*kmsg.ProduceResponse)
		if code := r.Topics[0].Partitions[0].ErrorCode; code != 0 {
			s.fail("produce: %s", errorName(code))
		}
	}
}

// fetch asks for everything from an offset, without waiting.
func fetch(t topic, partition int32, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, 10, 0, 1<<20
	req.SessionID, req.SessionEpoch = 0, -1
	ft := kmsg.NewFetchRequestTopic()
	ft.Topic, ft.TopicID = t.name, t.id
	fp := kmsg.NewFetchRequestTopicPartition()
	fp.Partition, fp.FetchOffset, fp.PartitionMaxBytes = partition, offset, 1<<20
	ft.Partitions = append(ft.Partitions, fp)
	req.Topics = append(req.Topics, ft)
	return req
}

// quietAt is quiet with a version of its own.
func (s *script) quietAt(req kmsg.Request, version int16) kmsg.Response {
	old := s.version
	s.version = version
	defer func() { s.version = old }()
	return s.quiet(req)
}

func (s *script) untilAt(req kmsg.Request, version int16, good func(kmsg.Response) bool) {
	old := s.version
	s.version = version
	defer func() { s.version = old }()
	s.until(req, good)
}

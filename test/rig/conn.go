package rig

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
)

// Conn is one client connection. Requests are answered before the next is sent.
type Conn struct {
	c    net.Conn
	corr int32
	// Patience is how long to ask again while the broker says that it is not
	// ready; 0 means not at all.
	Patience time.Duration
}

// patience is how long any answer may take, a fault or not.
const patience = 30 * time.Second

// Close hangs up.
func (c *Conn) Close() { _ = c.c.Close() }

// Do sends a request, whose version is set, and reads the answer.
func (c *Conn) Do(req kmsg.Request) (kmsg.Response, error) {
	c.corr++
	if err := c.c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("rig")).AppendRequest(nil, req, c.corr)
	if _, err := c.c.Write(frame); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c.c, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(c.c, body); err != nil {
		return nil, err
	}
	if got := int32(binary.BigEndian.Uint32(body)); got != c.corr {
		return nil, fmt.Errorf("answer %d to request %d", got, c.corr)
	}
	body = body[4:]
	if req.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
		body = body[1:]
	}
	resp := req.ResponseKind()
	return resp, resp.ReadFrom(body)
}

// ask is Do for a known type of answer.
func ask[T kmsg.Response](c *Conn, version int16, req kmsg.Request) (T, error) {
	req.SetVersion(version)
	resp, err := c.Do(req)
	if err != nil {
		var none T
		return none, err
	}
	return resp.(T), nil
}

// notReady is what a broker answers shortly after its start.
var notReady = []error{
	kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.OffsetNotAvailable, kerr.LeaderNotAvailable,
}

// untilReady repeats f while the broker says that it is not ready yet.
func (c *Conn) untilReady(f func() error) error {
	deadline := time.Now().Add(c.Patience)
	for {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if !slices.ContainsFunc(notReady, func(e error) bool { return errors.Is(err, e) }) {
			return err
		}
		<-time.After(2 * time.Millisecond)
	}
}

// Metadata asks for the topics by name; none means all.
func (c *Conn) Metadata(names ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, n := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(n)
		req.Topics = append(req.Topics, t)
	}
	return ask[*kmsg.MetadataResponse](c, 12, req)
}

// CreateTopic creates a topic and returns its id.
func (c *Conn) CreateTopic(name string, partitions int32, configs map[string]string) (base.UUID, error) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = int32(patience.Milliseconds())
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
	for k, v := range configs {
		cfg := kmsg.NewCreateTopicsRequestTopicConfig()
		cfg.Name, cfg.Value = k, kmsg.StringPtr(v)
		t.Configs = append(t.Configs, cfg)
	}
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.CreateTopicsResponse](c, 7, req)
	if err != nil {
		return base.UUID{}, err
	}
	return resp.Topics[0].TopicID, kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// DeleteTopic deletes a topic by id.
func (c *Conn) DeleteTopic(id base.UUID) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = int32(patience.Milliseconds())
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.TopicID = id
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.DeleteTopicsResponse](c, 6, req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// Produce appends a batch with acks=all and returns its first offset.
func (c *Conn) Produce(topic string, partition int32, batch []byte) (int64, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(patience.Milliseconds())
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.ProduceResponse](c, 9, req)
	if err != nil {
		return -1, err
	}
	got := resp.Topics[0].Partitions[0]
	return got.BaseOffset, kerr.ErrorForCode(got.ErrorCode)
}

// ProducerID asks for a new idempotent producer.
func (c *Conn) ProducerID() (int64, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := ask[*kmsg.InitProducerIDResponse](c, 4, req)
	if err != nil {
		return 0, err
	}
	return resp.ProducerID, kerr.ErrorForCode(resp.ErrorCode)
}

// Commit commits an offset of a group without members.
func (c *Conn) Commit(group, topic string, partition int32, offset int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.OffsetCommitResponse](c, 8, req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// Committed is a group's offset, -1 for none.
func (c *Conn) Committed(group, topic string, partition int32) (offset int64, err error) {
	err = c.untilReady(func() error {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Group = group
		t := kmsg.NewOffsetFetchRequestTopic()
		t.Topic, t.Partitions = topic, []int32{partition}
		req.Topics = append(req.Topics, t)
		resp, err := ask[*kmsg.OffsetFetchResponse](c, 7, req)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return err
		}
		got := resp.Topics[0].Partitions[0]
		offset = got.Offset
		return kerr.ErrorForCode(got.ErrorCode)
	})
	return offset, err
}

// FindCoordinator creates the topic of committed offsets if it is missing.
func (c *Conn) FindCoordinator(group string) error {
	return c.untilReady(func() error {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKeys = []string{group}
		resp, err := ask[*kmsg.FindCoordinatorResponse](c, 4, req)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.Coordinators[0].ErrorCode)
	})
}

// DeleteRecords moves the start of a log up to offset, -1 for its end.
func (c *Conn) DeleteRecords(topic string, partition int32, offset int64) (low int64, err error) {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = int32(patience.Milliseconds())
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.DeleteRecordsResponse](c, 2, req)
	if err != nil {
		return -1, err
	}
	got := resp.Topics[0].Partitions[0]
	return got.LowWatermark, kerr.ErrorForCode(got.ErrorCode)
}

// The timestamps that ask for the ends of a log.
const (
	Latest   = -1
	Earliest = -2
)

// Offset looks an offset up by time.
func (c *Conn) Offset(topic string, partition int32, timestamp int64) (offset int64, err error) {
	err = c.untilReady(func() error {
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID = -1
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.CurrentLeaderEpoch = partition, timestamp, -1
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		resp, err := ask[*kmsg.ListOffsetsResponse](c, 7, req)
		if err != nil {
			return err
		}
		got := resp.Topics[0].Partitions[0]
		offset = got.Offset
		return kerr.ErrorForCode(got.ErrorCode)
	})
	return offset, err
}

// Fetch reads what lies at offset: whole batches, none at the end.
func (c *Conn) Fetch(topic string, partition int32, offset int64) ([]byte, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxBytes, req.SessionEpoch = -1, 8<<20, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := ask[*kmsg.FetchResponse](c, 12, req)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	got := resp.Topics[0].Partitions[0]
	return got.RecordBatches, kerr.ErrorForCode(got.ErrorCode)
}

// Record is one record read back.
type Record struct {
	Offset, Timestamp int64
	Key, Value        []byte
	ID                string // its header "id"
}

// ReadAll reads a partition from start to end, again if retention moved the
// start meanwhile.
func (c *Conn) ReadAll(topic string, partition int32) (start, end int64, out []Record, err error) {
	for range 20 {
		start, end, out, err = c.readOnce(topic, partition)
		if !errors.Is(err, kerr.OffsetOutOfRange) {
			break
		}
	}
	return start, end, out, err
}

func (c *Conn) readOnce(topic string, partition int32) (start, end int64, out []Record, err error) {
	if start, err = c.Offset(topic, partition, Earliest); err != nil {
		return 0, 0, nil, fmt.Errorf("earliest offset: %w", err)
	}
	if end, err = c.Offset(topic, partition, Latest); err != nil {
		return start, 0, nil, fmt.Errorf("latest offset: %w", err)
	}
	for at := start; at < end; {
		data, err := c.Fetch(topic, partition, at)
		if err != nil {
			return start, end, out, fmt.Errorf("fetch at %d of [%d, %d): %w", at, start, end, err)
		}
		before := at
		if out, at, err = decode(out, data, at); err != nil {
			return start, end, out, fmt.Errorf("fetched at %d: %w", before, err)
		}
		if at == before {
			return start, end, out, fmt.Errorf("fetch at %d of [%d, %d) returned nothing", at, start, end)
		}
	}
	return start, end, out, nil
}

// decode checks batches as a careful client does and takes their records from
// offset from on.
func decode(out []Record, data []byte, from int64) ([]Record, int64, error) {
	for len(data) > 0 {
		b, rest, err := record.Split(data)
		if err != nil {
			return out, from, err
		}
		if err := b.CheckCRC(); err != nil {
			return out, from, err
		}
		for r, err := range b.Records(record.Limits{MaxDecompressedBytes: 8 << 20}) {
			if err != nil {
				return out, from, err
			}
			if r.Offset < from {
				continue
			}
			got := Record{Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				if h.Key == "id" {
					got.ID = string(h.Value)
				}
			}
			out = append(out, got)
		}
		from = max(from, b.NextOffset())
		data = rest
	}
	return out, from, nil
}

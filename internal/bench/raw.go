package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

const (
	rawFetchVersion   = 11 // the newest one without compact fields
	rawFetchBytes     = 50 << 20
	rawPartitionBytes = 1 << 20
	rawWaitMs         = 250
)

// raw reads all partitions over one connection, one fetch at a time.
func (r *reading) raw(ctx context.Context) error {
	conn, err := Dial(ctx, r.leader)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	req, at := r.rawRequest()
	for ctx.Err() == nil {
		resp, err := conn.Ask(req)
		if err != nil {
			if ctx.Err() != nil {
				return nil // told to stop
			}
			return fmt.Errorf("consuming: %w", err)
		}
		fetched, ok := resp.(*kmsg.FetchResponse)
		if !ok || len(fetched.Topics) == 0 && fetched.ErrorCode != 0 {
			return fmt.Errorf("consuming: %w", kerr.ErrorForCode(fetched.ErrorCode))
		}
		var n, size int64
		for _, t := range fetched.Topics {
			for i := range t.Partitions {
				p := &t.Partitions[i]
				records, bytes, err := r.takeBatches(p, at[p.Partition])
				if err != nil {
					return fmt.Errorf("consuming %s partition %d: %w", t.Topic, p.Partition, err)
				}
				n, size = n+records, size+bytes
			}
		}
		r.counted(n, size)
	}
	return nil
}

// rawRequest is the fetch that is sent over and over, and where it says from
// which offset each partition is read.
func (r *reading) rawRequest() (*kmsg.FetchRequest, map[int32]*int64) {
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(rawFetchVersion)
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, rawWaitMs, 1, rawFetchBytes
	req.SessionEpoch = -1
	limit := int32(rawPartitionBytes)
	if r.o.FetchMaxBytes > 0 {
		req.MaxBytes, limit = r.o.FetchMaxBytes, r.o.FetchMaxBytes
	}
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = r.o.Topic
	for partition, from := range r.from {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, r.first(partition, from), limit
		topic.Partitions = append(topic.Partitions, p)
	}
	at := map[int32]*int64{}
	for i := range topic.Partitions {
		at[topic.Partitions[i].Partition] = &topic.Partitions[i].FetchOffset
	}
	req.Topics = append(req.Topics, topic)
	return req, at
}

// first is where reading a partition begins, the first time and again.
func (r *reading) first(partition int32, from int64) int64 {
	if r.o.Newest > 0 {
		return max(from, r.ends[partition]-r.o.Newest)
	}
	return from
}

// takeBatches checks what a partition returned, and moves its offset.
func (r *reading) takeBatches(p *kmsg.FetchResponseTopicPartition, at *int64) (records, bytes int64, err error) {
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		return 0, 0, err
	}
	rest := p.RecordBatches
	for len(rest) > 0 {
		var b record.Batch
		if b, rest, err = record.Split(rest); errors.Is(err, record.ErrShort) {
			break // brokers may cut the last batch
		}
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			return 0, 0, err
		}
		*at = b.NextOffset()
		records, bytes = records+int64(b.Count()), bytes+int64(b.Size())
	}
	if r.o.Newest > 0 && *at >= r.ends[p.Partition] {
		*at = r.first(p.Partition, r.from[p.Partition])
	}
	return records, bytes, nil
}

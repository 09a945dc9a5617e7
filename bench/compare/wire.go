//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/bench"
	"github.com/milena-io/milena/internal/record"
)

// Requests that are sent as they are, in versions that both brokers serve: what
// is timed here must not hide behind a client library's waits and retries.
const (
	createVersion  = 4
	deleteVersion  = 3
	produceVersion = 8
	fetchVersion   = 11
	partitionsAsk  = 500 // of one request
)

// dial connects, trying until the context ends.
func dial(ctx context.Context, address string) (*bench.Conn, error) {
	for {
		c, err := bench.Dial(ctx, address)
		if err == nil {
			if deadline, ok := ctx.Deadline(); ok {
				err = c.SetDeadline(deadline)
			}
			return c, err
		}
		if !pause(ctx, time.Millisecond) {
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// pause waits; false if the context ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// createTopic makes a topic; one that exists already is no error.
func createTopic(c *bench.Conn, name string, partitions int) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.SetVersion(createVersion)
	req.TimeoutMillis = 120_000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), 1
	req.Topics = append(req.Topics, t)
	resp, err := c.Ask(req)
	if err != nil {
		return fmt.Errorf("creating %s: %w", name, err)
	}
	for _, t := range resp.(*kmsg.CreateTopicsResponse).Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating %s: %w", name, err)
		}
	}
	return nil
}

func deleteTopic(ctx context.Context, address, name string) error {
	c, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.SetVersion(deleteVersion)
	req.TimeoutMillis = 60_000
	req.TopicNames = []string{name}
	resp, err := c.Ask(req)
	if err != nil {
		return err
	}
	for _, t := range resp.(*kmsg.DeleteTopicsResponse).Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("deleting %s: %w", name, err)
		}
	}
	return nil
}

// touch writes a record to each of a topic's partitions and waits for all,
// asking again for those that are not ready. It returns how many were confirmed.
func touch(ctx context.Context, c *bench.Conn, topic string, partitions []int32) (int, error) {
	confirmed := 0
	var last error
	for len(partitions) > 0 {
		ask := partitions[:min(len(partitions), partitionsAsk)]
		failed, err := touchOnce(c, topic, ask)
		if err != nil {
			return confirmed, err
		}
		confirmed += len(ask) - len(failed)
		partitions = partitions[len(ask):]
		for p, code := range failed {
			if last = kerr.ErrorForCode(code); !kerr.IsRetriable(last) {
				return confirmed, fmt.Errorf("%s partition %d: %w", topic, p, last)
			}
			partitions = append(partitions, p)
		}
		if len(failed) > 0 && !pause(ctx, time.Millisecond) {
			return confirmed, fmt.Errorf("%s: %w (%w)", topic, ctx.Err(), last)
		}
	}
	return confirmed, nil
}

func touchOnce(c *bench.Conn, topic string, partitions []int32) (failed map[int32]int16, err error) {
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(time.Now().UnixMilli(), nil, []byte("touched"))
	batch := b.Build()
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(produceVersion)
	req.Acks, req.TimeoutMillis = -1, 30_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for _, p := range partitions {
		r := kmsg.NewProduceRequestTopicPartition()
		r.Partition, r.Records = p, batch
		t.Partitions = append(t.Partitions, r)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Ask(req)
	if err != nil {
		return nil, err
	}
	failed = map[int32]int16{}
	for _, t := range resp.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				failed[p.Partition] = p.ErrorCode
			}
		}
	}
	return failed, nil
}

// first measures until the first record is confirmed by a broker that may not
// be there yet.
func first(ctx context.Context, address, topic string, create bool) (time.Time, error) {
	for {
		err := tryFirst(ctx, address, topic, create)
		if err == nil {
			return time.Now(), nil
		}
		if !pause(ctx, time.Millisecond) {
			return time.Time{}, err
		}
	}
}

func tryFirst(ctx context.Context, address, topic string, create bool) error {
	c, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	if create {
		if err := createTopic(c, topic, 1); err != nil {
			return err
		}
	}
	_, err = touch(ctx, c, topic, []int32{0})
	return err
}

// readable waits until the first batch of every partition of a topic has been
// read, trying from the moment when nobody listens yet.
func readable(ctx context.Context, address, topic string, partitions int) (time.Time, error) {
	left := make([]int32, partitions)
	for i := range left {
		left[i] = int32(i)
	}
	for {
		c, err := dial(ctx, address)
		for err == nil && len(left) > 0 {
			left, err = stillUnread(c, topic, left)
			if err == nil && len(left) > 0 && !pause(ctx, time.Millisecond) {
				err = ctx.Err()
			}
		}
		if c != nil {
			c.Close()
		}
		if len(left) == 0 {
			return time.Now(), nil
		}
		if !pause(ctx, time.Millisecond) {
			return time.Time{}, fmt.Errorf("%d partitions could not be read: %w", len(left), errors.Join(err, ctx.Err()))
		}
	}
}

// stillUnread reads the beginning of some partitions and returns those of which
// nothing came.
func stillUnread(c *bench.Conn, topic string, left []int32) ([]int32, error) {
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(fetchVersion)
	req.ReplicaID, req.MinBytes, req.MaxBytes, req.SessionEpoch = -1, 1, 50<<20, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for _, p := range left[:min(len(left), partitionsAsk)] {
		r := kmsg.NewFetchRequestTopicPartition()
		r.Partition, r.PartitionMaxBytes = p, 100<<10 // a whole batch, so that its CRC can be checked
		t.Partitions = append(t.Partitions, r)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Ask(req)
	if err != nil {
		return left, err
	}
	read := map[int32]bool{}
	for _, t := range resp.(*kmsg.FetchResponse).Topics {
		for _, p := range t.Partitions {
			b, _, err := record.Split(p.RecordBatches)
			read[p.Partition] = err == nil && p.ErrorCode == 0 && b.CheckCRC() == nil
		}
	}
	var rest []int32
	for _, p := range left {
		if !read[p] {
			rest = append(rest, p)
		}
	}
	return rest, nil
}

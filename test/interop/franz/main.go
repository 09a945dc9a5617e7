// Command franz uses one Milena node as any franz-go program uses Kafka, and
// exits 1 at the first wrong answer.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	address = os.Args[1]
	topic   = fmt.Sprintf("franz-%d", time.Now().UnixNano())
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	for _, check := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"create", create}, {"codecs and acks", codecs}, {"group of two", groupOfTwo}, {"lag and admin", admin},
	} {
		if err := check.run(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "FAILED: %s: %v\n", check.name, err)
			os.Exit(1)
		}
		fmt.Println("  " + check.name)
	}
	fmt.Println("franz: ok")
}

func client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address)}, opts...)...)
	if err != nil {
		panic(err)
	}
	return cl
}

func create(ctx context.Context) error {
	cl := client()
	defer cl.Close()
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 4, 1, nil, topic)
	return err
}

func codecs(ctx context.Context) error {
	type way struct {
		codec kgo.CompressionCodec
		acks  kgo.Acks
	}
	var ways []way
	for _, c := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		for _, a := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck(), kgo.AllISRAcks()} {
			ways = append(ways, way{c, a})
		}
	}
	var want []string
	for i, w := range ways {
		opts := []kgo.Opt{kgo.ProducerBatchCompression(w.codec), kgo.RequiredAcks(w.acks), kgo.RecordPartitioner(kgo.ManualPartitioner())}
		if w.acks != kgo.AllISRAcks() {
			opts = append(opts, kgo.DisableIdempotentWrite())
		}
		cl := client(opts...)
		var records []*kgo.Record
		for j := range 100 {
			v := fmt.Sprintf("%d/%d", i, j)
			want = append(want, v)
			records = append(records, &kgo.Record{Topic: topic, Partition: 0, Value: []byte(v)})
		}
		if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return err
		}
		cl.Close()
	}
	cl := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer cl.Close()
	var got []string
	for len(got) < len(want) {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			return fmt.Errorf("%w after %d of %d", err, len(got), len(want))
		}
		fs.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("read %d records, or in another order than the %d sent", len(got), len(want))
	}
	return nil
}

func groupOfTwo(ctx context.Context) error {
	assigned := [2]chan int{make(chan int, 64), make(chan int, 64)}
	var members [2]*kgo.Client
	for i := range members {
		ch := assigned[i]
		members[i] = client(kgo.ConsumerGroup("g-"+topic), kgo.ConsumeTopics(topic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Balancers(kgo.RangeBalancer()),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { ch <- len(m[topic]) }))
		go func(cl *kgo.Client) {
			for ctx.Err() == nil && !cl.PollFetches(ctx).IsClientClosed() {
			}
		}(members[i])
	}
	for i, ch := range assigned {
		if err := until(ctx, ch, 2); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
	}
	if err := members[0].CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	members[0].Close()
	if err := until(ctx, assigned[1], 4); err != nil {
		return fmt.Errorf("the member that stayed: %w", err)
	}
	defer members[1].Close()
	return members[1].CommitUncommittedOffsets(ctx)
}

func until(ctx context.Context, ch chan int, want int) error {
	last := -1
	for {
		select {
		case last = <-ch:
			if last == want {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("owns %d partitions, want %d", last, want)
		}
	}
}

func admin(ctx context.Context) error {
	cl := client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	lags, err := adm.Lag(ctx, "g-"+topic)
	if err != nil {
		return err
	}
	if l := lags["g-"+topic]; l.Error() != nil {
		return l.Error()
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if o, _ := ends.Lookup(topic, 0); o.Offset != 1500 {
		return fmt.Errorf("end offset %d, want 1500", o.Offset)
	}
	if _, err := adm.DeleteGroups(ctx, "g-"+topic); err != nil {
		return err
	}
	_, err = adm.DeleteTopics(ctx, topic)
	return err
}

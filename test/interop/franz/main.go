// Command franz uses one broker as any franz-go program uses Kafka and prints
// what works.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"interop/gomatrix"
)

// franz is the library; it has no state but the address.
type franz struct{ address string }

func main() {
	f := franz{os.Args[1]}
	gomatrix.Main(gomatrix.Library{
		Name: "franz-go", Module: "github.com/twmb/franz-go",
		Producer: f, Reader: f, Groups: f, Topics: topics{f}, Configs: configs{f}, Extra: f.extra,
	})
}

func (f franz) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.address), kgo.MetadataMinAge(100 * time.Millisecond)}, opts...)...)
}

// admin is a client for one call.
func (f franz) admin(call func(*kadm.Client) error) error {
	cl, err := f.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return call(kadm.NewClient(cl))
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

var levels = map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}

func (f franz) Produce(ctx context.Context, how gomatrix.How, topic string, records []gomatrix.Record) error {
	opts := []kgo.Opt{
		kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[how.Codec]), kgo.RequiredAcks(levels[how.Acks]),
	}
	if !how.Idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	cl, err := f.client(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	var out []*kgo.Record
	for _, r := range records {
		k := &kgo.Record{Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Time}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		out = append(out, k)
	}
	return cl.ProduceSync(ctx, out...).FirstErr()
}

func fromFranz(k *kgo.Record) gomatrix.Record {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	r := gomatrix.Record{
		Partition: k.Partition, Offset: k.Offset, Key: k.Key, Value: k.Value, Time: k.Timestamp,
		Codec: names[k.Attrs.CompressionType()],
	}
	for _, h := range k.Headers {
		r.Headers = append(r.Headers, gomatrix.Header{Key: h.Key, Value: h.Value})
	}
	return r
}

// buffer hands out one by one what a client polls.
type buffer struct {
	cl   *kgo.Client
	rest []*kgo.Record
}

func (b *buffer) Next(ctx context.Context) (gomatrix.Record, error) {
	for len(b.rest) == 0 {
		fetches := b.cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return gomatrix.Record{}, err
		}
		b.rest = fetches.Records()
	}
	r := b.rest[0]
	b.rest = b.rest[1:]
	return fromFranz(r), nil
}

func (b *buffer) Close() error {
	b.cl.Close()
	return nil
}

// stream is one partition without a group.
type stream struct {
	buffer
	topic     string
	partition int32
}

func (f franz) Read(_ context.Context, topic string, partition int32) (gomatrix.Stream, error) {
	from := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}
	cl, err := f.client(kgo.ConsumePartitions(from))
	return &stream{buffer{cl: cl}, topic, partition}, err
}

func (s *stream) Seek(_ context.Context, to gomatrix.Position) error {
	at := kgo.NewOffset().AtStart()
	if o, is := to.AtOffset(); is {
		at = kgo.NewOffset().At(o)
	} else if t, is := to.AtTime(); is {
		at = kgo.NewOffset().AfterMilli(t.UnixMilli())
	} else if to.AtEnd() {
		at = kgo.NewOffset().AtEnd()
	}
	s.cl.RemoveConsumePartitions(map[string][]int32{s.topic: {s.partition}})
	s.rest = nil
	s.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {s.partition: at}})
	return nil
}

// extra are calls that have no row: lag, record deletion, deleting groups.
func (f franz) extra(ctx context.Context) error {
	topic := fmt.Sprintf("franz-extra-%d", time.Now().UnixNano())
	if err := (topics{f}).Create(ctx, topic, 1, nil); err != nil {
		return err
	}
	records := make([]gomatrix.Record, 10)
	for i := range records {
		records[i].Value = fmt.Append(nil, i)
	}
	if err := f.Produce(ctx, gomatrix.How{Codec: "none", Acks: -1}, topic, records); err != nil {
		return err
	}
	m, err := f.Join(ctx, topic, topic, gomatrix.GroupOptions{})
	if err != nil {
		return err
	}
	r, err := m.Next(ctx)
	if err == nil {
		err = m.Commit(ctx, r)
	}
	if m.Close(); err != nil {
		return err
	}
	return f.admin(func(adm *kadm.Client) error { return afterGroup(ctx, adm, topic) })
}

func afterGroup(ctx context.Context, adm *kadm.Client, topic string) error {
	lags, err := adm.Lag(ctx, topic)
	if err != nil {
		return err
	}
	if l := lags[topic]; l.Error() != nil || l.Lag.Total() != 9 {
		return fmt.Errorf("lag %d (%v), want 9", l.Lag.Total(), l.Error())
	}
	if _, err := adm.DeleteRecords(ctx, kadm.Offsets{topic: {0: {Topic: topic, Partition: 0, At: 4}}}); err != nil {
		return err
	}
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if o, _ := starts.Lookup(topic, 0); o.Offset != 4 {
		return fmt.Errorf("the log starts at %d after deleting to 4", o.Offset)
	}
	deleted, err := adm.DeleteGroups(ctx, topic)
	if err != nil {
		return err
	}
	return deleted.Error()
}

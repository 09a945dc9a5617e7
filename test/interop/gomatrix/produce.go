package gomatrix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// sample are records with keys, headers and a null value.
func sample(what string, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		records[i] = Record{
			Key:   fmt.Appendf(nil, "key %d", i),
			Value: fmt.Appendf(nil, "%s %d %s", what, i, strings.Repeat("compressible ", 20)),
			Headers: []Header{
				{"number", fmt.Append(nil, i)}, {"number", []byte("twice")}, {"empty", []byte{}},
			},
		}
	}
	records[n/2].Value = nil
	return records
}

// sameRecord compares what was read with what was sent.
func sameRecord(got, want Record) error {
	sameHeader := func(a, b Header) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }
	switch {
	case !bytes.Equal(got.Key, want.Key):
		return fmt.Errorf("key %q, want %q", got.Key, want.Key)
	case !bytes.Equal(got.Value, want.Value) || (got.Value == nil) != (want.Value == nil):
		return fmt.Errorf("value %q, want %q", got.Value, want.Value)
	case !slices.EqualFunc(got.Headers, want.Headers, sameHeader):
		return fmt.Errorf("headers %q, want %q", got.Headers, want.Headers)
	case !want.Time.IsZero() && got.Time.UnixMilli() != want.Time.UnixMilli():
		return fmt.Errorf("time %v, want %v", got.Time, want.Time)
	case got.Codec != "" && want.Codec != "" && got.Codec != want.Codec:
		return fmt.Errorf("it came with codec %s, want %s", got.Codec, want.Codec)
	}
	return nil
}

// readBack reads a partition from its beginning and compares it.
func (s *suite) readBack(ctx context.Context, topic string, want []Record) (err error) {
	stream, err := s.Reader.Read(ctx, topic, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	for i, w := range want {
		got, err := stream.Next(ctx)
		if err != nil {
			return fmt.Errorf("record %d of %d: %w", i, len(want), err)
		}
		if got.Offset != int64(i) {
			return fmt.Errorf("record %d has offset %d", i, got.Offset)
		}
		if err := sameRecord(got, w); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return nil
}

// roundTrip sends records and reads them back.
func (s *suite) roundTrip(ctx context.Context, id string, how How) error {
	topic, err := s.topic(ctx, id, 1)
	if err != nil {
		return err
	}
	parts := []string{"first", "second", "third"}
	if how.Acks == 0 {
		// Each part may come over a connection of its own, and nobody waits for one
		// before the next: only within a part is there an order.
		parts = parts[:1]
	}
	var all []Record
	for _, part := range parts {
		records := sample(part, 50)
		if err := s.Producer.Produce(ctx, how, topic, records); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
		for i := range records {
			records[i].Codec = how.Codec
		}
		all = append(all, records...)
	}
	return s.readBack(ctx, topic, all)
}

func codec(codec string) func(*suite, context.Context) error {
	return func(s *suite, ctx context.Context) error {
		return s.roundTrip(ctx, "produce-"+codec, How{Codec: codec, Acks: -1})
	}
}

func acks(acks int) func(*suite, context.Context) error {
	return func(s *suite, ctx context.Context) error {
		return s.roundTrip(ctx, fmt.Sprint("acks", acks), How{Codec: "none", Acks: acks})
	}
}

// idempotence looks that everything is there exactly once: what follows the
// records is the marker, and nothing else.
func (s *suite) idempotence(ctx context.Context) error {
	topic, err := s.topic(ctx, "idempotence", 1)
	if err != nil {
		return err
	}
	records := sample("idempotent", 500)
	how := How{Codec: "lz4", Acks: -1, Idempotent: true}
	if err := s.Producer.Produce(ctx, how, topic, records); err != nil {
		return err
	}
	marker := Record{Key: []byte("marker"), Value: []byte("end")}
	if err := s.Producer.Produce(ctx, how, topic, []Record{marker}); err != nil {
		return err
	}
	return s.readBack(ctx, topic, append(records, marker))
}

// seekTopic is a topic of 20 records, one second apart.
func (s *suite) seekTopic(ctx context.Context, id string) (topic string, first time.Time, err error) {
	first = time.UnixMilli(time.Now().Add(-time.Hour).UnixMilli())
	topic, err = s.topic(ctx, id, 1)
	if err != nil {
		return "", first, err
	}
	records := make([]Record, 20)
	for i := range records {
		records[i] = Record{Value: fmt.Append(nil, i), Time: first.Add(time.Duration(i) * time.Second)}
	}
	return topic, first, s.Producer.Produce(ctx, How{Codec: "none", Acks: -1}, topic, records)
}

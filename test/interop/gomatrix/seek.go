package gomatrix

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// seek reads three records of a topic, seeks, and reads on.
func (s *suite) seek(ctx context.Context, id string, to func(first time.Time) Position, want int64) (err error) {
	topic, first, err := s.seekTopic(ctx, id)
	if err != nil {
		return err
	}
	stream, err := s.Reader.Read(ctx, topic, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	for i := range int64(3) {
		if err := expect(ctx, stream, i); err != nil {
			return fmt.Errorf("before the seek: %w", err)
		}
	}
	if err := stream.Seek(ctx, to(first)); err != nil {
		return err
	}
	for i := want; i < want+3; i++ {
		if err := expect(ctx, stream, i); err != nil {
			return fmt.Errorf("after the seek: %w", err)
		}
	}
	return nil
}

// next is what streams and members have in common.
type next interface {
	Next(ctx context.Context) (Record, error)
}

// expect reads the record of a seekTopic that has this offset.
func expect(ctx context.Context, from next, offset int64) error {
	r, err := from.Next(ctx)
	if err != nil {
		return err
	}
	if r.Offset != offset || string(r.Value) != fmt.Sprint(offset) {
		return fmt.Errorf("offset %d with value %q, want %d", r.Offset, r.Value, offset)
	}
	return nil
}

func (s *suite) seekOffset(ctx context.Context) error {
	return s.seek(ctx, "seek-offset", func(time.Time) Position { return Position{kind: offset, offset: 11} }, 11)
}

func (s *suite) seekBeginning(ctx context.Context) error {
	return s.seek(ctx, "seek-beginning", func(time.Time) Position { return Position{} }, 0)
}

// seekTimestamp goes between two records and must find the later one.
func (s *suite) seekTimestamp(ctx context.Context) error {
	return s.seek(ctx, "seek-timestamp", func(first time.Time) Position {
		return Position{kind: timestamp, time: first.Add(6500 * time.Millisecond)}
	}, 7)
}

func (s *suite) seekEnd(ctx context.Context) (err error) {
	topic, _, err := s.seekTopic(ctx, "seek-end")
	if err != nil {
		return err
	}
	stream, err := s.Reader.Read(ctx, topic, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	if err := expect(ctx, stream, 0); err != nil {
		return err
	}
	if err := stream.Seek(ctx, Position{kind: end}); err != nil {
		return err
	}
	return s.onlyNew(ctx, topic, stream)
}

// onlyNew looks that a consumer at the end of a seekTopic gets what is produced
// from now on, and nothing older. Libraries find the end out when they please, so
// records are sent until one arrives.
func (s *suite) onlyNew(ctx context.Context, topic string, from next) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan error, 1)
	go func() {
		for i := 20; ; i++ {
			err := s.Producer.Produce(ctx, How{Codec: "none", Acks: -1}, topic, []Record{{Value: fmt.Append(nil, i)}})
			if err != nil {
				sent <- err
				return
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				sent <- nil
				return
			}
		}
	}()
	r, err := from.Next(ctx)
	cancel()
	if sendErr := <-sent; sendErr != nil && !errors.Is(sendErr, context.Canceled) {
		err = errors.Join(err, sendErr)
	}
	if err != nil {
		return err
	}
	if r.Offset < 20 || string(r.Value) != fmt.Sprint(r.Offset) {
		return fmt.Errorf("offset %d with value %q after the end was 20", r.Offset, r.Value)
	}
	return nil
}

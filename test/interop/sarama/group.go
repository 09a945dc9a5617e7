package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"interop/gomatrix"
)

// claimed is a message with the session in which it was read.
type claimed struct {
	*sarama.ConsumerMessage
	session sarama.ConsumerGroupSession
}

// member is a consumer group; its handler passes the messages on.
type member struct {
	group    sarama.ConsumerGroup
	topic    string
	async    bool
	messages chan claimed
	sessions map[int32]sarama.ConsumerGroupSession // of the last message, by partition
	stop     context.CancelFunc
	ended    chan error
}

func (l library) Join(_ context.Context, group, topic string, o gomatrix.GroupOptions) (gomatrix.Member, error) {
	c := config()
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	if o.Latest {
		c.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	c.Consumer.Offsets.AutoCommit.Enable = o.Async
	c.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	g, err := sarama.NewConsumerGroup(l.address, group, c)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{g, topic, o.Async, make(chan claimed), map[int32]sarama.ConsumerGroupSession{}, stop, make(chan error, 1)}
	go func() {
		var err error
		for err == nil && ctx.Err() == nil {
			err = g.Consume(ctx, []string{topic}, handler{m.messages})
		}
		m.ended <- err
		close(m.messages)
	}()
	return m, nil
}

func (m *member) Next(ctx context.Context) (gomatrix.Record, error) {
	select {
	case c, more := <-m.messages:
		if !more {
			return gomatrix.Record{}, errors.New("the member has stopped")
		}
		m.sessions[c.Partition] = c.session
		return record(c.ConsumerMessage), nil
	case <-ctx.Done():
		return gomatrix.Record{}, ctx.Err()
	}
}

func (m *member) Commit(_ context.Context, r gomatrix.Record) error {
	s := m.sessions[r.Partition]
	s.MarkOffset(m.topic, r.Partition, r.Offset+1, "")
	if !m.async {
		s.Commit()
	}
	return nil
}

func (m *member) Close() error {
	m.stop()
	err := m.group.Close()
	if ended := <-m.ended; !errors.Is(ended, sarama.ErrClosedConsumerGroup) {
		err = errors.Join(err, ended)
	}
	return err
}

// handler passes on the messages of every claim.
type handler struct{ messages chan<- claimed }

func (handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, more := <-claim.Messages():
			if !more {
				return nil
			}
			select {
			case h.messages <- claimed{m, session}:
			case <-session.Context().Done():
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (l library) Committed(_ context.Context, group, topic string) (map[int32]int64, error) {
	out := map[int32]int64{}
	return out, l.admin(func(a sarama.ClusterAdmin) error {
		response, err := a.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
		if err != nil {
			return err
		}
		for p, b := range response.Blocks[topic] {
			out[p] = b.Offset
		}
		return nil
	})
}

func (l library) States(context.Context) (map[string]string, error) {
	out := map[string]string{}
	return out, l.admin(func(a sarama.ClusterAdmin) error {
		listed, err := a.ListConsumerGroups()
		if err != nil {
			return err
		}
		var names []string
		for name := range listed {
			names = append(names, name)
		}
		groups, err := a.DescribeConsumerGroups(names)
		for _, g := range groups {
			out[g.GroupId] = g.State
		}
		return err
	})
}

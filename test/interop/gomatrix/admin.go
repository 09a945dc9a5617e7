package gomatrix

import (
	"context"
	"fmt"
)

func (s *suite) listTopics(ctx context.Context) error {
	for n := 1; n <= 3; n++ {
		if _, err := s.topic(ctx, fmt.Sprint("list-topics-", n), n); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) createTopic(ctx context.Context) error {
	topic, err := s.topic(ctx, "create-topic", 3)
	if err != nil {
		return err
	}
	if err := s.Topics.Create(ctx, topic, 3, nil); err == nil {
		return fmt.Errorf("a topic can be created twice")
	}
	return nil
}

// alterTopic adds partitions and uses the last.
func (s *suite) alterTopic(ctx context.Context) error {
	topic, err := s.topic(ctx, "alter-topic", 2)
	if err != nil {
		return err
	}
	if err := s.Topics.AddPartitions(ctx, topic, 5); err != nil {
		return err
	}
	if err := s.shows(ctx, topic, 5); err != nil {
		return err
	}
	records := sample("the new partition", 10)
	for i := range records {
		records[i].Partition = 4
	}
	if err := s.Producer.Produce(ctx, How{Codec: "none", Acks: -1}, topic, records); err != nil {
		return err
	}
	stream, err := s.Reader.Read(ctx, topic, 4)
	if err != nil {
		return err
	}
	defer stream.Close()
	r, err := stream.Next(ctx)
	if err != nil {
		return err
	}
	return sameRecord(r, records[0])
}

func (s *suite) deleteTopic(ctx context.Context) error {
	topic, err := s.topic(ctx, "delete-topic", 1)
	if err != nil {
		return err
	}
	if err := s.Topics.Delete(ctx, topic); err != nil {
		return err
	}
	return s.shows(ctx, topic, 0)
}

// want waits for a config's value.
func (s *suite) want(ctx context.Context, topic, key, value string) error {
	return until(ctx, func() error {
		configs, err := s.Configs.Describe(ctx, topic)
		if err == nil && configs[key] != value {
			err = fmt.Errorf("%s is %q, want %q", key, configs[key], value)
		}
		return err
	})
}

func (s *suite) describeConfigs(ctx context.Context) error {
	topic := s.name("describe-configs")
	if err := s.Topics.Create(ctx, topic, 1, map[string]string{"retention.ms": "3600000"}); err != nil {
		return err
	}
	if err := s.shows(ctx, topic, 1); err != nil {
		return err
	}
	if err := s.want(ctx, topic, "retention.ms", "3600000"); err != nil {
		return err
	}
	return s.want(ctx, topic, "cleanup.policy", "delete")
}

func (s *suite) alterConfigs(ctx context.Context) error {
	topic, err := s.topic(ctx, "alter-configs", 1)
	if err != nil {
		return err
	}
	if err := s.Configs.Alter(ctx, topic, "max.message.bytes", "54321"); err != nil {
		return err
	}
	return s.want(ctx, topic, "max.message.bytes", "54321")
}

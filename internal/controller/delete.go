package controller

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// TopicRef names a topic by name or by id, not by both.
type TopicRef struct {
	Name string
	ID   base.UUID
}

// DeleteTopics deletes topics; one result per element. As in Kafka, internal
// topics may be deleted too: what is refused to whom is for ACLs to say.
func (c *Controller) DeleteTopics(ctx context.Context, topics []TopicRef) []error {
	return c.each(ctx, len(topics), false, func(img *metadata.Image) decideOne {
		seen := map[TopicRef]int{}
		for _, ref := range topics {
			seen[ref]++
		}
		taken := map[base.UUID]bool{}
		return func(i int) ([]*metapb.Record, error) {
			t, err := c.deletable(img, topics[i], seen[topics[i]] > 1)
			if err != nil {
				return nil, err
			}
			if taken[t.ID] {
				return nil, failure(kerr.InvalidRequest, "The provided topic name maps to an ID that was already supplied.")
			}
			taken[t.ID] = true
			c.cfg.Logger.Info("topic deleted", "topic", t.Name, "id", t.ID.String(), "partitions", len(t.Partitions))
			return []*metapb.Record{metadata.Record(&metapb.RemoveTopic{Id: t.ID[:]})}, nil
		}
	})
}

// deletable finds the topic that ref means, if it may be deleted.
func (c *Controller) deletable(img *metadata.Image, ref TopicRef, duplicate bool) (*metadata.Topic, error) {
	byID := !ref.ID.IsZero()
	switch {
	case !c.cfg.Broker.Bool("delete.topic.enable"):
		return nil, failure(kerr.TopicDeletionDisabled, "Topic deletion is disabled.")
	case byID && ref.Name != "":
		return nil, failure(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case !byID && ref.Name == "":
		return nil, failure(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	case duplicate && byID:
		return nil, failure(kerr.InvalidRequest, "Duplicate topic id.")
	case duplicate:
		return nil, failure(kerr.InvalidRequest, "Duplicate topic name.")
	}
	if byID {
		if t := img.TopicByID(ref.ID); t != nil {
			return t, nil
		}
		return nil, failure(kerr.UnknownTopicID, "This server does not host this topic ID.")
	}
	if t := img.Topic(ref.Name); t != nil {
		return t, nil
	}
	return nil, failure(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition.")
}

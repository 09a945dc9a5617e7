package controller

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// NewPartitions asks for a topic to have Total partitions; Assignment names the
// replicas of the new ones only.
type NewPartitions struct {
	Topic      string
	Total      int32
	Assignment [][]base.NodeID
}

// CreatePartitions adds partitions to topics; one result per element.
func (c *Controller) CreatePartitions(ctx context.Context, topics []NewPartitions, validateOnly bool) []error {
	return c.each(ctx, len(topics), validateOnly, func(img *metadata.Image) decideOne {
		seen := map[string]int{}
		for i := range topics {
			seen[topics[i].Topic]++
		}
		total := 0
		return func(i int) ([]*metapb.Record, error) {
			if seen[topics[i].Topic] > 1 {
				return nil, failure(kerr.InvalidRequest, "Duplicate topic name.")
			}
			records, err := addPartitions(img, &topics[i], maxPartitionsPerRequest-total)
			total += len(records)
			return records, err
		}
	})
}

// decideOne decides one element of a request.
type decideOne func(i int) ([]*metapb.Record, error)

// each decides the n elements of a request one by one, in one proposal.
func (c *Controller) each(ctx context.Context, n int, validateOnly bool, begin func(*metadata.Image) decideOne) []error {
	outcome := newSlot[[]error]()
	err := c.submit(ctx, func(img *metadata.Image) []*metapb.Record {
		var all []*metapb.Record
		errs := make([]error, n)
		one := begin(img)
		for i := range errs {
			var records []*metapb.Record
			if records, errs[i] = one(i); errs[i] == nil {
				all = append(all, records...)
			}
		}
		outcome.set(errs)
		if validateOnly {
			return nil
		}
		return all
	})
	if err == nil {
		return outcome.get()
	}
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func addPartitions(img *metadata.Image, r *NewPartitions, limit int) ([]*metapb.Record, error) {
	t := img.Topic(r.Topic)
	if t == nil {
		return nil, failure(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	}
	have := int32(len(t.Partitions))
	more := r.Total - have
	switch {
	case r.Total == have:
		return nil, failure(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	case r.Total < have:
		return nil, failure(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.", r.Topic, have, r.Total)
	case int(more) > limit:
		return nil, failure(kerr.PolicyViolation, "Excessively large number of additional partitions per request.")
	case r.Assignment != nil && len(r.Assignment) != int(more):
		return nil, failure(kerr.InvalidReplicaAssignment,
			"Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", more, len(r.Assignment))
	}
	replicas, err := newReplicas(img, t, r, int(more))
	if err != nil {
		return nil, err
	}
	records := make([]*metapb.Record, 0, more)
	for i, ids := range replicas {
		records = append(records, newPartition(img, t.ID, have+int32(i), ids))
	}
	return records, nil
}

func newReplicas(img *metadata.Image, t *metadata.Topic, r *NewPartitions, n int) ([][]base.NodeID, error) {
	factor := 1
	if len(t.Partitions) > 0 {
		factor = len(t.Partitions[0].Replicas)
	}
	if r.Assignment == nil {
		p := newPlacer(img, img.PartitionCount())
		p.after(t.Partitions)
		return p.place(n, factor)
	}
	for i, ids := range r.Assignment {
		if err := checkAssignment(img, int32(len(t.Partitions)+i), ids, factor); err != nil {
			return nil, err
		}
	}
	return r.Assignment, nil
}

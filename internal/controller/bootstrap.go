package controller

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// Feature levels, in Kafka's numbers. A level is finalized only once what it
// promises is served, because clients choose protocols by it: without
// transaction.version they use the first transaction protocol, without
// group.version consumers stay with the classic group protocol.
const (
	MetadataVersion = 33 // 4.4-IV2
)

// newClusterFeatures are the levels that a new cluster starts with.
var newClusterFeatures = []*metapb.FeatureLevel{
	{Name: "metadata.version", Level: MetadataVersion},
}

// Bootstrap gives a new cluster its id and feature levels; an existing cluster
// keeps what it has. It returns the cluster's id. If clusterID is not "" and
// the cluster has another one, the error wraps INCONSISTENT_CLUSTER_ID.
func (c *Controller) Bootstrap(ctx context.Context, clusterID string) (string, error) {
	if id := c.store.Current().ClusterID(); id == "" {
		err := c.submit(ctx, func(img *metadata.Image) []*metapb.Record {
			if img.ClusterID() != "" {
				return nil
			}
			id := clusterID
			if id == "" {
				id = base.NewUUID().String()
			}
			records := []*metapb.Record{metadata.Record(&metapb.ClusterInit{ClusterId: id})}
			for _, f := range newClusterFeatures {
				records = append(records, metadata.Record(f))
			}
			return records
		})
		if err != nil {
			return "", err
		}
	}
	id := c.store.Current().ClusterID()
	if clusterID != "" && clusterID != id {
		return "", failure(kerr.InconsistentClusterID, "the cluster has the id %s, not %s", id, clusterID)
	}
	return id, nil
}

// Registration is what a broker says about itself when it starts.
type Registration struct {
	ID          base.NodeID
	Incarnation base.UUID // new with every start of the process
	Listeners   []metadata.Listener
	Rack        string
	Directories []base.UUID
	// Unclean says that the broker lost its memory of what it had flushed.
	// Partitions that it leads get a new leader epoch, so that consumers notice
	// that offsets beyond the end may have been given out twice.
	Unclean bool
}

// RegisterBroker makes a broker known and returns its epoch. The controller's
// own broker is usable at once: it has all metadata. Any other one starts
// fenced, and is refused while an earlier process of that id is not fenced.
func (c *Controller) RegisterBroker(ctx context.Context, r Registration) (epoch uint64, err error) {
	refusal := newSlot[error]()
	err = c.submit(ctx, func(img *metadata.Image) []*metapb.Record {
		records, err := c.decideRegistration(img, r)
		refusal.set(err)
		return records
	})
	if err == nil {
		err = refusal.get()
	}
	if err != nil {
		return 0, err
	}
	b := c.store.Current().Broker(r.ID)
	if b == nil || b.Incarnation != r.Incarnation {
		return 0, failure(kerr.DuplicateBrokerRegistration, "another process registered as broker %d meanwhile", r.ID)
	}
	if r.Unclean && r.ID == c.cfg.NodeID {
		if err := c.renewLeaderEpochs(ctx, r.ID); err != nil {
			return 0, err
		}
	}
	c.cfg.Logger.Info("broker registered", "broker", int32(r.ID), "epoch", b.Epoch, "fenced", b.Fenced)
	return b.Epoch, nil
}

func (c *Controller) decideRegistration(img *metadata.Image, r Registration) ([]*metapb.Record, error) {
	own := r.ID == c.cfg.NodeID
	switch old := img.Broker(r.ID); {
	case r.ID < 0 || r.Incarnation.IsZero() || len(r.Listeners) == 0:
		return nil, failure(kerr.InvalidRequest, "a registration needs a broker id, an incarnation id and listeners")
	case old != nil && !own && !old.Fenced && old.Incarnation != r.Incarnation:
		return nil, failure(kerr.DuplicateBrokerRegistration, "Another broker is registered with that broker id.")
	}
	rec := &metapb.RegisterBroker{Id: int32(r.ID), Incarnation: r.Incarnation[:], Fenced: !own}
	if r.Rack != "" {
		rec.Rack = new(r.Rack)
	}
	for i := range r.Directories {
		rec.Directories = append(rec.Directories, r.Directories[i][:])
	}
	for _, l := range r.Listeners {
		rec.Listeners = append(rec.Listeners, &metapb.Listener{Name: l.Name, Host: l.Host, Port: uint32(l.Port), Protocol: int32(l.Protocol)})
	}
	return []*metapb.Record{metadata.Record(rec)}, nil
}

// epochBytes is more than what confirming the leader of one partition takes in a
// proposal: 16 bytes are the topic's id, the rest is numbers and tags.
const epochBytes = 64

// renewLeaderEpochs confirms a broker as leader of what it leads, in a new epoch.
// A broker may lead more than one proposal can hold. If it fails half way, the
// broker's start fails, and its next one begins again.
func (c *Controller) renewLeaderEpochs(ctx context.Context, id base.NodeID) error {
	for part := range slices.Chunk(ledBy(c.store.Current(), id), max(1, c.cfg.MaxProposalBytes/epochBytes)) {
		err := c.submit(ctx, func(img *metadata.Image) (records []*metapb.Record) {
			for _, p := range part {
				if t := img.TopicByID(p.topic); t != nil && t.Partitions[p.index].Leader == id {
					records = append(records, metadata.Record(&metapb.PartitionChange{TopicId: p.topic[:], Index: p.index, Leader: new(int32(id))}))
				}
			}
			return records
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type ledPartition struct {
	topic base.UUID
	index int32
}

func ledBy(img *metadata.Image, id base.NodeID) (led []ledPartition) {
	for t := range img.Topics() {
		for i := range t.Partitions {
			if t.Partitions[i].Leader == id {
				led = append(led, ledPartition{t.ID, int32(i)})
			}
		}
	}
	return led
}

package metadata

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

// ErrSnapshot marks a snapshot that can't be turned back into its image.
var ErrSnapshot = errors.New("metadata: bad snapshot")

// Records yields records that rebuild the image from Empty, in a fixed order.
func (img *Image) Records() iter.Seq[*metapb.Record] {
	return func(yield func(*metapb.Record) bool) {
		if img.clusterID != "" && !yield(Record(&metapb.ClusterInit{ClusterId: img.clusterID})) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(img.features)) {
			if !yield(Record(&metapb.FeatureLevel{Name: name, Level: int32(img.features[name])})) {
				return
			}
		}
		if img.nextProducerID > 0 && !yield(Record(&metapb.ProducerIDs{Next: img.nextProducerID})) {
			return
		}
		for _, b := range img.brokers {
			if !yield(Record(b.record())) {
				return
			}
		}
		_ = img.topicRecords(yield) && img.configRecords(yield)
	}
}

func (img *Image) topicRecords(yield func(*metapb.Record) bool) bool {
	for t := range img.Topics() {
		if !yield(Record(&metapb.Topic{Id: t.ID[:], Name: t.Name})) {
			return false
		}
		for i := range t.Partitions {
			if !yield(Record(t.Partitions[i].Record(t.ID))) {
				return false
			}
		}
	}
	return true
}

func (img *Image) configRecords(yield func(*metapb.Record) bool) bool {
	for res, values := range img.Configured() {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			r := &metapb.Config{ResourceType: int32(res.Type), ResourceName: res.Name, Key: key, Value: new(values[key])}
			if !yield(Record(r)) {
				return false
			}
		}
	}
	return true
}

// Record is the record that creates the partition as it is.
func (p *Partition) Record(topic base.UUID) *metapb.Partition {
	r := &metapb.Partition{
		TopicId: topic[:], Index: p.Index, Replicas: ints(p.Replicas), Isr: ints(p.ISR),
		Leader: int32(p.Leader), LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch,
	}
	for i := range p.Directories {
		r.Directories = append(r.Directories, p.Directories[i][:])
	}
	return r
}

func (b *Broker) record() *metapb.RegisterBroker {
	r := &metapb.RegisterBroker{Id: int32(b.ID), Incarnation: b.Incarnation[:], Fenced: b.Fenced, Epoch: b.Epoch}
	if b.Rack != "" {
		r.Rack = new(b.Rack)
	}
	for i := range b.Directories {
		r.Directories = append(r.Directories, b.Directories[i][:])
	}
	for _, l := range b.Listeners {
		r.Listeners = append(r.Listeners, &metapb.Listener{Name: l.Name, Host: l.Host, Port: uint32(l.Port), Protocol: int32(l.Protocol)})
	}
	return r
}

func ints(ids []base.NodeID) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// EncodeSnapshot writes the image as bytes for DecodeSnapshot.
func (img *Image) EncodeSnapshot() ([]byte, error) {
	s := &metapb.Snapshot{Index: img.index, Digest: img.ExactHash(), Records: slices.Collect(img.Records())}
	return proto.Marshal(s)
}

// DecodeSnapshot reads what EncodeSnapshot wrote. The records must rebuild
// exactly the image that was written, or the error matches ErrSnapshot.
func DecodeSnapshot(data []byte) (*Image, error) {
	var s metapb.Snapshot
	if err := proto.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSnapshot, err)
	}
	img, delta := Empty().Apply(s.GetRecords(), s.GetIndex())
	if delta.Rejected > 0 {
		return nil, fmt.Errorf("%w: %d of %d records make no sense", ErrSnapshot, delta.Rejected, len(s.GetRecords()))
	}
	// A later version's snapshot may hold kinds that are unknown here; its
	// digest covers them, so it can't be compared.
	if delta.Unknown == 0 && img.ExactHash() != s.GetDigest() {
		return nil, fmt.Errorf("%w: it rebuilds to digest %s, not %s", ErrSnapshot, img.ExactHash(), s.GetDigest())
	}
	return img, nil
}

package metadata

import (
	"math"
	"slices"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

func (a *applier) topic(r *metapb.Topic) bool {
	id, ok := uuid(r.GetId())
	if !ok || id.IsReserved() || base.ValidateTopicName(r.GetName()) != nil {
		return false
	}
	if a.img.Topic(r.GetName()) != nil || a.img.TopicByID(id) != nil {
		return false
	}
	if collides(r.GetName()) {
		a.img.byMetricName.Set(metricKey(r.GetName()), struct{}{})
	}
	a.put(&Topic{ID: id, Name: r.GetName()})
	return true
}

func (a *applier) removeTopic(r *metapb.RemoveTopic) bool {
	id, _ := uuid(r.GetId())
	t := a.img.TopicByID(id)
	if t == nil {
		return false
	}
	a.img.byID.Delete(string(id[:]))
	a.img.byName.Delete(t.Name)
	a.img.byMetricName.Delete(metricKey(t.Name))
	a.img.partitions -= len(t.Partitions)
	delete(a.owned, id)
	a.touched.topics[id] = struct{}{}
	res := Resource{ResourceTopic, t.Name}
	if _, had := a.img.configs.Delete(res.key()); had {
		a.touched.configs[res] = struct{}{}
	}
	return true
}

func (a *applier) partition(r *metapb.Partition) bool {
	t := a.own(r.GetTopicId())
	if t == nil || r.GetIndex() < 0 || int(r.GetIndex()) > len(t.Partitions) || r.GetIndex() >= maxPartitions {
		return false
	}
	p := Partition{
		Index: r.GetIndex(), Leader: base.NodeID(r.GetLeader()),
		LeaderEpoch: r.GetLeaderEpoch(), PartitionEpoch: r.GetPartitionEpoch(),
	}
	var ok1, ok2, ok3 bool
	p.Replicas, ok1 = nodes(r.GetReplicas())
	p.ISR, ok2 = nodes(r.GetIsr())
	p.Directories, ok3 = uuids(r.GetDirectories())
	if !ok1 || !ok2 || !ok3 || !p.sound() {
		return false
	}
	if int(p.Index) == len(t.Partitions) {
		t.Partitions = append(t.Partitions, p)
		a.img.partitions++
		return true
	}
	old := &t.Partitions[p.Index]
	if p.LeaderEpoch < old.LeaderEpoch || p.PartitionEpoch < old.PartitionEpoch {
		return false
	}
	*old = p
	return true
}

func (a *applier) partitionChange(r *metapb.PartitionChange) bool {
	t := a.own(r.GetTopicId())
	if t == nil || r.GetIndex() < 0 || int(r.GetIndex()) >= len(t.Partitions) {
		return false
	}
	p := t.Partitions[r.GetIndex()]
	var ok bool
	if p.PartitionEpoch == math.MaxInt32 || p.LeaderEpoch == math.MaxInt32 {
		return false
	}
	p.PartitionEpoch++
	if r.Replicas != nil {
		if p.Replicas, ok = nodes(r.Replicas.GetIds()); !ok {
			return false
		}
		p.Directories = nil
	}
	if r.Isr != nil {
		if p.ISR, ok = nodes(r.Isr.GetIds()); !ok {
			return false
		}
	}
	if len(r.GetDirectories()) > 0 {
		if p.Directories, ok = uuids(r.GetDirectories()); !ok {
			return false
		}
	}
	if r.Leader != nil {
		p.Leader = base.NodeID(r.GetLeader())
		p.LeaderEpoch++
	}
	if !p.sound() {
		return false
	}
	t.Partitions[r.GetIndex()] = p
	return true
}

// sound is what every image guarantees about a partition.
func (p *Partition) sound() bool {
	if len(p.Replicas) == 0 || p.LeaderEpoch < 0 || p.PartitionEpoch < 0 || (len(p.Directories) != 0 && len(p.Directories) != len(p.Replicas)) {
		return false
	}
	if p.Leader != NoLeader && !slices.Contains(p.Replicas, p.Leader) {
		return false
	}
	return distinct(p.Replicas) && distinct(p.ISR) &&
		!slices.ContainsFunc(p.ISR, func(id base.NodeID) bool { return !slices.Contains(p.Replicas, id) })
}

func distinct(ids []base.NodeID) bool {
	for i, id := range ids {
		if id < 0 || slices.Contains(ids[:i], id) {
			return false
		}
	}
	return true
}

// own finds the topic and makes it private to this batch.
func (a *applier) own(rawID []byte) *Topic {
	id, ok := uuid(rawID)
	if !ok {
		return nil
	}
	if t := a.owned[id]; t != nil {
		return t
	}
	t := a.img.TopicByID(id)
	if t == nil {
		return nil
	}
	c := *t
	c.Partitions = slices.Clone(t.Partitions)
	a.put(&c)
	return &c
}

// put stores a topic that only this batch can see so far.
func (a *applier) put(t *Topic) {
	a.img.byName.Set(t.Name, t)
	a.img.byID.Set(string(t.ID[:]), t)
	a.owned[t.ID] = t
	a.touched.topics[t.ID] = struct{}{}
}

// maxReplicas bounds replica lists; membership tests on them are linear.
const maxReplicas = 1000

func nodes(in []int32) ([]base.NodeID, bool) {
	if len(in) > maxReplicas {
		return nil, false
	}
	out := make([]base.NodeID, len(in))
	for i, id := range in {
		out[i] = base.NodeID(id)
	}
	return out, true
}

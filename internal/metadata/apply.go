package metadata

import (
	"maps"
	"math"
	"slices"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

// maxPartitions bounds what one topic can make every node allocate.
const maxPartitions = 1 << 20

// Apply makes the image that follows img when records are committed at index.
// It never fails: see the package comment. img is left as it was.
func (img *Image) Apply(records []*metapb.Record, index uint64) (*Image, *Delta) {
	a := applier{img: img.fork(), touched: newTouched(), owned: map[base.UUID]*Topic{}}
	a.img.index = max(img.index, index)
	for _, r := range records {
		switch known, ok := a.record(r, index); {
		case !known:
			a.touched.unknown++
		case !ok:
			a.touched.rejected++
		}
	}
	return a.img, a.touched.delta(img, a.img)
}

// applier changes a forked image. Topics, brokers and overrides of the original
// are replaced, never written to; owned remembers the topics already copied, so
// that a batch of many partition records copies each topic once.
type applier struct {
	img     *Image
	touched *touched
	owned   map[base.UUID]*Topic
}

// record applies one record. known is false for kinds of a later version, ok is
// false for a record that makes no sense here.
func (a *applier) record(r *metapb.Record, index uint64) (known, ok bool) {
	switch k := r.GetKind().(type) {
	case *metapb.Record_ClusterInit:
		return true, a.clusterInit(k.ClusterInit)
	case *metapb.Record_FeatureLevel:
		return true, a.featureLevel(k.FeatureLevel)
	case *metapb.Record_RegisterBroker:
		return true, a.registerBroker(k.RegisterBroker, index)
	case *metapb.Record_FenceBroker:
		return true, a.setFenced(k.FenceBroker.GetId(), k.FenceBroker.GetEpoch(), true)
	case *metapb.Record_UnfenceBroker:
		return true, a.setFenced(k.UnfenceBroker.GetId(), k.UnfenceBroker.GetEpoch(), false)
	case *metapb.Record_UnregisterBroker:
		return true, a.unregisterBroker(k.UnregisterBroker)
	case *metapb.Record_Topic:
		return true, a.topic(k.Topic)
	case *metapb.Record_Partition:
		return true, a.partition(k.Partition)
	case *metapb.Record_PartitionChange:
		return true, a.partitionChange(k.PartitionChange)
	case *metapb.Record_RemoveTopic:
		return true, a.removeTopic(k.RemoveTopic)
	case *metapb.Record_Config:
		return true, a.config(k.Config)
	case *metapb.Record_ProducerIds:
		return true, a.producerIDs(k.ProducerIds)
	}
	return false, false
}

func (a *applier) clusterInit(r *metapb.ClusterInit) bool {
	if r.GetClusterId() == "" || a.img.clusterID != "" && a.img.clusterID != r.GetClusterId() {
		return false
	}
	a.img.clusterID = r.GetClusterId()
	return true
}

func (a *applier) featureLevel(r *metapb.FeatureLevel) bool {
	if r.GetName() == "" || r.GetLevel() < 0 || r.GetLevel() > math.MaxInt16 {
		return false
	}
	next := maps.Clone(a.img.features)
	if next == nil {
		next = map[string]int16{}
	}
	next[r.GetName()] = int16(r.GetLevel())
	if r.GetLevel() == 0 {
		delete(next, r.GetName())
	}
	a.img.features = next
	return true
}

func (a *applier) producerIDs(r *metapb.ProducerIDs) bool {
	if r.GetNext() <= a.img.nextProducerID {
		return false
	}
	a.img.nextProducerID = r.GetNext()
	return true
}

func (a *applier) config(r *metapb.Config) bool {
	t := ResourceType(r.GetResourceType())
	if int32(t) != r.GetResourceType() || !t.known() || r.GetKey() == "" || (r.GetResourceName() == "" && t != ResourceBroker) {
		return false
	}
	res := Resource{t, r.GetResourceName()}
	if t == ResourceTopic && a.img.Topic(res.Name) == nil {
		return false
	}
	a.touched.configs[res] = struct{}{}
	values := maps.Clone(a.img.Overrides(res))
	if r.Value == nil {
		delete(values, r.GetKey())
	} else {
		if values == nil {
			values = make(map[string]string, 1)
		}
		values[r.GetKey()] = r.GetValue()
	}
	if len(values) == 0 {
		a.img.configs.Delete(res.key())
	} else {
		a.img.configs.Set(res.key(), &override{res, values})
	}
	return true
}

func (a *applier) registerBroker(r *metapb.RegisterBroker, index uint64) bool {
	incarnation, ok := uuid(r.GetIncarnation())
	directories, okDirs := uuids(r.GetDirectories())
	if r.GetId() < 0 || !ok || !okDirs || len(r.GetListeners()) > math.MaxInt16 {
		return false
	}
	b := &Broker{
		ID: base.NodeID(r.GetId()), Incarnation: incarnation, Epoch: r.GetEpoch(),
		Rack: r.GetRack(), Fenced: r.GetFenced(), Directories: directories,
	}
	if b.Epoch == 0 {
		b.Epoch = index
	}
	for _, l := range r.GetListeners() {
		b.Listeners = append(b.Listeners, Listener{Name: l.GetName(), Host: l.GetHost(), Port: uint16(l.GetPort()), Protocol: int16(l.GetProtocol())})
	}
	a.putBroker(b)
	return true
}

func (a *applier) setFenced(id int32, epoch uint64, fenced bool) bool {
	old := a.img.Broker(base.NodeID(id))
	if old == nil || old.Epoch != epoch {
		return false
	}
	b := *old
	b.Fenced = fenced
	a.putBroker(&b)
	return true
}

// putBroker replaces the list, because older images share it.
func (a *applier) putBroker(b *Broker) {
	i, found := a.img.findBroker(b.ID)
	next := slices.Clone(a.img.brokers)
	if found {
		next[i] = b
	} else {
		next = slices.Insert(next, i, b)
	}
	a.img.brokers = next
	a.touched.brokers[b.ID] = struct{}{}
}

func (a *applier) unregisterBroker(r *metapb.UnregisterBroker) bool {
	i, found := a.img.findBroker(base.NodeID(r.GetId()))
	if !found || a.img.brokers[i].Epoch != r.GetEpoch() {
		return false
	}
	a.touched.brokers[a.img.brokers[i].ID] = struct{}{}
	a.img.brokers = slices.Delete(slices.Clone(a.img.brokers), i, i+1)
	return true
}

// uuid reads an id; a missing one is zero.
func uuid(b []byte) (base.UUID, bool) {
	if len(b) == 0 {
		return base.ZeroUUID, true
	}
	if len(b) != len(base.UUID{}) {
		return base.ZeroUUID, false
	}
	return base.UUID(b), true
}

func uuids(in [][]byte) ([]base.UUID, bool) {
	if len(in) == 0 {
		return nil, true
	}
	if len(in) > math.MaxInt16 {
		return nil, false
	}
	out := make([]base.UUID, len(in))
	for i, b := range in {
		var ok bool
		if out[i], ok = uuid(b); !ok {
			return nil, false
		}
	}
	return out, true
}

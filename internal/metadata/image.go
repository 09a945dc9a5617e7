package metadata

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"github.com/milena-io/milena/internal/base"
)

// NoLeader is the leader of a partition that has none.
const NoLeader base.NodeID = -1

// Topic is one topic; its partitions are indexed by partition number.
type Topic struct {
	ID         base.UUID
	Name       string
	Partitions []Partition
}

// Partition is one partition's assignment and state.
type Partition struct {
	Index          int32
	Replicas       []base.NodeID // the first is the preferred leader
	ISR            []base.NodeID
	Directories    []base.UUID // one per replica, or empty while unassigned
	Leader         base.NodeID
	LeaderEpoch    int32
	PartitionEpoch int32
}

// Broker is one registered broker.
type Broker struct {
	ID          base.NodeID
	Incarnation base.UUID // of the broker's process
	Epoch       uint64    // index of the registration in the quorum's log
	Listeners   []Listener
	Rack        string // "" if none
	Directories []base.UUID
	Fenced      bool
}

// Listener is an address that a broker advertises.
type Listener struct {
	Name     string
	Host     string
	Port     uint16
	Protocol int16 // Kafka's security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
}

// ResourceType says what a configuration override belongs to, in Kafka's numbers.
type ResourceType int8

// The resource types that have overrides.
const (
	ResourceTopic  ResourceType = 2
	ResourceBroker ResourceType = 4
	ResourceGroup  ResourceType = 32
)

// Resource names something that has configuration overrides. A broker resource
// has the decimal node id as its name, or "" for all brokers.
type Resource struct {
	Type ResourceType
	Name string
}

// Image is one immutable state of the cluster. The zero value is not usable;
// start from Empty.
type Image struct {
	copying        sync.Mutex // guards the trees' Copy, which marks the original too
	index          uint64
	clusterID      string
	byName         *btree.Map[string, *Topic]
	byID           *btree.Map[string, *Topic]   // keyed by the 16 bytes of the id
	byMetricName   *btree.Map[string, struct{}] // see CollidingTopic
	configs        *btree.Map[string, *override]
	brokers        []*Broker // sorted by id
	features       map[string]int16
	nextProducerID int64
	partitions     int
}

// override is the overrides of one resource.
type override struct {
	Resource
	values map[string]string
}

// Empty is the image before the first record.
func Empty() *Image {
	return &Image{
		byName:       new(btree.Map[string, *Topic]),
		byID:         new(btree.Map[string, *Topic]),
		byMetricName: new(btree.Map[string, struct{}]),
		configs:      new(btree.Map[string, *override]),
	}
}

// fork is a copy that may be changed before anyone else sees it.
func (img *Image) fork() *Image {
	img.copying.Lock()
	defer img.copying.Unlock()
	return &Image{
		index:          img.index,
		clusterID:      img.clusterID,
		byName:         img.byName.Copy(),
		byID:           img.byID.Copy(),
		byMetricName:   img.byMetricName.Copy(),
		configs:        img.configs.Copy(),
		brokers:        img.brokers,
		features:       img.features,
		nextProducerID: img.nextProducerID,
		partitions:     img.partitions,
	}
}

// Index is the quorum index of the last batch applied.
func (img *Image) Index() uint64 { return img.index }

// ClusterID is the cluster's id, "" before bootstrap.
func (img *Image) ClusterID() string { return img.clusterID }

// Topic finds a topic by name; nil if there is none.
func (img *Image) Topic(name string) *Topic {
	t, _ := img.byName.Get(name)
	return t
}

// TopicByID finds a topic by id; nil if there is none.
func (img *Image) TopicByID(id base.UUID) *Topic {
	t, _ := img.byID.Get(string(id[:]))
	return t
}

// Partition finds a partition; nil if the topic or the partition is missing.
func (img *Image) Partition(tp base.TopicPartition) *Partition {
	t := img.Topic(tp.Topic)
	if t == nil || tp.Partition < 0 || int(tp.Partition) >= len(t.Partitions) {
		return nil
	}
	return &t.Partitions[tp.Partition]
}

// Topics yields every topic in the order of names.
func (img *Image) Topics() iter.Seq[*Topic] { return img.TopicsFrom("") }

// TopicsFrom yields the topics whose name is at least first, in order.
func (img *Image) TopicsFrom(first string) iter.Seq[*Topic] {
	return func(yield func(*Topic) bool) {
		img.byName.Ascend(first, func(_ string, t *Topic) bool { return yield(t) })
	}
}

// CollidingTopic finds a topic whose name differs from name but is the same to
// metrics, where '.' and '_' are one character.
func (img *Image) CollidingTopic(name string) (other string, found bool) {
	if !collides(name) {
		return "", false
	}
	prefix := base.CollidingTopicName(name) + "\x00"
	img.byMetricName.Ascend(prefix, func(key string, _ struct{}) bool {
		other, found = strings.CutPrefix(key, prefix)
		return found && other == name
	})
	return other, found && other != name
}

// collides reports whether a name can collide at all; only such names are indexed.
func collides(name string) bool { return strings.ContainsAny(name, "._") }

func metricKey(name string) string { return base.CollidingTopicName(name) + "\x00" + name }

// TopicCount is the number of topics.
func (img *Image) TopicCount() int { return img.byName.Len() }

// PartitionCount is the number of partitions of all topics.
func (img *Image) PartitionCount() int { return img.partitions }

// Broker finds a registered broker; nil if there is none.
func (img *Image) Broker(id base.NodeID) *Broker {
	i, ok := img.findBroker(id)
	if !ok {
		return nil
	}
	return img.brokers[i]
}

func (img *Image) findBroker(id base.NodeID) (int, bool) {
	return slices.BinarySearchFunc(img.brokers, id, func(b *Broker, id base.NodeID) int { return cmp.Compare(b.ID, id) })
}

// Brokers are the registered brokers in the order of ids. Read only.
func (img *Image) Brokers() []*Broker { return img.brokers }

// Overrides are the configuration overrides of a resource, nil if it has none.
// Read only.
func (img *Image) Overrides(r Resource) map[string]string {
	o, ok := img.configs.Get(r.key())
	if !ok {
		return nil
	}
	return o.values
}

// TopicOverrides are the overrides of one topic. Read only.
func (img *Image) TopicOverrides(name string) map[string]string {
	return img.Overrides(Resource{ResourceTopic, name})
}

// BrokerOverrides are the overrides of one broker. Read only.
func (img *Image) BrokerOverrides(id base.NodeID) map[string]string {
	return img.Overrides(BrokerResource(id))
}

// DefaultBrokerOverrides are the overrides that hold for all brokers. Read only.
func (img *Image) DefaultBrokerOverrides() map[string]string {
	return img.Overrides(Resource{Type: ResourceBroker})
}

// GroupOverrides are the overrides of one group. Read only.
func (img *Image) GroupOverrides(name string) map[string]string {
	return img.Overrides(Resource{ResourceGroup, name})
}

// Configured yields every resource that has overrides, in a fixed order.
func (img *Image) Configured() iter.Seq2[Resource, map[string]string] {
	return func(yield func(Resource, map[string]string) bool) {
		img.configs.Scan(func(_ string, o *override) bool { return yield(o.Resource, o.values) })
	}
}

// Features are the finalized feature levels. The copy belongs to the caller.
func (img *Image) Features() map[string]int16 { return maps.Clone(img.features) }

// FeatureLevel is one finalized level, 0 if the feature is not finalized.
func (img *Image) FeatureLevel(name string) int16 { return img.features[name] }

// NextProducerID is the first producer id that was never handed out.
func (img *Image) NextProducerID() int64 { return img.nextProducerID }

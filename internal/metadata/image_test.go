package metadata

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

func id(n byte) base.UUID { return base.UUID{n, 0xaa, 15: 1} }

func topicRec(n byte, name string) *metapb.Record {
	u := id(n)
	return Record(&metapb.Topic{Id: u[:], Name: name})
}

func partitionRec(n byte, index int32, replicas ...int32) *metapb.Record {
	u := id(n)
	leader := int32(-1)
	if len(replicas) > 0 {
		leader = replicas[0]
	}
	return Record(&metapb.Partition{TopicId: u[:], Index: index, Replicas: replicas, Isr: replicas, Leader: leader})
}

func configRec(t ResourceType, name, key string, value *string) *metapb.Record {
	return Record(&metapb.Config{ResourceType: int32(t), ResourceName: name, Key: key, Value: value})
}

// step applies one batch and describes what came of it.
type step struct {
	records []*metapb.Record
	want    string
}

func TestApplyTellsAStory(t *testing.T) {
	one, two := id(1), id(2)
	steps := []step{
		{[]*metapb.Record{Record(&metapb.ClusterInit{ClusterId: "c"}), Record(&metapb.FeatureLevel{Name: "metadata.version", Level: 33})}, "cluster"},
		{[]*metapb.Record{Record(&metapb.ClusterInit{ClusterId: "other"})}, "rejected=1"},
		{[]*metapb.Record{Record(&metapb.RegisterBroker{Id: 1, Incarnation: one[:], Listeners: []*metapb.Listener{{Name: "P", Host: "h", Port: 9092}}})}, "brokers=[1]"},
		{[]*metapb.Record{Record(&metapb.FenceBroker{Id: 1, Epoch: 2})}, "rejected=1"}, // the epoch is 3
		{[]*metapb.Record{Record(&metapb.FenceBroker{Id: 1, Epoch: 3})}, "brokers=[1]"},
		{[]*metapb.Record{topicRec(1, "a"), partitionRec(1, 0, 1), partitionRec(1, 1, 1)}, "created=a/2"},
		{[]*metapb.Record{topicRec(1, "b"), topicRec(2, "a"), topicRec(3, "bad name"), topicRec(0, "")}, "rejected=4"},
		{[]*metapb.Record{partitionRec(1, 3, 1), partitionRec(2, 0, 1), partitionRec(1, 2), partitionRec(1, 2, 1, 1)}, "rejected=4"},
		{[]*metapb.Record{Record(&metapb.PartitionChange{TopicId: one[:], Index: 1, Leader: proto.Int32(-1), Isr: &metapb.NodeList{}})}, "changed=a[1]"},
		{[]*metapb.Record{Record(&metapb.PartitionChange{TopicId: one[:], Index: 1, Leader: proto.Int32(7)})}, "rejected=1"},
		{[]*metapb.Record{configRec(ResourceTopic, "a", "retention.ms", proto.String("1")), configRec(ResourceTopic, "zz", "k", proto.String("1"))}, "configs=[topic a] rejected=1"},
		{[]*metapb.Record{configRec(ResourceBroker, "", "x", proto.String("1")), configRec(ResourceBroker, "", "x", nil)}, ""},
		{[]*metapb.Record{topicRec(2, "b"), partitionRec(2, 0, 1), Record(&metapb.RemoveTopic{Id: two[:]})}, ""}, // never existed
		{[]*metapb.Record{Record(&metapb.RemoveTopic{Id: one[:]}), topicRec(2, "a"), partitionRec(2, 0, 1)}, "deleted=a created=a/1 configs=[topic a]"},
		{[]*metapb.Record{Record(&metapb.RemoveTopic{Id: one[:]})}, "rejected=1"}, // that id is gone; the name lives
		{[]*metapb.Record{Record(&metapb.ProducerIDs{Next: 1000}), Record(&metapb.ProducerIDs{Next: 500})}, "cluster rejected=1"},
		{[]*metapb.Record{{}, unknownKind()}, "unknown=2"},
		{[]*metapb.Record{nil}, "unknown=1"},
		{[]*metapb.Record{Record(&metapb.UnregisterBroker{Id: 1, Epoch: 3})}, "brokers=[1]"},
	}
	img := Empty()
	for i, s := range steps {
		next, d := img.Apply(s.records, uint64(i+1))
		if got := describe(d); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
		if full := describe(Diff(img, next)); full != describe(&Delta{
			TopicsDeleted: d.TopicsDeleted, TopicsCreated: d.TopicsCreated,
			TopicsChanged: d.TopicsChanged, ConfigsChanged: d.ConfigsChanged, BrokersChanged: d.BrokersChanged, Cluster: d.Cluster,
		}) {
			t.Errorf("step %d: Diff says %q, Apply said %q", i, full, describe(d))
		}
		img = next
	}
	if a := img.Topic("a"); a == nil || a.ID != two || img.TopicByID(two) != a || img.TopicByID(one) != nil || img.PartitionCount() != 1 {
		t.Errorf("in the end: %+v, %d partitions", a, img.PartitionCount())
	}
}

// unknownKind is a record of a later version.
func unknownKind() *metapb.Record {
	raw := protowire.AppendTag(nil, 99, protowire.BytesType)
	raw = protowire.AppendBytes(raw, []byte("news"))
	r := &metapb.Record{}
	if err := proto.Unmarshal(raw, r); err != nil {
		panic(err)
	}
	return r
}

func describe(d *Delta) string {
	var s string
	add := func(format string, args ...any) {
		if s != "" {
			s += " "
		}
		s += fmt.Sprintf(format, args...)
	}
	for _, t := range d.TopicsDeleted {
		add("deleted=%s", t.Name)
	}
	for _, t := range d.TopicsCreated {
		add("created=%s/%d", t.Name, len(t.Partitions))
	}
	for _, c := range d.TopicsChanged {
		var which []int32
		for _, p := range c.Changed() {
			which = append(which, p.Index)
		}
		add("changed=%s%v", c.New.Name, which)
	}
	if len(d.ConfigsChanged) > 0 {
		add("configs=%v", d.ConfigsChanged)
	}
	if len(d.BrokersChanged) > 0 {
		add("brokers=%v", d.BrokersChanged)
	}
	if d.Cluster {
		add("cluster")
	}
	if d.Unknown > 0 {
		add("unknown=%d", d.Unknown)
	}
	if d.Rejected > 0 {
		add("rejected=%d", d.Rejected)
	}
	return s
}

func TestEpochsFollowKafka(t *testing.T) {
	u := id(1)
	img, _ := Empty().Apply([]*metapb.Record{topicRec(1, "t"), partitionRec(1, 0, 1, 2, 3)}, 1)
	changes := []struct {
		change                      *metapb.PartitionChange
		leader                      base.NodeID
		leaderEpoch, partitionEpoch int32
	}{
		{&metapb.PartitionChange{Isr: &metapb.NodeList{Ids: []int32{1, 2}}}, 1, 0, 1},
		{&metapb.PartitionChange{Leader: proto.Int32(2)}, 2, 1, 2},
		{&metapb.PartitionChange{Leader: proto.Int32(2)}, 2, 2, 3}, // the same leader, confirmed
		{&metapb.PartitionChange{Leader: proto.Int32(-1), Isr: &metapb.NodeList{Ids: []int32{2}}}, NoLeader, 3, 4},
	}
	for i, c := range changes {
		c.change.TopicId = u[:]
		img, _ = img.Apply([]*metapb.Record{Record(c.change)}, uint64(i+2))
		p := img.Partition(base.TopicPartition{Topic: "t"})
		if p.Leader != c.leader || p.LeaderEpoch != c.leaderEpoch || p.PartitionEpoch != c.partitionEpoch {
			t.Errorf("change %d: %+v", i, p)
		}
	}
	// Epochs never go back, whatever a record says.
	back, d := img.Apply([]*metapb.Record{partitionRec(1, 0, 1)}, 9)
	if d.Rejected != 1 || back.Partition(base.TopicPartition{Topic: "t"}).LeaderEpoch != 3 {
		t.Error("a partition record took the epochs back")
	}
}

func TestCollidingTopics(t *testing.T) {
	img, _ := Empty().Apply([]*metapb.Record{topicRec(1, "a.b_c"), topicRec(2, "plain"), topicRec(3, "a.b_c.d")}, 1)
	for name, want := range map[string]string{"a_b.c": "a.b_c", "a.b_c": "", "plain": "", "a_b": "", "a_b_c_d": "a.b_c.d", "x.y": ""} {
		if got, found := img.CollidingTopic(name); found != (want != "") || found && got != want {
			t.Errorf("%q collides with %q, %t; want %q", name, got, found, want)
		}
	}
	gone := id(1)
	img, _ = img.Apply([]*metapb.Record{Record(&metapb.RemoveTopic{Id: gone[:]})}, 2)
	if got, found := img.CollidingTopic("a_b.c"); found {
		t.Errorf("collides with the deleted %q", got)
	}
}

func TestHashIgnoresWhoEmbodiesABroker(t *testing.T) {
	register := func(incarnation byte, rack string) *metapb.Record {
		u := id(incarnation)
		return Record(&metapb.RegisterBroker{Id: 1, Incarnation: u[:], Rack: &rack, Listeners: []*metapb.Listener{{Name: "P", Port: uint32(incarnation)}}})
	}
	a, _ := Empty().Apply([]*metapb.Record{register(1, "r")}, 1)
	b, _ := Empty().Apply([]*metapb.Record{register(2, "r")}, 7)
	c, _ := Empty().Apply([]*metapb.Record{register(1, "other")}, 1)
	if a.Hash() != b.Hash() || a.ExactHash() == b.ExactHash() || a.Hash() == c.Hash() {
		t.Error("the hash must depend on what was decided, and only on that")
	}
}

func TestOldImagesStay(t *testing.T) {
	img := Empty()
	type frozen struct {
		img  *Image
		hash string
	}
	var all []frozen
	for i := range 200 {
		u := id(byte(i))
		u[3] = byte(i)
		r := []*metapb.Record{
			Record(&metapb.Topic{Id: u[:], Name: fmt.Sprintf("t.%d", i)}),
			Record(&metapb.Partition{TopicId: u[:], Replicas: []int32{1}, Isr: []int32{1}, Leader: 1}),
			configRec(ResourceTopic, fmt.Sprintf("t.%d", i), "k", proto.String("v")),
		}
		if i > 10 {
			v := id(byte(i - 10))
			v[3] = byte(i - 10)
			r = append(r, Record(&metapb.RemoveTopic{Id: v[:]}))
		}
		img, _ = img.Apply(r, uint64(i+1))
		all = append(all, frozen{img, img.ExactHash()})
	}
	for i, f := range all {
		if f.img.ExactHash() != f.hash {
			t.Fatalf("image %d changed after it was replaced", i)
		}
	}
	names := slices.Collect(func(yield func(string) bool) {
		for topic := range img.TopicsFrom("t.19") {
			if !yield(topic.Name) {
				return
			}
		}
	})
	if names[0] != "t.190" || !slices.IsSorted(names) {
		t.Errorf("topics from t.19: %v", names)
	}
}

func TestSnapshotOfALaterVersionLoads(t *testing.T) {
	img, _ := Empty().Apply([]*metapb.Record{topicRec(1, "t")}, 5)
	s := &metapb.Snapshot{Index: 5, Digest: "of a later version", Records: append(slices.Collect(img.Records()), unknownKind())}
	b, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSnapshot(b)
	if err != nil || got.ExactHash() != img.ExactHash() {
		t.Errorf("%v", err)
	}
	s.Records = s.Records[:1]
	b, _ = proto.Marshal(s)
	if _, err := DecodeSnapshot(b); err == nil {
		t.Error("a snapshot with a wrong digest was accepted")
	}
}

func TestResourceNames(t *testing.T) {
	got, _ := json.Marshal([]string{
		Resource{ResourceTopic, "t"}.String(), BrokerResource(3).String(), Resource{Type: ResourceBroker}.String(), Resource{ResourceGroup, "g"}.String(), Resource{9, "x"}.String(),
	})
	if string(got) != `["topic t","broker 3","all brokers","group g","type 9 x"]` {
		t.Errorf("%s", got)
	}
}

// The digest is compared between nodes and between versions: it must not change
// by accident.
func TestHashIsStable(t *testing.T) {
	u := id(1)
	img, d := Empty().Apply([]*metapb.Record{
		Record(&metapb.ClusterInit{ClusterId: "c"}),
		Record(&metapb.FeatureLevel{Name: "metadata.version", Level: 33}),
		Record(&metapb.RegisterBroker{Id: 1, Incarnation: u[:], Listeners: []*metapb.Listener{{Name: "P", Host: "h", Port: 9092}}, Directories: [][]byte{u[:]}}),
		topicRec(1, "a.b"), partitionRec(1, 0, 1), configRec(ResourceTopic, "a.b", "k", proto.String("v")),
		Record(&metapb.ProducerIDs{Next: 1000}),
	}, 9)
	if d.Rejected != 0 {
		t.Fatal(describe(d))
	}
	if got := img.Hash(); got != "c2c5ed4071bad674e8c284699d58e061" {
		t.Errorf("hash %s", got)
	}
	if got := img.ExactHash(); got != "5aa71588b492e6b45e10a64454a88390" {
		t.Errorf("exact hash %s", got)
	}
}

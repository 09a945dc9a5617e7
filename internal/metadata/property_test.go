package metadata

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

// anyRecord draws records that are often sensible and sometimes nonsense, over
// few topics, brokers and keys, so that they meet.
func anyRecord() *rapid.Generator[*metapb.Record] {
	return rapid.Custom(func(t *rapid.T) *metapb.Record {
		u := id(byte(rapid.IntRange(0, 6).Draw(t, "id")))
		topic := u[:]
		if rapid.IntRange(0, 30).Draw(t, "short") == 0 {
			topic = topic[:5]
		}
		name := rapid.SampledFrom([]string{"a", "b", "a.b", "a_b", "c", "", "bad name"}).Draw(t, "name")
		nodes := rapid.SliceOfN(rapid.Int32Range(0, 3), 0, 3)
		var value *string
		if rapid.Bool().Draw(t, "set") {
			value = proto.String(rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "value"))
		}
		broker, epoch := rapid.Int32Range(-1, 3).Draw(t, "broker"), rapid.Uint64Range(0, 40).Draw(t, "epoch")
		index := rapid.Int32Range(-1, 4).Draw(t, "index")
		switch rapid.IntRange(0, 13).Draw(t, "kind") {
		case 0:
			return Record(&metapb.ClusterInit{ClusterId: name})
		case 1:
			return Record(&metapb.FeatureLevel{Name: name, Level: rapid.Int32().Draw(t, "level")})
		case 2:
			return Record(&metapb.RegisterBroker{
				Id: broker, Incarnation: topic, Rack: value, Fenced: value == nil,
				Listeners: []*metapb.Listener{{Name: name, Host: name, Port: rapid.Uint32().Draw(t, "port")}}, Directories: [][]byte{topic},
			})
		case 3:
			return Record(&metapb.FenceBroker{Id: broker, Epoch: epoch})
		case 4:
			return Record(&metapb.UnfenceBroker{Id: broker, Epoch: epoch})
		case 5:
			return Record(&metapb.UnregisterBroker{Id: broker, Epoch: epoch})
		case 6, 7:
			return Record(&metapb.Topic{Id: topic, Name: name})
		case 8, 9:
			r := nodes.Draw(t, "replicas")
			return Record(&metapb.Partition{
				TopicId: topic, Index: index, Replicas: r, Isr: nodes.Draw(t, "isr"), Leader: broker,
				LeaderEpoch: rapid.Int32Range(-1, 3).Draw(t, "le"), PartitionEpoch: rapid.SampledFrom([]int32{0, 1, math.MaxInt32}).Draw(t, "pe"),
			})
		case 10:
			c := &metapb.PartitionChange{TopicId: topic, Index: index}
			if value != nil {
				c.Leader = &broker
				c.Isr = &metapb.NodeList{Ids: nodes.Draw(t, "isr")}
			} else {
				c.Replicas = &metapb.NodeList{Ids: nodes.Draw(t, "replicas")}
				c.Directories = [][]byte{topic}
			}
			return Record(c)
		case 11:
			return Record(&metapb.RemoveTopic{Id: topic})
		case 12:
			return Record(&metapb.ProducerIDs{Next: rapid.Int64().Draw(t, "next")})
		}
		return Record(&metapb.Config{ResourceType: rapid.SampledFrom([]int32{2, 4, 32, 1, 258}).Draw(t, "type"), ResourceName: name, Key: "k" + name, Value: value})
	})
}

// Replaying everything, and loading a snapshot taken anywhere and replaying the
// rest, give the same image; so does applying the records one per batch, as far
// as broker epochs allow.
func TestLiveReplayAndSnapshotAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := rapid.SliceOfN(rapid.SliceOfN(anyRecord(), 0, 6), 1, 30).Draw(t, "batches")
		cut := rapid.IntRange(0, len(batches)).Draw(t, "cut")
		live, tail := Empty(), (*Image)(nil)
		for i, b := range batches {
			if i == cut {
				tail = roundTrip(t, live)
			}
			encoded, err := EncodeBatch(b)
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := DecodeBatch(encoded)
			if err != nil {
				t.Fatal(err)
			}
			before := live.ExactHash()
			next, d := live.Apply(b, uint64(i+1))
			if live.ExactHash() != before {
				t.Fatalf("batch %d changed the image it was applied to", i)
			}
			if d.Empty() != (next.ExactHash() == before) {
				t.Fatalf("batch %d: delta empty %t", i, d.Empty())
			}
			live = next
			if tail != nil {
				tail, _ = tail.Apply(decoded, uint64(i+1))
			}
			checkSound(t, live)
		}
		if tail != nil && (tail.ExactHash() != live.ExactHash() || tail.Hash() != live.Hash() || tail.Index() != live.Index()) {
			t.Fatalf("snapshot at %d and tail differ from the live image", cut)
		}
		roundTrip(t, live)
	})
}

func roundTrip(t *rapid.T, img *Image) *Image {
	data, err := img.EncodeSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSnapshot(data)
	if err != nil {
		t.Fatal(err)
	}
	if got.ExactHash() != img.ExactHash() || got.Index() != img.Index() || !Diff(img, got).Empty() {
		t.Fatalf("the image does not survive a snapshot: %+v", Diff(img, got))
	}
	return got
}

// checkSound holds an image to what its documentation promises.
func checkSound(t interface{ Fatalf(string, ...any) }, img *Image) {
	partitions, topics := 0, 0
	for topic := range img.Topics() {
		topics++
		partitions += len(topic.Partitions)
		if img.Topic(topic.Name) != topic || img.TopicByID(topic.ID) != topic || base.ValidateTopicName(topic.Name) != nil {
			t.Fatalf("topic %q is not found by name and id", topic.Name)
		}
		for i := range topic.Partitions {
			if p := &topic.Partitions[i]; int(p.Index) != i || !p.sound() {
				t.Fatalf("%s-%d is unsound: %+v", topic.Name, i, p)
			}
		}
	}
	if topics != img.TopicCount() || partitions != img.PartitionCount() || img.byID.Len() != topics {
		t.Fatalf("%d topics with %d partitions, counted as %d with %d", topics, partitions, img.TopicCount(), img.PartitionCount())
	}
	if !slices.IsSortedFunc(img.Brokers(), func(a, b *Broker) int { return int(a.ID - b.ID) }) {
		t.Fatalf("brokers are not sorted")
	}
	for r, values := range img.Configured() {
		if len(values) == 0 || r.Type == ResourceTopic && img.Topic(r.Name) == nil {
			t.Fatalf("overrides of %v: %v", r, values)
		}
	}
}

// Any bytes that decode as a batch can be applied.
func FuzzApply(f *testing.F) {
	seed := func(records ...*metapb.Record) {
		b, err := EncodeBatch(records)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	u := id(1)
	seed(topicRec(1, "a.b"), partitionRec(1, 0, 1, 2), configRec(ResourceTopic, "a.b", "k", proto.String("v")), Record(&metapb.RemoveTopic{Id: u[:]}))
	seed(Record(&metapb.RegisterBroker{Id: 1, Incarnation: u[:]}), Record(&metapb.FenceBroker{Id: 1, Epoch: 1}), Record(&metapb.UnregisterBroker{Id: 1, Epoch: 1}))
	seed(topicRec(1, "x"), partitionRec(1, 0, 1), Record(&metapb.PartitionChange{TopicId: u[:], Leader: proto.Int32(1), Isr: &metapb.NodeList{Ids: []int32{1}}}))
	seed(unknownKind(), Record(&metapb.ProducerIDs{Next: -1}), Record(&metapb.FeatureLevel{Name: "f", Level: 99999}))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := DecodeBatch(data)
		if err != nil {
			return
		}
		a, d := Empty().Apply(records, 1)
		b, _ := Empty().Apply(records, 1)
		if a.ExactHash() != b.ExactHash() {
			t.Fatal("two replays differ")
		}
		checkSound(t, a)
		snap, err := a.EncodeSnapshot()
		if err != nil {
			// Strings that are not UTF-8 can't come from a decoded batch.
			t.Fatalf("snapshot of %s: %v", describe(d), err)
		}
		back, err := DecodeSnapshot(snap)
		if err != nil || back.ExactHash() != a.ExactHash() {
			t.Fatalf("snapshot of %s: %v", describe(d), err)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	img, _ := Empty().Apply([]*metapb.Record{topicRec(1, "a"), partitionRec(1, 0, 1)}, 3)
	good, err := img.EncodeSnapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Fuzz(func(t *testing.T, data []byte) {
		if img, err := DecodeSnapshot(data); err == nil {
			checkSound(t, img)
		}
	})
}

func BenchmarkCreateTopicsOneByOne(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				img := manyTopics(n)
				if img.PartitionCount() != n {
					b.Fatal("wrong")
				}
			}
		})
	}
}

func manyTopics(n int) *Image {
	img := Empty()
	for i := range n {
		u := base.UUID{byte(i), byte(i >> 8), byte(i >> 16), 15: 7}
		img, _ = img.Apply([]*metapb.Record{
			Record(&metapb.Topic{Id: u[:], Name: fmt.Sprintf("topic.%d", i)}),
			Record(&metapb.Partition{TopicId: u[:], Replicas: []int32{1}, Isr: []int32{1}, Leader: 1}),
		}, uint64(i+1))
	}
	return img
}

func BenchmarkSnapshot10000(b *testing.B) {
	img := manyTopics(10000)
	data, _ := img.EncodeSnapshot()
	b.SetBytes(int64(len(data)))
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			_, _ = img.EncodeSnapshot()
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			_, _ = DecodeSnapshot(data)
		}
	})
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			_ = img.Hash()
		}
	})
	b.Run("topic by id", func(b *testing.B) {
		for b.Loop() {
			img.TopicByID(base.UUID{1, 2, 15: 7})
		}
	})
}

package controller

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// recorder is a log in memory that applies to a store at once.
type recorder struct {
	store   *metadata.Store
	entries [][]byte
}

func (r *recorder) IsLeader() bool { return true }

func (r *recorder) Propose(_ context.Context, data []byte) (uint64, error) {
	r.entries = append(r.entries, data)
	r.store.Apply(uint64(len(r.entries)), data)
	return uint64(len(r.entries)), nil
}

// Whatever is asked, nothing that the controller commits is rejected by apply,
// and replaying its log gives its image.
func TestAnyCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := &recorder{store: metadata.NewStore(nil)}
		next := byte(0)
		c := New(log, log.store, Config{NodeID: 1, Broker: confkey.Values{}, NewID: func() base.UUID { next++; return base.UUID{next, 15: 9} }})
		if rapid.IntRange(0, 3).Draw(t, "furnished") > 0 {
			_, _ = c.RegisterBroker(context.Background(), Registration{ID: 1, Incarnation: base.NewUUID(), Listeners: []metadata.Listener{{Name: "P"}}})
			_ = c.CreateTopics(context.Background(), []NewTopic{simple("a"), simple("b.c")}, false)
		}
		for range rapid.IntRange(1, 25).Draw(t, "commands") {
			anyCommand(t, c)
		}
		if n := log.store.Rejected() + log.store.Unknown(); n > 0 {
			t.Fatalf("%d records without effect were committed", n)
		}
		again := metadata.NewStore(nil)
		for i, e := range log.entries {
			again.Apply(uint64(i+1), e)
		}
		if again.Current().ExactHash() != log.store.Current().ExactHash() {
			t.Fatal("replay differs from the live image")
		}
	})
}

func anyCommand(t *rapid.T, c *Controller) {
	ctx := context.Background()
	name := rapid.SampledFrom([]string{"a", "b.c", "b_c", "bad name", "", "__consumer_offsets"})
	small := rapid.IntRange(-2, 5)
	ids := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) base.NodeID { return base.NodeID(rapid.IntRange(0, 4).Draw(t, "node")) }), 0, 3)
	assignment := func() [][]base.NodeID {
		if rapid.IntRange(0, 2).Draw(t, "manual") > 0 {
			return nil
		}
		return rapid.SliceOfN(ids, 0, 3).Draw(t, "assignment")
	}
	dry := rapid.IntRange(0, 5).Draw(t, "dry") == 0
	switch rapid.IntRange(0, 6).Draw(t, "command") {
	case 0:
		_, _ = c.Bootstrap(ctx, rapid.SampledFrom([]string{"", "x"}).Draw(t, "cluster"))
	case 1:
		node := base.NodeID(rapid.IntRange(0, 3).Draw(t, "broker"))
		c.cfg.NodeID = node + base.NodeID(rapid.IntRange(0, 1).Draw(t, "other"))
		_, _ = c.RegisterBroker(ctx, Registration{
			ID: node, Incarnation: base.NewUUID(), Listeners: []metadata.Listener{{Name: "P"}},
			Rack: rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "rack"), Unclean: rapid.Bool().Draw(t, "unclean"),
		})
	case 2, 3:
		topics := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) NewTopic {
			nt := NewTopic{Name: name.Draw(t, "topic"), Partitions: int32(small.Draw(t, "partitions")), ReplicationFactor: int16(small.Draw(t, "factor"))}
			if nt.Assignment = assignment(); nt.Assignment != nil {
				nt.Partitions, nt.ReplicationFactor = -1, -1
			}
			if rapid.Bool().Draw(t, "config") {
				nt.Configs = map[string]string{"retention.ms": rapid.SampledFrom([]string{"1", "x"}).Draw(t, "value")}
			}
			return nt
		}), 0, 4).Draw(t, "topics")
		_ = c.CreateTopics(ctx, topics, dry)
	case 4:
		var refs []TopicRef
		for _, n := range rapid.SliceOfN(name, 0, 3).Draw(t, "names") {
			ref := TopicRef{Name: n}
			if topic := c.store.Current().Topic(n); topic != nil && rapid.Bool().Draw(t, "by id") {
				ref = TopicRef{ID: topic.ID}
			}
			refs = append(refs, ref)
		}
		_ = c.DeleteTopics(ctx, refs)
	case 5:
		_ = c.CreatePartitions(ctx, []NewPartitions{{Topic: name.Draw(t, "topic"), Total: int32(small.Draw(t, "total") + 3), Assignment: assignment()}}, dry)
	case 6:
		types := []kmsg.ConfigResourceType{kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeGroupConfig}
		_ = c.AlterConfigs(ctx, []ConfigChange{{
			Type: rapid.SampledFrom(types).Draw(t, "type"), Name: rapid.SampledFrom([]string{"a", "b.c", "", "1", "2"}).Draw(t, "resource"),
			Replace: rapid.Bool().Draw(t, "replace"), Ops: []ConfigOp{
				op(kmsg.IncrementalAlterConfigOp(rapid.IntRange(0, 3).Draw(t, "op")), rapid.SampledFrom([]string{"cleanup.policy", "retention.ms", "message.max.bytes"}).Draw(t, "key"), "compact"),
				op(set, "max.message.bytes", "1000"),
			},
		}}, dry)
		_, _ = c.AllocateProducerIDs(ctx, 1)
	}
}

// Replicas are distinct, leaders unfenced and spread evenly over brokers, and
// racks are used evenly before any is used twice.
func TestPlacementIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		racks := rapid.IntRange(1, 3).Draw(t, "racks")
		perRack := rapid.IntRange(1, 3).Draw(t, "brokers per rack")
		img := metadata.Empty()
		for i := range racks * perRack {
			rack := fmt.Sprint("r", i%racks)
			u := base.NewUUID()
			img, _ = img.Apply([]*metapb.Record{metadata.Record(&metapb.RegisterBroker{Id: int32(i), Incarnation: u[:], Rack: &rack, Listeners: []*metapb.Listener{{}}})}, uint64(i+1))
		}
		brokers := racks * perRack
		factor := rapid.IntRange(1, brokers).Draw(t, "factor")
		rounds := rapid.IntRange(1, 4).Draw(t, "rounds")
		placed, err := newPlacer(img, rapid.IntRange(0, 50).Draw(t, "offset")).place(brokers*rounds, factor)
		if err != nil {
			t.Fatal(err)
		}
		leads, holds := map[base.NodeID]int{}, map[base.NodeID]int{}
		for i, ids := range placed {
			if len(ids) != factor {
				t.Fatalf("partition %d: %v", i, ids)
			}
			sorted := slices.Clone(ids)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != factor {
				t.Fatalf("partition %d: %v", i, ids)
			}
			leads[ids[0]]++
			inRack := map[int]int{}
			for _, id := range ids {
				holds[id]++
				inRack[int(id)%racks]++
			}
			for r := range racks {
				if n := inRack[r]; n < factor/racks || n > (factor+racks-1)/racks {
					t.Fatalf("partition %d: %v uses rack %d %d times", i, ids, r, n)
				}
			}
		}
		for id := range base.NodeID(brokers) {
			if leads[id] != rounds {
				t.Fatalf("broker %d leads %d of %d partitions (%d rounds, factor %d): %v", id, leads[id], len(placed), rounds, factor, placed)
			}
		}
	})
}

func BenchmarkCreateTopics(b *testing.B) {
	log := &recorder{store: metadata.NewStore(nil)}
	c := New(log, log.store, Config{NodeID: 1})
	if _, err := c.RegisterBroker(context.Background(), Registration{ID: 1, Incarnation: base.NewUUID(), Listeners: []metadata.Listener{{}}}); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		topics := make([]NewTopic, 1000)
		for j := range topics {
			topics[j] = NewTopic{Name: fmt.Sprintf("t.%d.%d", i, j), Partitions: 1, ReplicationFactor: 1}
		}
		i++
		for _, r := range c.CreateTopics(context.Background(), topics, false) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
		log.entries = nil
	}
}

package coordinator

import (
	"bytes"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// node is a coordinator over real partitions, logs and metadata; only the disk
// is in memory.
type node struct {
	*rig
	fs    *vfs.Mem
	wrap  func(vfs.FS) vfs.FS // of what start opens; nil: nothing
	dir   *commitlog.Dir
	id    base.UUID
	img   *metadata.Image
	index uint64
	held  map[int32]*partition.Partition

	unserved atomic.Bool // every replica answers a storage error
}

func (n *node) Get(_ string, index int32) (*partition.Partition, error) {
	if n.unserved.Load() {
		return nil, kerr.KafkaStorageError
	}
	if p := n.held[index]; p != nil {
		return p, nil
	}
	return nil, kerr.NotLeaderForPartition
}

// logConfig is the configuration of the log of __consumer_offsets.
func logConfig(durability string) commitlog.Config {
	overrides := testConfig().offsetsTopic().Configs
	overrides["durability.mode"] = durability
	return commitlog.ConfigFrom(confkey.TopicValues(confkey.Values{}, overrides))
}

func newNode(t *testing.T) *node {
	n := &node{fs: vfs.NewMem(), id: base.NewUUID(), img: metadata.Empty()}
	n.rig = &rig{t: t}
	n.start()
	n.apply(topicRecords(base.GroupMetadataTopic, n.id, 1, 1, 1, 1)...)
	return n
}

// start opens what is on the disk.
func (n *node) start() {
	var fsys vfs.FS = n.fs
	if n.wrap != nil {
		fsys = n.wrap(fsys)
	}
	dir, err := commitlog.OpenDir(n.t.Context(), commitlog.DirOptions{FS: fsys, Path: "data", NodeID: 1})
	if err != nil {
		n.t.Fatal(err)
	}
	n.dir, n.held = dir, map[int32]*partition.Partition{}
	n.c = New(Options{Self: 1, Config: testConfig(), Replicas: n, Image: func() *metadata.Image { return n.img }})
}

func (n *node) stop() {
	n.c.Close()
	if err := n.dir.Close(); err != nil {
		n.t.Error(err)
	}
}

// apply publishes metadata, to the replicas first.
func (n *node) apply(messages ...any) {
	n.index++
	before := n.img
	n.img = image(n.t, n.index, before, messages...)
	if topic := n.img.Topic(base.GroupMetadataTopic); topic != nil {
		for i := range topic.Partitions {
			n.adopt(topic, &topic.Partitions[i])
		}
	}
	n.c.Follow(metadata.Diff(before, n.img), n.img)
	synctest.Wait()
}

func (n *node) adopt(topic *metadata.Topic, p *metadata.Partition) {
	if old := n.held[p.Index]; old != nil && old.TopicID() != topic.ID {
		old.Close()
		if err := n.dir.DeleteLog(old.TopicPartition(), old.TopicID()); err != nil {
			n.t.Fatal(err)
		}
		n.held[p.Index] = nil
	}
	if n.held[p.Index] == nil {
		tp := base.TopicPartition{Topic: topic.Name, Partition: p.Index}
		log, err := n.dir.OpenLog(tp, topic.ID, logConfig("flushed"))
		if err != nil {
			n.t.Fatal(err)
		}
		n.held[p.Index] = partition.New(tp, topic.ID, log, partition.Options{})
	}
	l := partition.Leadership{Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch, Replicas: p.Replicas, ISR: p.ISR[:1]}
	if p.Leader == 1 {
		n.held[p.Index].BecomeLeader(l)
	} else {
		n.held[p.Index].BecomeFollower(l)
	}
}

// move gives the leadership of all partitions to a node.
func (n *node) move(leader, epoch int32) {
	var records []any
	for i := range int32(testPartitions) {
		records = append(records, &metapb.Partition{
			TopicId: n.id[:], Index: i, Replicas: []int32{1, 2}, Isr: []int32{1, 2}, Leader: leader, LeaderEpoch: epoch, PartitionEpoch: epoch,
		})
	}
	n.apply(records...)
}

// Groups live through a move of leadership and through a restart, on logs as
// they are on disk.
func TestOnRealPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		member, generation := n.stable("g")
		for i := range int64(50) {
			if code := n.commit("h", i); code != 0 {
				t.Fatal(kerr.ErrorForCode(code))
			}
		}
		n.move(2, 1)
		if _, code := n.fetch("h"); code != kerr.NotCoordinator.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		n.move(1, 2)
		if offset, code := n.fetch("h"); offset != 49 || code != 0 {
			t.Error(offset, kerr.ErrorForCode(code))
		}
		if code := n.heartbeat("g", member, generation); code != 0 {
			t.Error(kerr.ErrorForCode(code))
		}
		n.stop()
		n.start()
		defer n.stop()
		n.apply()
		n.move(1, 3)
		if offset, code := n.fetch("h"); offset != 49 || code != 0 {
			t.Error(offset, kerr.ErrorForCode(code))
		}
		if s := n.sync("g", member, generation); string(s.MemberAssignment) != "all" {
			t.Errorf("%+v", s)
		}
	})
}

// How large a group may be is for its topic to say, as in Kafka: whoever raises
// max.message.bytes of __consumer_offsets makes room for large groups.
func TestTopicBoundsGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		defer n.stop()
		member, generation := n.stable("g")
		grow := func() int16 {
			j := n.join("g", member)
			generation = j.Generation
			req := kmsg.NewPtrSyncGroupRequest()
			req.Version, req.Group, req.MemberID, req.Generation = 3, "g", member, generation
			req.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: member, MemberAssignment: make([]byte, 2<<20)}}
			return n.c.SyncGroup(n.ctx(), req).ErrorCode
		}
		if code := grow(); code != kerr.UnknownServerError.Code {
			t.Errorf("2 MiB of 1: %v", kerr.ErrorForCode(code))
		}
		large := logConfig("flushed")
		large.MaxMessageBytes = 3 << 20
		for _, p := range n.held {
			p.Log().SetConfig(large)
		}
		if code := grow(); code != 0 {
			t.Errorf("2 MiB of 3: %v", kerr.ErrorForCode(code))
		}
		n.move(2, 1)
		n.move(1, 2)
		if s := n.sync("g", member, generation); len(s.MemberAssignment) != 2<<20 {
			t.Errorf("after a reload: %v, %d bytes", kerr.ErrorForCode(s.ErrorCode), len(s.MemberAssignment))
		}
	})
}

// Groups stay where they are when their topic gets more partitions, as in Kafka.
func TestMorePartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		defer n.stop()
		ids := []string{"a", "b", "c", "d", "e", "f", "g"}
		for i, id := range ids {
			if code := n.commit(id, int64(i)); code != 0 {
				t.Fatal(kerr.ErrorForCode(code))
			}
		}
		member, generation := n.stable("h")
		n.apply(topicRecords(base.GroupMetadataTopic, n.id, 1, 1, 1, 1, 1, 1, 1)[5:]...)
		if got := len(n.img.Topic(base.GroupMetadataTopic).Partitions); got != 7 {
			t.Fatalf("%d partitions", got)
		}
		for i, id := range ids {
			if offset, code := n.fetch(id); code != 0 || offset != int64(i) {
				t.Errorf("%s: offset %d, %v", id, offset, kerr.ErrorForCode(code))
			}
		}
		if code := n.heartbeat("h", member, generation); code != 0 {
			t.Errorf("heartbeat: %v", kerr.ErrorForCode(code))
		}
		if got, code := n.list(); len(got) != len(ids)+1 || code != 0 {
			t.Errorf("listed %q, %v", got, kerr.ErrorForCode(code))
		}
		// A new topic of the name begins anew.
		other := base.NewUUID()
		n.apply(append([]any{&metapb.RemoveTopic{Id: n.id[:]}}, topicRecords(base.GroupMetadataTopic, other, 1, 1)...)...)
		if code := n.commit("a", 8); code != 0 || n.c.partitions() != 2 {
			t.Errorf("%v, %d partitions", kerr.ErrorForCode(code), n.c.partitions())
		}
	})
}

// A term's log refuses everything once the term is over, also when the same
// node leads in the next one.
func TestTermsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		defer n.stop()
		p := n.held[0]
		first := partitionLog{p, 0}
		b := record.NewBuilder(record.BuilderOptions{})
		b.Append(1, []byte("key"), []byte("value"))
		data := b.Build()
		if _, err := first.Append(data, 1); err != nil {
			t.Fatal(err)
		}
		lead := p.Leadership()
		p.BecomeFollower(lead)
		if _, err := first.Bounds(); !errors.Is(err, kerr.NotLeaderForPartition) {
			t.Error(err)
		}
		lead.LeaderEpoch++
		p.BecomeLeader(lead)
		for name, do := range map[string]func(partitionLog) error{
			"append": func(l partitionLog) error { _, err := l.Append(data, 1); return err },
			"read":   func(l partitionLog) error { _, err := l.Read(0, 100); return err },
			"bounds": func(l partitionLog) error { _, err := l.Bounds(); return err },
		} {
			if err := do(first); !errors.Is(err, kerr.FencedLeaderEpoch) {
				t.Errorf("%s: %v", name, err)
			}
			if err := do(partitionLog{p, 1}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Commits count after a power cut as soon as they were acknowledged.
func TestPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		if code := n.commit("g", 42); code != 0 {
			t.Fatal(kerr.ErrorForCode(code))
		}
		crashed := n.fs.CrashClone(vfs.CrashOptions{})
		n.stop()
		n.fs = crashed
		n.start()
		defer n.stop()
		n.apply()
		n.move(1, 1)
		if offset, code := n.fetch("g"); offset != 42 || code != 0 {
			t.Error(offset, kerr.ErrorForCode(code))
		}
	})
}

// Offsets go with their topic, those of another topic of the same name stay;
// and the topic of the groups itself may be deleted and come back.
func TestTopicsAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		defer n.stop()
		orders, bills := base.NewUUID(), base.NewUUID()
		n.apply(append(topicRecords("orders", orders, 1), topicRecords("bills", bills, 1)...)...)
		n.commit("plain", 1)
		known := commitRequest("known", 2)
		known.Topics[0].TopicID = orders
		n.c.OffsetCommit(n.ctx(), known)
		other := commitRequest("other", 3)
		other.Topics[0].TopicID = base.NewUUID()
		n.c.OffsetCommit(n.ctx(), other)
		n.apply(&metapb.RemoveTopic{Id: bills[:]})
		if offset, _ := n.fetch("plain"); offset != 1 {
			t.Error("deleting another topic removed offsets")
		}
		n.apply(&metapb.RemoveTopic{Id: orders[:]})
		for id, want := range map[string]int64{"plain": -1, "known": -1, "other": 3} {
			if offset, _ := n.fetch(id); offset != want {
				t.Errorf("%s: %d, want %d", id, offset, want)
			}
		}
		again := base.NewUUID()
		n.apply(append([]any{&metapb.RemoveTopic{Id: n.id[:]}}, topicRecords(base.GroupMetadataTopic, again, 1, 1, 1, 1)...)...)
		if offset, code := n.fetch("other"); offset != -1 || code != 0 {
			t.Error("groups outlive their topic", offset, kerr.ErrorForCode(code))
		}
		if code := n.commit("other", 4); code != 0 {
			t.Error(kerr.ErrorForCode(code))
		}
		n.apply(&metapb.RemoveTopic{Id: again[:]})
		if _, code := n.fetch("other"); code != kerr.NotCoordinator.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		if n.c.Partition("other") != base.CoordinatorPartition("other", 4) {
			t.Error("without a topic the configured number of partitions counts")
		}
	})
}

// Deleting a topic while the groups are loading is not forgotten.
func TestTopicIsDeletedDuringLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		r.commit("g", 5)
		log := r.log("g")
		log.set(func() { log.commits, log.hw = false, 0 })
		r.lead()
		id := base.NewUUID()
		before := image(t, 1, metadata.Empty(), topicRecords("orders", id, 1)...)
		after := image(t, 2, before, &metapb.RemoveTopic{Id: id[:]})
		r.c.dropOffsets(metadata.Diff(before, after).TopicsDeleted)
		synctest.Wait()
		log.set(func() { log.commits = true })
		log.commit()
		synctest.Wait()
		if offset, _ := r.fetch("g"); offset != 5 {
			t.Error("not loaded yet", offset)
		}
		time.Sleep(dropRetry)
		synctest.Wait()
		if offset, code := r.fetch("g"); offset != -1 || code != 0 {
			t.Error(offset, code)
		}
	})
}

// A broker that stops closes the coordinator, then the replicas, and applies
// metadata until the end: what it can't find then is no fault.
func TestAClosedCoordinatorFollowsNothing(t *testing.T) {
	synctest.Test(t, testClosedFollowsNothing)
}

func testClosedFollowsNothing(t *testing.T) {
	n := newNode(t)
	defer n.stop()
	var log bytes.Buffer
	c := New(Options{
		Self: 1, Config: testConfig(), Replicas: n, Image: func() *metadata.Image { return n.img },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	c.Close()
	clear(n.held)
	c.Follow(&metadata.Delta{}, n.img)
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

// TestDeletionEndsWithTheDisk: nobody goes on writing to a directory that failed.
func TestDeletionEndsWithTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		orders := base.NewUUID()
		n.apply(topicRecords("orders", orders, 1)...)
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			n.commit(id, 1)
		}
		n.stop()
		var disk *faultfs.FS
		n.wrap = func(fsys vfs.FS) vfs.FS { disk = faultfs.New(fsys); return disk }
		n.start()
		n.apply()
		n.move(1, 5)
		disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Write}, Glob: "*.log", Do: faultfs.EIO})
		n.apply(&metapb.RemoveTopic{Id: orders[:]})
		ended := make(chan struct{})
		go func() { n.c.working.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Error("still trying")
		}
		n.c.Close()
		_ = n.dir.Close()
	})
}

// TestReplicasThatComeLate: groups are served when their replica is, without a
// change of the metadata.
func TestReplicasThatComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		defer n.stop()
		n.unserved.Store(true)
		n.move(1, 1)
		time.Sleep(time.Minute)
		if code := n.commit("g", 1); code != kerr.NotCoordinator.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		n.unserved.Store(false)
		time.Sleep(replicaRetry)
		synctest.Wait()
		if code := n.commit("g", 1); code != 0 {
			t.Error(kerr.ErrorForCode(code))
		}
	})
}

package replica

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// cluster is the metadata of a node with id 1, and the node's replicas.
type cluster struct {
	t     *testing.T
	disk  *vfs.Mem
	log   bytes.Buffer
	store *metadata.Store
	dir   *commitlog.Dir
	set   *Set
}

func newCluster(t *testing.T, disk *vfs.Mem) *cluster {
	t.Helper()
	return newClusterOn(t, disk, disk)
}

// newClusterOn uses a disk through fsys.
func newClusterOn(t *testing.T, disk *vfs.Mem, fsys vfs.FS) *cluster {
	t.Helper()
	c := &cluster{t: t, disk: disk, store: metadata.NewStore(nil)}
	logger := slog.New(slog.NewTextHandler(&c.log, nil))
	dir, err := commitlog.OpenDir(t.Context(), commitlog.DirOptions{FS: fsys, Path: "/d", NodeID: 1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	c.dir = dir
	c.set = New(Config{Self: 1, Store: c.store, Dir: dir, Props: func() confkey.Values { return confkey.Values{} }, Logger: logger})
	return c
}

// commit applies metadata records as if the quorum had committed them.
func (c *cluster) commit(records ...proto.Message) {
	c.t.Helper()
	var rs []*metapb.Record
	for _, m := range records {
		rs = append(rs, metadata.Record(m))
	}
	data, err := metadata.EncodeBatch(rs)
	if err != nil {
		c.t.Fatal(err)
	}
	c.store.Apply(c.store.Current().Index()+1, data)
	if n := c.store.Rejected(); n > 0 {
		c.t.Fatalf("%d records were rejected", n)
	}
}

// topic is the records of a topic with one partition on each of some leaders.
func topic(id base.UUID, name string, leaders ...int32) []proto.Message {
	out := []proto.Message{&metapb.Topic{Id: id[:], Name: name}}
	for i, l := range leaders {
		out = append(out, &metapb.Partition{TopicId: id[:], Index: int32(i), Replicas: []int32{l}, Isr: []int32{l}, Leader: l})
	}
	return out
}

func (c *cluster) write(name string, value string) {
	c.t.Helper()
	p, err := c.set.Get(name, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(1, nil, []byte(value))
	if _, err := p.Append(b.Build(), partition.AppendRequest{ExpectedEpoch: -1, NowMs: 1}); err != nil {
		c.t.Fatal(err)
	}
	if err := p.Log().Flush(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) dirs(t *testing.T) []string {
	t.Helper()
	entries, err := c.disk.List("/d")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir {
			out = append(out, e.Name)
		}
	}
	slices.Sort(out)
	return out
}

func TestReplicasFollowTheMetadata(t *testing.T) {
	c := newCluster(t, vfs.NewMem())
	id := base.NewUUID()
	c.commit(topic(id, "early", 1)...)
	c.set.Start()
	c.commit(topic(base.NewUUID(), "late", 1, 2)...)

	for _, want := range []struct {
		topic string
		index int32
		err   error
	}{
		{"early", 0, nil},
		{"late", 0, nil},
		{"late", 1, kerr.NotLeaderForPartition}, // on another node
		{"late", 2, kerr.UnknownTopicOrPartition},
		{"never", 0, kerr.UnknownTopicOrPartition},
	} {
		if _, err := c.set.Get(want.topic, want.index); !errors.Is(err, want.err) && err != want.err {
			t.Errorf("%s-%d: %v, want %v", want.topic, want.index, err, want.err)
		}
	}
	if p, err := c.set.GetByID(id, 0); err != nil || p.TopicPartition().Topic != "early" {
		t.Errorf("by id: %v", err)
	}
	if _, err := c.set.GetByID(base.NewUUID(), 0); !errors.Is(err, kerr.UnknownTopicID) {
		t.Errorf("by an unknown id: %v", err)
	}
	var names []string
	for p := range c.set.Partitions() {
		names = append(names, p.TopicPartition().String())
	}
	if !slices.Equal(names, []string{"early-0", "late-0"}) {
		t.Errorf("partitions %v", names)
	}
}

func TestADeletionTakesTheLogOfThatTopicIDOnly(t *testing.T) {
	c := newCluster(t, vfs.NewMem())
	c.set.Start()
	first, second := base.NewUUID(), base.NewUUID()
	c.commit(topic(first, "orders", 1)...)
	c.write("orders", "of the first")
	old, err := c.set.Get("orders", 0)
	if err != nil {
		t.Fatal(err)
	}
	// In one step the topic goes and another of its name comes.
	c.commit(append([]proto.Message{&metapb.RemoveTopic{Id: first[:]}}, topic(second, "orders", 1)...)...)

	if _, err := old.Read(partition.ReadRequest{CurrentEpoch: -1, LastFetchedEpoch: -1}); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("the old replica still answers: %v", err)
	}
	p, err := c.set.Get("orders", 0)
	if err != nil || p.TopicID() != second || p.LogEnd() != 0 {
		t.Fatalf("the new replica has id %v, end %d, %v", p.TopicID(), p.LogEnd(), err)
	}
	if _, err := c.set.GetByID(first, 0); !errors.Is(err, kerr.UnknownTopicID) {
		t.Errorf("by the old id: %v", err)
	}
}

// TestALogOfAnotherTopicIsSetAside: the node was down, or died, when the topic
// was deleted and created again. Nothing proves that the metadata was not lost,
// so the records are kept (I13).
func TestALogOfAnotherTopicIsSetAside(t *testing.T) {
	disk := vfs.NewMem()
	before := newCluster(t, disk)
	before.set.Start()
	before.commit(topic(base.NewUUID(), "orders", 1)...)
	before.write("orders", "old")
	if err := before.dir.Close(); err != nil {
		t.Fatal(err)
	}

	after := newCluster(t, disk)
	after.commit(topic(base.NewUUID(), "orders", 1)...)
	after.set.Start()
	after.write("orders", "new")
	dirs := after.dirs(t)
	if len(dirs) != 2 || dirs[0] != "orders-0" || !strings.HasSuffix(dirs[1], "-stray") {
		t.Errorf("directories %v", dirs)
	}
	if p, _ := after.set.Get("orders", 0); p == nil || p.LogEnd() != 1 {
		t.Error("the new topic does not begin empty")
	}
}

func TestUnknownLogsAreReportedAndLeftAlone(t *testing.T) {
	disk := vfs.NewMem()
	before := newCluster(t, disk)
	before.set.Start()
	before.commit(topic(base.NewUUID(), "forgotten", 1)...)
	before.write("forgotten", "x")
	if err := before.dir.Close(); err != nil {
		t.Fatal(err)
	}
	after := newCluster(t, disk)
	after.set.Start()
	if !strings.Contains(after.log.String(), "belongs to no topic") || !slices.Equal(after.dirs(t), []string{"forgotten-0"}) {
		t.Errorf("directories %v, log:\n%s", after.dirs(t), after.log.String())
	}
}

// TestADamagedReplicaIsNotAnUnknownTopic: clients take UNKNOWN_TOPIC for a
// deletion and forget their position.
func TestADamagedReplicaIsNotAnUnknownTopic(t *testing.T) {
	disk := vfs.NewMem()
	id := base.NewUUID()
	before := newCluster(t, disk)
	before.set.Start()
	before.commit(topic(id, "orders", 1)...)
	before.write("orders", "x")
	if err := before.dir.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk.Remove("/d/milena.manifest"); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Open("/d/orders-0/00000000000000000000.log")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(10); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()

	after := newCluster(t, disk)
	after.commit(append(topic(id, "orders", 1), topic(base.NewUUID(), "healthy", 1)...)...)
	after.set.Start()
	if _, err := after.set.Get("orders", 0); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("damaged: %v", err)
	}
	if len(after.set.Unserved()) != 1 {
		t.Errorf("unserved: %v", after.set.Unserved())
	}
	if _, err := after.set.Get("healthy", 0); err != nil {
		t.Errorf("healthy: %v", err)
	}
}

func TestSettingsReachTheLog(t *testing.T) {
	c := newCluster(t, vfs.NewMem())
	c.set.Start()
	id := base.NewUUID()
	c.commit(
		&metapb.Topic{Id: id[:], Name: "orders"},
		&metapb.Partition{TopicId: id[:], Replicas: []int32{1, 2}, Isr: []int32{1}, Leader: 1},
		override("orders", "retention.ms", "1000"),
	)
	p, err := c.set.Get("orders", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Log().Config().RetentionMs; got != 1000 {
		t.Errorf("retention.ms at creation is %d", got)
	}
	c.commit(override("orders", "durability.mode", "relaxed"), override("orders", "min.insync.replicas", "2"))
	if p.Log().Config().Durable {
		t.Error("durability.mode did not change")
	}
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(1, nil, []byte("x"))
	if _, err := p.Append(b.Build(), partition.AppendRequest{Acks: -1, ExpectedEpoch: -1}); !errors.Is(err, kerr.NotEnoughReplicas) {
		t.Errorf("min.insync.replicas did not change: %v", err)
	}
}

func override(topic, key, value string) proto.Message {
	return &metapb.Config{ResourceType: int32(metadata.ResourceTopic), ResourceName: topic, Key: key, Value: &value}
}

func TestCloseEndsThePartitions(t *testing.T) {
	c := newCluster(t, vfs.NewMem())
	c.set.Start()
	c.commit(topic(base.NewUUID(), "orders", 1)...)
	p, _ := c.set.Get("orders", 0)
	n := base.NewNotifier()
	p.Watch(n, 100)
	<-drain(n)
	c.set.Close()
	<-n.C()
	if _, err := p.Committed(100); err == nil {
		t.Error("a closed partition still promises commits")
	}
}

// drain takes a notification that is already there and is never empty itself.
func drain(n *base.Notifier) <-chan struct{} {
	n.Notify()
	return n.C()
}

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/vfs"
)

// rig is a controller on a real quorum of one, in memory.
type rig struct {
	*Controller
	t     *testing.T
	fs    *vfs.Mem
	q     *quorum.Quorum
	store *metadata.Store
}

var rigDir = base.UUID{5, 15: 5}

func newRig(t *testing.T, settings ...string) *rig {
	t.Helper()
	r := &rig{t: t, fs: vfs.NewMem()}
	r.open(settings...)
	t.Cleanup(func() { r.close() })
	return r
}

func (r *rig) open(settings ...string) {
	r.t.Helper()
	raw := map[string]string{}
	for i := 0; i < len(settings); i += 2 {
		raw[settings[i]] = settings[i+1]
	}
	values, errs := confkey.NewBroker(raw)
	if errs != nil {
		r.t.Fatal(errs)
	}
	r.store = metadata.NewStore(nil)
	var err error
	r.q, err = quorum.Open(r.t.Context(), quorum.Config{NodeID: 1, DirectoryID: rigDir, FS: r.fs, Path: "q", SM: r.store, SegmentBytes: 64 << 10})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Controller = New(r.q, r.store, Config{NodeID: 1, Broker: values})
}

func (r *rig) close() {
	if r.q == nil {
		return
	}
	if err := r.q.Close(); err != nil {
		r.t.Error(err)
	}
	if n := r.store.Rejected() + r.store.Unknown(); n > 0 {
		r.t.Errorf("%d records were committed that have no effect", n)
	}
	r.q = nil
}

// register adds brokers by id; those from 100 on stay fenced, because another
// node's broker starts fenced and nothing unfences it here. The controller is
// made to believe that the others are its own.
func (r *rig) register(ids ...base.NodeID) {
	r.t.Helper()
	for _, id := range ids {
		r.Controller.cfg.NodeID = 1
		if id < 100 {
			r.Controller.cfg.NodeID = id
		}
		_, err := r.RegisterBroker(r.t.Context(), Registration{ID: id, Incarnation: base.NewUUID(), Listeners: []metadata.Listener{{Name: "PLAINTEXT", Host: "h", Port: 9092}}})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	r.Controller.cfg.NodeID = 1
}

func (r *rig) create(t NewTopic) TopicResult {
	return r.CreateTopics(r.t.Context(), []NewTopic{t}, false)[0]
}

// simple is a request for a topic with defaults.
func simple(name string) NewTopic { return NewTopic{Name: name, Partitions: -1, ReplicationFactor: -1} }

// expect compares an error with a Kafka error and a part of its message.
func expect(t *testing.T, what string, err error, code *kerr.Error, text string) {
	t.Helper()
	if code == nil {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code.Message)
		return
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("%s: message %q does not contain %q", what, err, text)
	}
}

func TestBootstrapOnce(t *testing.T) {
	r := newRig(t)
	id, err := r.Bootstrap(t.Context(), "")
	if err != nil || len(id) != 22 {
		t.Fatalf("%q, %v", id, err)
	}
	again, err := r.Bootstrap(t.Context(), "")
	if err != nil || again != id {
		t.Errorf("second bootstrap: %q, %v", again, err)
	}
	_, err = r.Bootstrap(t.Context(), "another")
	expect(t, "another id", err, kerr.InconsistentClusterID, id)
	if f := r.store.Current().Features(); len(f) != 1 || f["metadata.version"] != 33 {
		t.Errorf("features %v", f)
	}
	given := newRig(t)
	if id, err := given.Bootstrap(t.Context(), "my-cluster"); err != nil || id != "my-cluster" {
		t.Errorf("given id: %q, %v", id, err)
	}
}

func TestCreateTopicsRules(t *testing.T) {
	r := newRig(t, "num.partitions", "3")
	r.register(1, 2, 100)
	expect(t, "first", r.create(simple("taken.topic")).Err, nil, "")
	cases := []struct {
		what string
		in   NewTopic
		code *kerr.Error
		text string
	}{
		{"again", simple("taken.topic"), kerr.TopicAlreadyExists, "Topic 'taken.topic' already exists."},
		{"collision", simple("taken_topic"), kerr.InvalidTopicException, "Topic 'taken_topic' collides with existing topic: taken.topic"},
		{"empty name", simple(""), kerr.InvalidTopicException, "empty"},
		{"bad name", simple("a/b"), kerr.InvalidTopicException, "a/b"},
		{"metadata topic", simple("__cluster_metadata"), kerr.TopicAuthorizationFailed, "prohibited"},
		{"no partitions", NewTopic{Name: "a", Partitions: 0, ReplicationFactor: 1}, kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value."},
		{"minus two", NewTopic{Name: "a", Partitions: -2, ReplicationFactor: 1}, kerr.InvalidPartitions, ""},
		{"no replicas", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 0}, kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value."},
		{
			"too many replicas",
			NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 4},
			kerr.InvalidReplicationFactor,
			"Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) are registered.",
		},
		{"too many partitions", NewTopic{Name: "a", Partitions: 10001, ReplicationFactor: 1}, kerr.PolicyViolation, "Excessively large number of partitions per request."},
		{"unknown config", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"retention.mss": "1"}}, kerr.InvalidConfig, "Unknown topic config name: retention.mss"},
		{"bad config", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "soon"}}, kerr.InvalidConfig, "retention.ms"},
		{"conflict", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}}, kerr.InvalidConfig, "min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"},
		{"not text", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "\xff"}}, kerr.InvalidConfig, "UTF-8"},
		{"manual with factor", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: 1, Assignment: [][]base.NodeID{{1}}}, kerr.InvalidRequest, "replication factor was not set to -1"},
		{"manual with count", NewTopic{Name: "a", Partitions: 1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{1}}}, kerr.InvalidRequest, "numPartitions was not set to -1"},
		{"manual empty", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{}}}, kerr.InvalidReplicaAssignment, "empty replica list"},
		{"manual unknown", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{1}, {9}}}, kerr.InvalidReplicaAssignment, "includes broker 9, but no such broker is registered"},
		{"manual twice", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{1, 1}}}, kerr.InvalidReplicaAssignment, "includes the broker 1 more than once"},
		{"manual uneven", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{1}, {1, 2}}}, kerr.InvalidReplicaAssignment, "not consistent"},
		{"manual fenced", NewTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{100}}}, kerr.InvalidReplicaAssignment, "fenced"},
		{"manual", NewTopic{Name: "manual", Partitions: -1, ReplicationFactor: -1, Assignment: [][]base.NodeID{{100, 2}, {1, 2}}}, nil, ""},
		{"defaults", simple("defaults"), nil, ""},
		{"configs", NewTopic{Name: "configs", Partitions: 1, ReplicationFactor: 2, Configs: map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}}, nil, ""},
	}
	for _, c := range cases {
		index := r.store.Current().Index()
		expect(t, c.what+" (validate only)", r.CreateTopics(t.Context(), []NewTopic{c.in}, true)[0].Err, c.code, c.text)
		res := r.create(c.in)
		expect(t, c.what, res.Err, c.code, c.text)
		topic := r.store.Current().Topic(c.in.Name)
		if c.code != nil {
			if c.what != "again" && topic != nil || r.store.Current().Index() != index {
				t.Errorf("%s: refused, but something was committed", c.what)
			}
			continue
		}
		if topic == nil || topic.ID != res.ID || len(topic.Partitions) != int(res.Partitions) || len(topic.Partitions[0].Replicas) != int(res.ReplicationFactor) {
			t.Errorf("%s: %+v, result %+v", c.what, topic, res)
		}
	}
	img := r.store.Current()
	if p := img.Partition(base.TopicPartition{Topic: "manual"}); p.Leader != 2 || !slices.Equal(p.ISR, []base.NodeID{2}) || !slices.Equal(p.Replicas, []base.NodeID{100, 2}) {
		t.Errorf("a fenced replica must be neither leader nor in sync: %+v", p)
	}
	if n := len(img.Topic("defaults").Partitions); n != 3 {
		t.Errorf("default partitions: %d", n)
	}
	if o := img.TopicOverrides("configs"); len(o) != 2 || o["cleanup.policy"] != "compact" {
		t.Errorf("overrides: %v", o)
	}
}

func TestCreateTopicsWithoutBrokers(t *testing.T) {
	r := newRig(t)
	expect(t, "no broker", r.create(simple("a")).Err, kerr.InvalidReplicationFactor, "All brokers are currently fenced")
}

func TestOneRequestOneProposal(t *testing.T) {
	r := newRig(t)
	r.register(1)
	topics := []NewTopic{simple("dup"), simple("x.y"), simple("dup"), simple("x_y")}
	for i := range 1000 {
		topics = append(topics, simple(fmt.Sprintf("topic-%d", i)))
	}
	before := r.store.Current().Index()
	results := r.CreateTopics(t.Context(), topics, false)
	if got := r.store.Current().Index(); got != before+1 {
		t.Errorf("%d proposals", got-before)
	}
	expect(t, "dup", results[0].Err, kerr.InvalidRequest, "Duplicate topic name.")
	expect(t, "dup", results[2].Err, kerr.InvalidRequest, "Duplicate topic name.")
	expect(t, "x.y", results[1].Err, nil, "")
	expect(t, "x_y", results[3].Err, kerr.InvalidTopicException, "collides with existing topic: x.y")
	for i := range results[4:] {
		expect(t, topics[4+i].Name, results[4+i].Err, nil, "")
	}
	if n := r.store.Current().TopicCount(); n != 1001 {
		t.Errorf("%d topics", n)
	}
	// The limit counts the request, not the topic.
	big := []NewTopic{{Name: "big1", Partitions: 9000, ReplicationFactor: 1}, {Name: "big2", Partitions: 2000, ReplicationFactor: 1}, {Name: "big3", Partitions: 1000, ReplicationFactor: 1}}
	res := r.CreateTopics(t.Context(), big, true)
	expect(t, "9000", res[0].Err, nil, "")
	expect(t, "2000 more", res[1].Err, kerr.PolicyViolation, "")
	expect(t, "1000 more", res[2].Err, nil, "")
}

// Requests that wait together are decided in order on each other's outcome, and
// share proposals.
func TestConcurrentRequests(t *testing.T) {
	r := newRig(t)
	r.register(1)
	before := r.store.Current().Index()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]int{}
	const names, tries = 40, 10
	for i := range names * tries {
		wg.Go(func() {
			name := fmt.Sprintf("t%d", i%names)
			res := r.create(simple(name))
			mu.Lock()
			defer mu.Unlock()
			if res.Err == nil {
				won[name]++
				if r.store.Current().TopicByID(res.ID) == nil {
					t.Errorf("%s: answered before it was applied", name)
				}
			} else {
				expect(t, name, res.Err, kerr.TopicAlreadyExists, "")
			}
		})
	}
	wg.Wait()
	for name, n := range won {
		if n != 1 {
			t.Errorf("%s was created %d times", name, n)
		}
	}
	if len(won) != names {
		t.Errorf("%d topics", len(won))
	}
	if proposals := r.store.Current().Index() - before; proposals > names {
		t.Errorf("%d proposals for %d topics", proposals, names)
	}
}

func TestDeleteTopics(t *testing.T) {
	r := newRig(t)
	r.register(1)
	var ids []base.UUID
	for _, name := range []string{"a", "b", "c", "d"} {
		ids = append(ids, r.create(NewTopic{Name: name, Partitions: 2, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "1"}}).ID)
	}
	got := r.DeleteTopics(t.Context(), []TopicRef{
		{Name: "a"}, {ID: ids[1]}, {Name: "c"}, {ID: ids[2]}, {Name: "nope"}, {ID: base.UUID{9}}, {}, {Name: "d", ID: ids[3]}, {Name: "x"}, {Name: "x"}, {ID: base.UUID{8}}, {ID: base.UUID{8}},
	})
	for i, want := range []struct {
		code *kerr.Error
		text string
	}{
		{nil, ""},
		{nil, ""},
		{nil, ""},
		{kerr.InvalidRequest, "The provided topic name maps to an ID that was already supplied."},
		{kerr.UnknownTopicOrPartition, ""},
		{kerr.UnknownTopicID, ""},
		{kerr.InvalidRequest, "Neither topic name nor id were specified."},
		{kerr.InvalidRequest, "You may not specify both topic name and topic id."},
		{kerr.InvalidRequest, "Duplicate topic name."},
		{kerr.InvalidRequest, "Duplicate topic name."},
		{kerr.InvalidRequest, "Duplicate topic id."},
		{kerr.InvalidRequest, "Duplicate topic id."},
	} {
		expect(t, fmt.Sprint("element ", i), got[i], want.code, want.text)
	}
	img := r.store.Current()
	if img.TopicCount() != 1 || img.Topic("d") == nil || img.TopicOverrides("a") != nil || img.PartitionCount() != 2 {
		t.Errorf("left: %d topics, overrides %v", img.TopicCount(), img.TopicOverrides("a"))
	}
	// The name is free again, under another id.
	if again := r.create(simple("a")); again.Err != nil || again.ID == ids[0] {
		t.Errorf("created again: %+v", again)
	}
	expect(t, "the old id", r.DeleteTopics(t.Context(), []TopicRef{{ID: ids[0]}})[0], kerr.UnknownTopicID, "")

	off := newRig(t, "delete.topic.enable", "false")
	off.register(1)
	off.create(simple("a"))
	expect(t, "disabled", off.DeleteTopics(t.Context(), []TopicRef{{Name: "a"}})[0], kerr.TopicDeletionDisabled, "")
}

func TestCreatePartitions(t *testing.T) {
	r := newRig(t)
	r.register(1, 2, 3)
	for _, name := range []string{"a", "b", "c"} {
		r.create(NewTopic{Name: name, Partitions: 2, ReplicationFactor: 2})
	}
	request := []NewPartitions{
		{Topic: "a", Total: 5},
		{Topic: "b", Total: 2},
		{Topic: "nope", Total: 3},
		{Topic: "c", Total: 3, Assignment: [][]base.NodeID{{3, 1}}},
	}
	expect(t, "validate only", r.CreatePartitions(t.Context(), request, true)[0], nil, "")
	if n := len(r.store.Current().Topic("a").Partitions); n != 2 {
		t.Errorf("validate only made %d partitions", n)
	}
	got := r.CreatePartitions(t.Context(), request, false)
	expect(t, "a", got[0], nil, "")
	expect(t, "b", got[1], kerr.InvalidPartitions, "Topic already has 2 partition(s).")
	expect(t, "nope", got[2], kerr.UnknownTopicOrPartition, "")
	expect(t, "c", got[3], nil, "")
	img := r.store.Current()
	if p := img.Partition(base.TopicPartition{Topic: "c", Partition: 2}); p == nil || p.Leader != 3 || !slices.Equal(p.Replicas, []base.NodeID{3, 1}) {
		t.Errorf("c-2: %+v", p)
	}
	for i, p := range img.Topic("a").Partitions {
		if len(p.Replicas) != 2 || i > 0 && p.Leader == img.Topic("a").Partitions[i-1].Leader {
			t.Errorf("a-%d: %v after %v: the stripes must go on", i, p.Replicas, img.Topic("a").Partitions[max(0, i-1)].Replicas)
		}
	}
	one := func(what string, p NewPartitions, code *kerr.Error, text string) {
		t.Helper()
		expect(t, what, r.CreatePartitions(t.Context(), []NewPartitions{p}, false)[0], code, text)
	}
	one("fewer", NewPartitions{Topic: "a", Total: 3}, kerr.InvalidPartitions, "The topic a currently has 5 partition(s); 3 would not be an increase.")
	one("too many", NewPartitions{Topic: "a", Total: 10006}, kerr.PolicyViolation, "additional partitions")
	one("assignments", NewPartitions{Topic: "a", Total: 7, Assignment: [][]base.NodeID{{1, 2}}}, kerr.InvalidReplicaAssignment, "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.")
	one("factor", NewPartitions{Topic: "a", Total: 6, Assignment: [][]base.NodeID{{1}}}, kerr.InvalidReplicaAssignment, "not consistent")
	dup := r.CreatePartitions(t.Context(), []NewPartitions{{Topic: "a", Total: 6}, {Topic: "a", Total: 7}}, false)
	expect(t, "duplicate", dup[1], kerr.InvalidRequest, "Duplicate topic name.")
}

func TestProducerIDsAreNeverReused(t *testing.T) {
	r := newRig(t)
	seen := map[int64]bool{}
	for range 4 {
		before := r.store.Current().NextProducerID()
		for range 700 {
			first, err := r.AllocateProducerIDs(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if seen[first] || first >= r.store.Current().NextProducerID() {
				t.Fatalf("producer id %d again, or not reserved", first)
			}
			seen[first] = true
		}
		if n := r.store.Current().NextProducerID() - before; n != ProducerIDBlock {
			t.Errorf("700 ids reserved %d", n)
		}
		// A crash, without Close.
		disk := r.fs.CrashClone(vfs.CrashOptions{})
		r.close()
		r.fs = disk
		r.open()
	}
	big, err := r.AllocateProducerIDs(t.Context(), 5000)
	next, err2 := r.AllocateProducerIDs(t.Context(), 1)
	if err != nil || err2 != nil || next != big+5000 {
		t.Errorf("%d, then %d", big, next)
	}
	if _, err := r.AllocateProducerIDs(t.Context(), 0); !errors.Is(err, kerr.InvalidRequest) {
		t.Errorf("none: %v", err)
	}
}

func TestRegistration(t *testing.T) {
	r := newRig(t)
	reg := Registration{ID: 1, Incarnation: base.UUID{1}, Listeners: []metadata.Listener{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}}, Rack: "r", Directories: []base.UUID{rigDir}}
	first, err := r.RegisterBroker(t.Context(), reg)
	if err != nil {
		t.Fatal(err)
	}
	b := r.store.Current().Broker(1)
	if b.Fenced || b.Epoch != first || b.Rack != "r" || b.Listeners[0] != reg.Listeners[0] || b.Directories[0] != rigDir {
		t.Errorf("%+v", b)
	}
	r.create(simple("t"))
	reg.Incarnation = base.UUID{2} // the same node started again
	again, err := r.RegisterBroker(t.Context(), reg)
	if err != nil || again <= first {
		t.Errorf("epoch %d after %d, %v", again, first, err)
	}
	p := r.store.Current().Partition(base.TopicPartition{Topic: "t"})
	if p.LeaderEpoch != 0 {
		t.Errorf("a clean start raised the leader epoch: %+v", p)
	}
	reg.Incarnation, reg.Unclean = base.UUID{3}, true
	if _, err := r.RegisterBroker(t.Context(), reg); err != nil {
		t.Error(err)
	}
	if p := r.store.Current().Partition(base.TopicPartition{Topic: "t"}); p.LeaderEpoch != 1 || p.Leader != 1 {
		t.Errorf("after an unclean start: %+v", p)
	}

	other := Registration{ID: 2, Incarnation: base.UUID{4}, Listeners: reg.Listeners}
	if _, err := r.RegisterBroker(t.Context(), other); err != nil || !r.store.Current().Broker(2).Fenced {
		t.Errorf("another node's broker: %v", err)
	}
	_, err = r.RegisterBroker(t.Context(), Registration{ID: 2, Incarnation: base.UUID{5}})
	expect(t, "no listeners", err, kerr.InvalidRequest, "")
	alive := metadata.Record(&metapb.UnfenceBroker{Id: 2, Epoch: r.store.Current().Broker(2).Epoch})
	payload, _ := metadata.EncodeBatch([]*metapb.Record{alive})
	if _, err := r.q.Propose(t.Context(), payload); err != nil {
		t.Fatal(err)
	}
	other.Incarnation = base.UUID{6}
	_, err = r.RegisterBroker(t.Context(), other)
	expect(t, "alive", err, kerr.DuplicateBrokerRegistration, "Another broker is registered")
}

// A broker that leads more than one proposal holds must be able to start after a crash.
func TestManyLeaderEpochs(t *testing.T) {
	r := newRig(t)
	reg := Registration{ID: 1, Incarnation: base.UUID{1}, Listeners: []metadata.Listener{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}}}
	if _, err := r.RegisterBroker(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		r.create(NewTopic{Name: name, Partitions: 100, ReplicationFactor: 1})
	}
	r.cfg.MaxProposalBytes = 2000
	reg.Incarnation, reg.Unclean = base.UUID{2}, true
	if _, err := r.RegisterBroker(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	for topic := range r.store.Current().Topics() {
		for i := range topic.Partitions {
			if p := topic.Partitions[i]; p.LeaderEpoch != 1 || p.Leader != 1 {
				t.Fatalf("%s-%d: %+v", topic.Name, i, p)
			}
		}
	}
}

func TestTwoStartsGiveOneHash(t *testing.T) {
	r := newRig(t)
	var hashes []string
	for i := range 4 {
		recovered := r.store.Current().Hash()
		if _, err := r.Bootstrap(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		r.register(1)
		if i == 0 {
			for n := range 30 {
				r.create(NewTopic{Name: fmt.Sprint("t", n), Partitions: 3, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "5"}})
			}
		} else {
			hashes = append(hashes, recovered, r.store.Current().Hash())
		}
		r.close()
		r.open()
	}
	if slices.Sort(hashes); len(slices.Compact(hashes)) != 1 {
		t.Errorf("hashes differ: %q", hashes)
	}
}

// stuck is a log that never leads, or fails.
type stuck struct {
	leads bool
	err   error
}

func (s stuck) IsLeader() bool { return s.leads }

func (s stuck) Propose(context.Context, []byte) (uint64, error) { return 0, s.err }

func TestLogErrorsBecomeKafkaErrors(t *testing.T) {
	for _, c := range []struct {
		log  stuck
		code *kerr.Error
		text string
	}{
		{stuck{}, kerr.NotController, "not the active controller"},
		{stuck{true, &quorum.NotLeaderError{Leader: 3, Known: true}}, kerr.NotController, "not the active controller"},
		{stuck{true, quorum.ErrLeadershipLost}, kerr.NotController, "may or may not"},
		{stuck{true, quorum.ErrBusy}, kerr.RequestTimedOut, "too many"},
		{stuck{true, fmt.Errorf("%w: disk", quorum.ErrStopped)}, kerr.NotController, "stopped"},
	} {
		ctl := New(c.log, metadata.NewStore(nil), Config{NodeID: 1})
		_, err := ctl.Bootstrap(t.Context(), "")
		expect(t, c.text, err, c.code, c.text)
		_, err = ctl.AllocateProducerIDs(t.Context(), 1)
		expect(t, "ids "+c.text, err, c.code, c.text)
		expect(t, "topics", ctl.CreateTopics(t.Context(), []NewTopic{simple("a"), simple("b")}, false)[1].Err, func() *kerr.Error {
			if c.log.leads {
				return kerr.InvalidReplicationFactor // nothing to propose
			}
			return kerr.NotController
		}(), "")
	}
}

// slow is a log that answers when it is told to.
type slow struct{ release chan struct{} }

func (s slow) IsLeader() bool { return true }

func (s slow) Propose(context.Context, []byte) (uint64, error) {
	<-s.release
	return 1, nil
}

func TestCallersMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slow{make(chan struct{})}
		ctl := New(log, metadata.NewStore(nil), Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := ctl.Bootstrap(ctx, "")
		expect(t, "deadline", err, kerr.RequestTimedOut, "may still happen")
		// Who comes with a context that ended is not decided for.
		decided := false
		err = ctl.submit(ctx, func(*metadata.Image) []*metapb.Record { decided = true; return nil })
		expect(t, "ended", err, kerr.RequestTimedOut, "")
		close(log.release)
		synctest.Wait()
		if decided {
			t.Error("a decision was made for a caller who had left")
		}
	})
}

// A caller may look at the answer before it looks at its context: what was not
// decided must not be an answer without an error, out of which producer ids that
// somebody has, or no results at all, would be read.
func TestNothingDecidedIsNoSuccess(t *testing.T) {
	r := newRig(t)
	r.register(1)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late := &command{ctx: over, done: make(chan error, 1), decide: func(*metadata.Image) []*metapb.Record {
		t.Error("a decision was made for a caller who had left")
		return nil
	}}
	inTime := &command{ctx: t.Context(), done: make(chan error, 1), decide: func(*metadata.Image) []*metapb.Record {
		return []*metapb.Record{metadata.Record(&metapb.ProducerIDs{Next: 7})}
	}}
	if n := r.round([]*command{late, inTime}); n != 2 {
		t.Errorf("%d commands answered", n)
	}
	expect(t, "late", <-late.done, kerr.RequestTimedOut, "")
	expect(t, "in time", <-inTime.done, nil, "")
	if next := r.store.Current().NextProducerID(); next != 7 {
		t.Errorf("the next producer id is %d", next)
	}
}

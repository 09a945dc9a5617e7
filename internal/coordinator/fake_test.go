package coordinator

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/shard"
)

// fakeLog is a partition in memory whose high watermark and failures the test
// controls.
type fakeLog struct {
	mu       sync.Mutex
	epoch    int32
	batches  []record.Batch
	end, hw  int64
	commits  bool // the high watermark follows the end by itself
	refuse   error
	watchers map[*base.Notifier]int64
}

func newFakeLog() *fakeLog { return &fakeLog{commits: true, watchers: map[*base.Notifier]int64{}} }

func (l *fakeLog) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *fakeLog) commit() { l.set(l.commitLocked) }

func (l *fakeLog) commitLocked() {
	l.hw = l.end
	for n := range l.watchers {
		n.Notify()
	}
}

func (l *fakeLog) lead() (int32, fakeTerm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	return l.epoch, fakeTerm{l, l.epoch}
}

type fakeTerm struct {
	*fakeLog
	term int32
}

func (t fakeTerm) Append(data []byte, _ int64) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.epoch != t.term:
		return 0, kerr.FencedLeaderEpoch
	case t.refuse != nil:
		return 0, t.refuse
	}
	first := t.end
	for data = append([]byte(nil), data...); len(data) > 0; {
		b, rest, err := record.Split(data)
		if err != nil {
			return 0, err
		}
		b.SetBaseOffset(t.end)
		t.batches = append(t.batches, b)
		t.end, data = b.LastOffset()+1, rest
	}
	if t.commits {
		t.commitLocked()
	}
	return first, nil
}

func (t fakeTerm) Read(offset int64, _ int) ([][]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.batches {
		if b.LastOffset() >= offset && b.LastOffset() < t.hw {
			return [][]byte{b}, nil
		}
	}
	return nil, nil
}

func (t fakeTerm) Bounds() (shard.Bounds, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch != t.term {
		return shard.Bounds{}, kerr.FencedLeaderEpoch
	}
	return shard.Bounds{HighWatermark: t.hw, End: t.end}, nil
}

func (t fakeTerm) Watch(n *base.Notifier, until int64) { t.set(func() { t.watchers[n] = until }) }
func (t fakeTerm) Unwatch(n *base.Notifier)            { t.set(func() { delete(t.watchers, n) }) }

// rig is a coordinator over fake partitions.
type rig struct {
	t    *testing.T
	c    *Coordinator
	logs []*fakeLog
}

const testPartitions = 4

func testConfig() Config {
	v, _ := confkey.NewBroker(map[string]string{
		"group.initial.rebalance.delay.ms": "100", "offsets.topic.num.partitions": "4",
	})
	return ConfigFrom(v)
}

func newRig(t *testing.T) *rig {
	img := metadata.Empty()
	r := &rig{t: t, c: New(Options{Self: 1, Config: testConfig(), Image: func() *metadata.Image { return img }})}
	t.Cleanup(r.c.Close)
	for range testPartitions {
		r.logs = append(r.logs, newFakeLog())
	}
	return r
}

func (r *rig) lead() {
	for i, l := range r.logs {
		epoch, term := l.lead()
		r.c.Lead(int32(i), epoch, term)
	}
	synctest.Wait()
}

// log is where a group's records are.
func (r *rig) log(groupID string) *fakeLog { return r.logs[r.c.Partition(groupID)] }

func (r *rig) ctx() context.Context { return r.t.Context() }

func (r *rig) commit(groupID string, offset int64) int16 {
	return r.c.OffsetCommit(r.ctx(), commitRequest(groupID, offset)).Topics[0].Partitions[0].ErrorCode
}

func commitRequest(groupID string, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.Generation = 9, groupID, -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = offset
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "orders", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return req
}

func (r *rig) fetch(groupID string) (offset int64, code int16) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: groupID, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "orders", Partitions: []int32{0}}}}}
	g := r.c.OffsetFetch(r.ctx(), req).Groups[0]
	if g.ErrorCode != 0 {
		return -1, g.ErrorCode
	}
	return g.Topics[0].Partitions[0].Offset, 0
}

func (r *rig) join(groupID, member string) *kmsg.JoinGroupResponse {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 9, groupID, member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 60_000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 0}}}
	return r.c.JoinGroup(r.ctx(), req, group.Client{ID: "client", Host: "/127.0.0.1"})
}

func (r *rig) sync(groupID, member string, generation int32) *kmsg.SyncGroupResponse {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 5, groupID, member, generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	req.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: member, MemberAssignment: []byte("all")}}
	return r.c.SyncGroup(r.ctx(), req)
}

func (r *rig) heartbeat(groupID, member string, generation int32) int16 {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = groupID, member, generation
	return r.c.Heartbeat(r.ctx(), req).ErrorCode
}

func (r *rig) leave(groupID, member string) *kmsg.LeaveGroupResponse {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = 5, groupID
	req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: member}}
	return r.c.LeaveGroup(r.ctx(), req)
}

func (r *rig) deleteOffsets(groupID string) int16 {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = groupID
	return r.c.OffsetDelete(r.ctx(), req).ErrorCode
}

func (r *rig) describe(ids ...string) []kmsg.DescribeGroupsResponseGroup {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version, req.Groups = 6, ids
	return r.c.DescribeGroups(r.ctx(), req).Groups
}

func (r *rig) list() ([]string, int16) {
	resp := r.c.ListGroups(r.ctx(), kmsg.NewPtrListGroupsRequest())
	var ids []string
	for _, g := range resp.Groups {
		ids = append(ids, g.Group)
	}
	return ids, resp.ErrorCode
}

func (r *rig) delete(ids ...string) []kmsg.DeleteGroupsResponseGroup {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = ids
	return r.c.DeleteGroups(r.ctx(), req).Groups
}

// stable brings a group of one member to rest.
func (r *rig) stable(groupID string) (member string, generation int32) {
	r.t.Helper()
	member = r.join(groupID, "").MemberID
	j := r.join(groupID, member)
	if s := r.sync(groupID, member, j.Generation); j.ErrorCode != 0 || s.ErrorCode != 0 || string(s.MemberAssignment) != "all" {
		r.t.Fatalf("join %+v, sync %+v", j, s)
	}
	return member, j.Generation
}

// image builds cluster metadata.
func image(t *testing.T, index uint64, from *metadata.Image, messages ...any) *metadata.Image {
	t.Helper()
	var records []*metapb.Record
	for _, m := range messages {
		switch m := m.(type) {
		case *metapb.RegisterBroker:
			records = append(records, metadata.Record(m))
		case *metapb.Topic:
			records = append(records, metadata.Record(m))
		case *metapb.Partition:
			records = append(records, metadata.Record(m))
		case *metapb.RemoveTopic:
			records = append(records, metadata.Record(m))
		}
	}
	img, delta := from.Apply(records, index)
	if delta.Rejected+delta.Unknown > 0 {
		t.Fatalf("%d records were rejected", delta.Rejected+delta.Unknown)
	}
	return img
}

func topicRecords(name string, id base.UUID, leaders ...int32) []any {
	out := []any{&metapb.Topic{Id: id[:], Name: name}}
	for i, leader := range leaders {
		out = append(out, &metapb.Partition{TopicId: id[:], Index: int32(i), Replicas: []int32{1, 2}, Isr: []int32{1, 2}, Leader: leader})
	}
	return out
}

var errDisk = errors.New("input/output error")

const aMoment = time.Second

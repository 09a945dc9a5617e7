package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/shard"
)

func TestLifeOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		member, generation := r.stable("g")
		if !strings.HasPrefix(member, "client-") || len(member) != len("client-")+36 {
			t.Errorf("member id %q", member)
		}
		if code := r.heartbeat("g", member, generation); code != 0 {
			t.Error(kerr.ErrorForCode(code))
		}
		if code := r.commit("g", 1); code != kerr.UnknownMemberID.Code {
			t.Error("anybody may commit in a group with members", code)
		}
		if d := r.describe("g"); d[0].State != "Stable" || len(d[0].Members) != 1 {
			t.Errorf("%+v", d)
		}
		if l := r.leave("g", member); l.ErrorCode != 0 || l.Members[0].ErrorCode != 0 {
			t.Errorf("%+v", l)
		}
		if code := r.commit("g", 7); code != 0 {
			t.Error(kerr.ErrorForCode(code))
		}
		if offset, code := r.fetch("g"); offset != 7 || code != 0 {
			t.Error(offset, code)
		}
		if d := r.delete("g"); d[0].ErrorCode != 0 {
			t.Errorf("%+v", d)
		}
		if offset, code := r.fetch("g"); offset != -1 || code != 0 {
			t.Error(offset, code)
		}
	})
}

// A silent member is removed by the shared timer, with nobody asking.
func TestSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		member, generation := r.stable("g")
		for range 5 {
			time.Sleep(9 * time.Second)
			if code := r.heartbeat("g", member, generation); code != 0 {
				t.Fatal(kerr.ErrorForCode(code))
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if d := r.describe("g"); d[0].State != "Empty" {
			t.Errorf("%+v", d)
		}
	})
}

// Groups are spread over the partitions; requests about many groups, lists and
// metrics gather from all.
func TestManyShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		var ids []string
		used := map[int32]bool{}
		for i := range 20 {
			id := fmt.Sprintf("g%02d", i)
			ids = append(ids, id)
			used[r.c.Partition(id)] = true
			if code := r.commit(id, int64(i)); code != 0 {
				t.Fatal(kerr.ErrorForCode(code))
			}
		}
		if len(used) != testPartitions {
			t.Fatalf("all groups are in %v", used)
		}
		if got, code := r.list(); code != 0 || !slices.Equal(got, ids) {
			t.Error(got, code)
		}
		described := r.describe(append(ids, "unknown")...)
		if len(described) != 21 {
			t.Errorf("%d groups", len(described))
		}
		for _, d := range described {
			if (d.ErrorCode == kerr.GroupIDNotFound.Code) != (d.Group == "unknown") {
				t.Errorf("%+v", d)
			}
		}
		offsets := map[string]int64{}
		for o := range r.c.GroupOffsets(r.ctx()) {
			offsets[o.Group] = o.Offset
			if o.Topic != "orders" || o.TimestampMs != time.Now().UnixMilli() {
				t.Errorf("%+v", o)
			}
		}
		if len(offsets) != 20 || offsets["g07"] != 7 {
			t.Error(offsets)
		}
		for range r.c.GroupOffsets(r.ctx()) {
			break
		}
		if d := r.delete(ids...); len(d) != 20 {
			t.Errorf("%d groups", len(d))
		}
		if got, _ := r.list(); len(got) != 0 {
			t.Error(got)
		}
	})
}

// codes asks every API about a group.
func (r *rig) codes(id string) map[string]*kerr.Error {
	_, fetch := r.fetch(id)
	_, list := r.list()
	codes := map[string]int16{
		"JoinGroup": r.join(id, "m").ErrorCode, "SyncGroup": r.sync(id, "m", 1).ErrorCode, "Heartbeat": r.heartbeat(id, "m", 1),
		"LeaveGroup": r.leave(id, "m").ErrorCode, "OffsetCommit": r.commit(id, 1), "OffsetFetch": fetch, "OffsetDelete": r.deleteOffsets(id),
		"DescribeGroups": r.describe(id)[0].ErrorCode, "DeleteGroups": r.delete(id)[0].ErrorCode, "ListGroups": list,
	}
	out := map[string]*kerr.Error{}
	for api, code := range codes {
		out[api] = kerr.TypedErrorForCode(code)
	}
	return out
}

func wantCodes(t *testing.T, got map[string]*kerr.Error, usual *kerr.Error, except map[string]*kerr.Error) {
	t.Helper()
	for api, code := range got {
		want, other := except[api]
		if !other {
			want = usual
		}
		if code != want {
			t.Errorf("%s: %v, want %v", api, code, want)
		}
	}
}

func TestWhoDoesNotLeadSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		want := map[string]*kerr.Error{"ListGroups": nil}
		wantCodes(t, r.codes("g"), kerr.NotCoordinator, want)
		r.lead()
		for i := range r.logs {
			r.c.Resign(int32(i))
		}
		wantCodes(t, r.codes("g"), kerr.NotCoordinator, want)
		r.c.Close()
		wantCodes(t, r.codes("g"), kerr.NotCoordinator, want)
		r.lead() // ignored
		wantCodes(t, r.codes("g"), kerr.NotCoordinator, want)
	})
}

func TestWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		r.commit("g", 5)
		log := r.log("g")
		log.set(func() { log.commits, log.hw = false, 0 })
		r.lead()
		wantCodes(t, r.codes("g"), kerr.CoordinatorLoadInProgress, map[string]*kerr.Error{"Heartbeat": nil})
		log.set(func() { log.commits = true })
		log.commit()
		synctest.Wait()
		if offset, code := r.fetch("g"); offset != 5 || code != 0 {
			t.Error(offset, code)
		}
	})
}

func TestEmptyGroupID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		wantCodes(t, r.codes(""), kerr.InvalidGroupID, map[string]*kerr.Error{
			"OffsetCommit": nil, "OffsetFetch": nil, "ListGroups": nil, "DescribeGroups": nil, "DeleteGroups": nil,
		})
	})
}

// Answers that wait for replicas for too long fail; commits that were written
// count all the same once they are committed.
func TestHighWatermarkStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		member, generation := r.stable("g")
		log := r.log("g")
		log.set(func() { log.commits = false })
		before := time.Now()
		if l := r.leave("g", member); l.ErrorCode != kerr.CoordinatorNotAvailable.Code {
			t.Errorf("%+v", l)
		}
		if d := time.Since(before); d != 5*time.Second {
			t.Errorf("took %v", d)
		}
		if code := r.heartbeat("g", member, generation); code != kerr.CoordinatorNotAvailable.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		if _, code := r.fetch("g"); code != kerr.NotCoordinator.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		if code := r.commit("g", 9); code != kerr.CoordinatorNotAvailable.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		log.commit()
		if offset, _ := r.fetch("g"); offset != 9 {
			t.Error(offset)
		}
	})
}

// What the log says is told in the coordinator's words.
func TestRefusedAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		r.commit("g", 1)
		for err, want := range map[error]*kerr.Error{
			kerr.NotLeaderForPartition:                          kerr.NotCoordinator,
			kerr.KafkaStorageError:                              kerr.NotCoordinator,
			kerr.NotEnoughReplicas:                              kerr.CoordinatorNotAvailable,
			kerr.UnknownTopicOrPartition:                        kerr.CoordinatorNotAvailable,
			kerr.MessageTooLarge:                                kerr.UnknownServerError,
			kerr.PolicyViolation:                                kerr.PolicyViolation,
			fmt.Errorf("disk: %v: %w", 1, kerr.RequestTimedOut): kerr.CoordinatorNotAvailable,
			errDisk: kerr.UnknownServerError,
		} {
			r.log("g").set(func() { r.log("g").refuse = err })
			r.log("h").set(func() { r.log("h").refuse = err })
			if code := r.commit("g", 2); code != want.Code {
				t.Errorf("%v: %v, want %v", err, kerr.ErrorForCode(code), want)
			}
			if j := r.join("h", ""); j.ErrorCode != want.Code {
				t.Errorf("join, %v: %v, want %v", err, kerr.ErrorForCode(j.ErrorCode), want)
			}
		}
		r.log("g").set(func() { r.log("g").refuse = nil })
		if offset, _ := r.fetch("g"); offset != 1 {
			t.Errorf("a refused commit counts: %d", offset)
		}
	})
}

func TestCodes(t *testing.T) {
	for err, want := range map[error]*kerr.Error{
		nil: nil, shard.ErrBusy: kerr.CoordinatorNotAvailable, shard.ErrClosed: kerr.NotCoordinator,
		context.Canceled: kerr.CoordinatorNotAvailable,
		&shard.AppendError{Err: kerr.FencedLeaderEpoch}: kerr.NotCoordinator,
		&shard.TooLargeError{Size: 2, Limit: 1}:         kerr.UnknownServerError,
	} {
		if got := codeOf(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

// Everybody who waits in a group is told when leadership moves, and finds the
// group again with the next leader.
func TestLeadershipMovesDuringARebalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		member, generation := r.stable("g")
		joined := make(chan int16)
		go func() {
			second := r.join("g", "").MemberID
			joined <- r.join("g", second).ErrorCode
		}()
		synctest.Wait()
		if code := r.heartbeat("g", member, generation); code != kerr.RebalanceInProgress.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		r.lead()
		if code := <-joined; code != kerr.NotCoordinator.Code {
			t.Error(kerr.ErrorForCode(code))
		}
		if code := r.heartbeat("g", member, generation); code != 0 {
			t.Error("the generation that was written down is not the one in force", kerr.ErrorForCode(code))
		}
		if s := r.sync("g", member, generation); s.ErrorCode != 0 || string(s.MemberAssignment) != "all" {
			t.Errorf("%+v", s)
		}
	})
}

// A client that goes away while it waits leaves its member behind until that
// member's session ends.
func TestClientGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		req := kmsg.NewPtrJoinGroupRequest()
		req.Group, req.ProtocolType, req.SessionTimeoutMillis = "g", "consumer", 10_000
		req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
		if j := r.c.JoinGroup(ctx, req, group.Client{}); j.ErrorCode != kerr.CoordinatorNotAvailable.Code {
			t.Errorf("%+v", j)
		}
		time.Sleep(aMoment)
		if d := r.describe("g"); d[0].State != "CompletingRebalance" {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Minute)
		if d := r.describe("g"); d[0].State != "Empty" {
			t.Errorf("%+v", d)
		}
	})
}

func TestSyncNeedsItsProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lead()
		req := kmsg.NewPtrSyncGroupRequest()
		req.Version, req.Group = 5, "g"
		if s := r.c.SyncGroup(r.ctx(), req); s.ErrorCode != kerr.InconsistentGroupProtocol.Code {
			t.Errorf("%+v", s)
		}
	})
}

// Loading is told to whoever counts, and to the log: with what was passed over.
func TestLoadingIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		entries := 0
		c := New(Options{
			Self: 1, Config: testConfig(), Image: metadata.Empty, Logger: slog.New(slog.NewTextHandler(&text, nil)),
			Events: shard.Events{Loaded: func(_ time.Duration, n int) { entries += n }},
		})
		defer c.Close()
		r := &rig{t: t, c: c, logs: []*fakeLog{newFakeLog()}}
		r.lead()
		b := record.NewBuilder(record.BuilderOptions{})
		b.Append(1, []byte{0, 3, 0, 1, 'g'}, []byte{0, 0})
		_, term := r.logs[0].lead()
		if _, err := term.Append(b.Build(), 1); err != nil {
			t.Fatal(err)
		}
		r.lead()
		if entries != 1 || !strings.Contains(text.String(), "partition=0 groups=0 entries=1 skipped=1") {
			t.Error(entries, text.String())
		}
	})
}

// The topic is created when somebody first looks for a coordinator, once.
func TestFindCoordinator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := func(id int32, fenced bool) *metapb.RegisterBroker {
			incarnation := base.NewUUID()
			return &metapb.RegisterBroker{Id: id, Incarnation: incarnation[:], Fenced: fenced}
		}
		var img atomic.Pointer[metadata.Image]
		img.Store(image(t, 1, metadata.Empty(), broker(1, false), broker(2, true)))
		var created []NewTopic
		refuse := error(errors.New("no"))
		c := New(Options{
			Self: 1, Config: testConfig(), Image: img.Load,
			CreateTopic: func(_ context.Context, topic NewTopic) error {
				time.Sleep(aMoment)
				if refuse != nil {
					return refuse
				}
				created = append(created, topic)
				img.Store(image(t, 2, img.Load(), topicRecords(topic.Name, base.NewUUID(), 1, 1, 2, -1)...))
				return kerr.TopicAlreadyExists
			},
		})
		defer c.Close()
		if _, err := c.FindCoordinator(t.Context(), "g"); !errors.Is(err, kerr.CoordinatorNotAvailable) {
			t.Error(err)
		}
		refuse = nil
		errs := make(chan error)
		for range 3 {
			go func() {
				_, err := c.FindCoordinator(t.Context(), "g")
				errs <- err
			}()
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		synctest.Wait()
		if _, err := c.FindCoordinator(impatient, "g"); !errors.Is(err, kerr.CoordinatorNotAvailable) {
			t.Error(err)
		}
		for range 3 {
			<-errs
		}
		if len(created) != 1 || created[0].Name != "__consumer_offsets" || created[0].Partitions != 4 || created[0].Configs["cleanup.policy"] != "compact" ||
			created[0].Configs["segment.bytes"] != "104857600" || created[0].Configs["compression.type"] != "producer" || created[0].ReplicationFactor != 1 {
			t.Errorf("%+v", created)
		}
		for i := range 40 { // partition 2 is led by a fenced broker, 3 by nobody
			id := fmt.Sprint("group", i)
			node, err := c.FindCoordinator(t.Context(), id)
			switch led := c.Partition(id) < 2; {
			case led && (err != nil || node != 1), !led && !errors.Is(err, kerr.CoordinatorNotAvailable):
				t.Errorf("partition %d: %d, %v", c.Partition(id), node, err)
			}
		}
	})
}

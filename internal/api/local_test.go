package api

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/replica"
	"github.com/milena-io/milena/internal/vfs"
)

// local puts real replicas over a file system in memory under the fake broker.
func local(t *testing.T) (*broker, *metadata.Store) {
	b := newBroker(t)
	dir, err := commitlog.OpenDir(t.Context(), commitlog.DirOptions{FS: vfs.NewMem(), Path: "/data", ClusterID: "cluster-1", NodeID: 1})
	if err != nil {
		t.Fatal(err)
	}
	store := metadata.NewStore(nil)
	set := replica.New(replica.Config{Self: 1, Store: store, Dir: dir, Props: func() confkey.Values { return b.props }})
	set.Start()
	t.Cleanup(func() {
		set.Close()
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	commit(t, store,
		&metapb.ClusterInit{ClusterId: "cluster-1"}, &metapb.RegisterBroker{Id: 1, Incarnation: uuid(9), Listeners: []*metapb.Listener{{Name: "PLAINTEXT", Host: "one", Port: 9092}}},
		&metapb.Topic{Id: uuid(1), Name: "t"}, &metapb.Partition{TopicId: uuid(1), Replicas: []int32{1}, Isr: []int32{1}, Leader: 1, LeaderEpoch: 3},
	)
	b.api.cfg.Image = store.Current
	b.api.cfg.Replicas = LocalReplicas(set, dir)
	b.api.cfg.Authorizer = AllowAll{}
	return b, store
}

func commit(t *testing.T, store *metadata.Store, records ...proto.Message) {
	t.Helper()
	var rs []*metapb.Record
	for _, r := range records {
		rs = append(rs, metadata.Record(r))
	}
	data, err := metadata.EncodeBatch(rs)
	if err != nil {
		t.Fatal(err)
	}
	store.Apply(store.Current().Index()+1, data)
}

// The life of a few records over the real log: produced, refused twice, read
// back, looked up, deleted.
func TestOverTheRealLog(t *testing.T) {
	b, store := local(t)
	idempotent := func(seq int32) []byte {
		return batchOf(record.BuilderOptions{Idempotent: true, ProducerID: 7, BaseSequence: seq})
	}
	for _, c := range []struct {
		batch []byte
		want  string
		base  int64
	}{
		{plainBatch(), "ok", 0},
		{idempotent(0), "ok", 1},
		{idempotent(1), "ok", 2},
		{idempotent(0), "ok", 1}, // a retry gets its first offset
		{idempotent(9), "OUT_OF_ORDER_SEQUENCE_NUMBER", -1},
		{batchOf(record.BuilderOptions{Control: true, Idempotent: true, ProducerID: 7, BaseSequence: 2}), "INVALID_RECORD", -1},
	} {
		p := ask[*kmsg.ProduceResponse](t, b, 9, produceOf(-1, "t", 1, 0, c.batch)).Topics[0].Partitions[0]
		if name(p.ErrorCode) != c.want || p.BaseOffset != c.base {
			t.Errorf("%s at %d, want %s at %d", name(p.ErrorCode), p.BaseOffset, c.want, c.base)
		}
	}
	got := first(t, ask[*kmsg.FetchResponse](t, b, 13, fetchOf(0, -1, target("t", 1, 0, 1))))
	if got.HighWatermark != 3 || len(got.RecordBatches) != len(idempotent(0))*2 {
		t.Errorf("%d bytes up to %d", len(got.RecordBatches), got.HighWatermark)
	}
	bt, _, err := record.Split(got.RecordBatches)
	if err != nil || bt.BaseOffset() != 1 || bt.LeaderEpoch() != 3 || bt.CheckCRC() != nil {
		t.Errorf("%v: %v", bt, err)
	}
	list := sample(2).(*kmsg.ListOffsetsRequest)
	if o := ask[*kmsg.ListOffsetsResponse](t, b, 11, list).Topics[0].Partitions[0]; o.Offset != 3 || o.LeaderEpoch != 3 {
		t.Errorf("latest %+v", o)
	}
	prod := ask[*kmsg.DescribeProducersResponse](t, b, 0, sample(61)).Topics[0].Partitions[0]
	if len(prod.ActiveProducers) != 1 || prod.ActiveProducers[0].ProducerID != 7 || prod.ActiveProducers[0].LastSequence != 1 {
		t.Errorf("%+v", prod)
	}
	dirs := ask[*kmsg.DescribeLogDirsResponse](t, b, 5, &kmsg.DescribeLogDirsRequest{}).Dirs
	if len(dirs) != 1 || dirs[0].Dir != "/data" || dirs[0].Topics[0].Partitions[0].Size <= 0 {
		t.Errorf("%+v", dirs)
	}
	del := ask[*kmsg.DeleteRecordsResponse](t, b, 2, sample(21)).Topics[0].Partitions[0]
	if del.LowWatermark != 3 || del.ErrorCode != 0 {
		t.Errorf("%+v", del)
	}
	if p := first(t, ask[*kmsg.FetchResponse](t, b, 13, fetchOf(0, -1, target("t", 1, 0, 0)))); name(p.ErrorCode) != "OFFSET_OUT_OF_RANGE" {
		t.Errorf("%+v", p)
	}
	commit(t, store, &metapb.RemoveTopic{Id: uuid(1)})
	if p := first(t, ask[*kmsg.FetchResponse](t, b, 13, fetchOf(0, -1, target("t", 1, 0, 3)))); name(p.ErrorCode) != "UNKNOWN_TOPIC_ID" {
		t.Errorf("%+v", p)
	}
	if _, err := b.api.cfg.Replicas.Get("t", 0); err == nil {
		t.Error("a deleted topic's replica was found")
	}
	if _, err := b.api.cfg.Replicas.GetByID(base.UUID{}, 0); err == nil {
		t.Error("no topic has the id 0")
	}
}

// What is acknowledged shares no memory with the frame it came in (CVE-2026-35554).
func TestProducedBytesAreNotTheFrames(t *testing.T) {
	b, _ := local(t)
	r := b.request(9, produceOf(-1, "t", 1, 0, plainBatch()))
	settle(t, b.api.Handle(t.Context(), r))
	clear(r.Body)
	got := first(t, ask[*kmsg.FetchResponse](t, b, 12, fetchOf(0, -1, target("t", 1, 0, 0))))
	want := record.Batch(plainBatch())
	want.SetLeaderEpoch(3)
	if !bytes.Equal(got.RecordBatches, want) {
		t.Errorf("got  %x\nwant %x", got.RecordBatches, want)
	}
}

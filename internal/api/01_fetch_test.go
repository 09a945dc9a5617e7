package api

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
)

// fill appends n batches to a fake partition.
func fill(t testing.TB, p *fakePartition, n int) {
	t.Helper()
	for range n {
		if _, err := p.Append(plainBatch(), partition.AppendRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

// first is the only partition of a fetch answer.
func first(t testing.TB, resp *kmsg.FetchResponse) kmsg.FetchResponseTopicPartition {
	t.Helper()
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		t.Fatalf("%+v", resp.Topics)
	}
	return resp.Topics[0].Partitions[0]
}

func TestFetchReturnsTheLogsBytes(t *testing.T) {
	for v := int16(4); v <= 18; v++ {
		b := newBroker(t)
		p := b.topic("t", 1, 1)[0]
		fill(t, p, 3)
		got := first(t, ask[*kmsg.FetchResponse](t, b, v, fetchOf(0, -1, target("t", 1, 0, 1))))
		want := append(bytes.Clone(p.batches[1]), p.batches[2]...)
		if !bytes.Equal(got.RecordBatches, want) || got.HighWatermark != 3 || got.LastStableOffset != 3 {
			t.Errorf("v%d: %d bytes, want %d; %+v", v, len(got.RecordBatches), len(want), got)
		}
		if got.AbortedTransactions != nil || v >= 11 && got.PreferredReadReplica != -1 {
			t.Errorf("v%d: %+v", v, got)
		}
	}
}

func TestFetchErrors(t *testing.T) {
	type mod = func(r *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition, b *broker, on *fakePartition)
	cases := []struct {
		name    string
		version int16
		mod     mod
		want    string
	}{
		{"good", 12, func(*kmsg.FetchRequest, *kmsg.FetchRequestTopicPartition, *broker, *fakePartition) {}, "ok"},
		{"beyond the end", 12, func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			p.FetchOffset = 9
		}, "OFFSET_OUT_OF_RANGE"},
		{"negative offset", 12, func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			p.FetchOffset = -1
		}, "OFFSET_OUT_OF_RANGE"},
		{"missing partition", 12, func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			p.Partition = 9
		}, "UNKNOWN_TOPIC_OR_PARTITION"},
		{"missing topic", 12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			r.Topics[0].Topic = "nope"
		}, "UNKNOWN_TOPIC_OR_PARTITION"},
		{"unknown id", 13, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			r.Topics[0].TopicID = topicID(99)
		}, "UNKNOWN_TOPIC_ID"},
		{"other topic's log", 13, func(_ *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, on *fakePartition) {
			on.id = topicID(98)
		}, "INCONSISTENT_TOPIC_ID"},
		{"log error", 12, func(_ *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, on *fakePartition) {
			on.err = kerr.KafkaStorageError
		}, "KAFKA_STORAGE_ERROR"},
		{"denied", 12, func(_ *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, b *broker, _ *fakePartition) {
			b.deny["READ TOPIC t"] = true
		}, "TOPIC_AUTHORIZATION_FAILED"},
		{"replica", 12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			r.ReplicaID = 1
		}, "NOT_LEADER_FOR_PARTITION"},
		{"replica v15", 15, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, _ *broker, _ *fakePartition) {
			r.ReplicaState.ID = 1
		}, "NOT_LEADER_FOR_PARTITION"},
		{"denied replica", 12, func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition, b *broker, _ *fakePartition) {
			r.ReplicaID = 1
			b.deny["CLUSTER_ACTION CLUSTER"] = true
		}, "TOPIC_AUTHORIZATION_FAILED"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			on := b.topic("t", 1, 1)[0]
			fill(t, on, 2)
			req := fetchOf(0, -1, target("t", 1, 0, 0))
			req.MaxWaitMillis = 60_000 // an error is answered at once all the same
			c.mod(req, &req.Topics[0].Partitions[0], b, on)
			p := first(t, ask[*kmsg.FetchResponse](t, b, c.version, req))
			if name(p.ErrorCode) != c.want {
				t.Fatalf("%s, want %s", name(p.ErrorCode), c.want)
			}
			if c.want == "ok" {
				return
			}
			if p.HighWatermark != -1 || p.LastStableOffset != -1 || p.LogStartOffset != -1 || len(p.RecordBatches) != 0 || p.RecordBatches == nil {
				t.Errorf("an error must come with -1 offsets and empty records: %+v", p)
			}
		})
	}
}

func TestFetchReadCommitted(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	fill(t, p, 3)
	p.lso = 2
	req := fetchOf(0, -1, target("t", 1, 0, 0))
	req.IsolationLevel = 1
	got := first(t, ask[*kmsg.FetchResponse](t, b, 12, req))
	if len(got.RecordBatches) != 2*len(plainBatch()) || got.LastStableOffset != 2 || got.HighWatermark != 3 {
		t.Errorf("%+v", got)
	}
	if got.AbortedTransactions == nil || len(got.AbortedTransactions) != 0 {
		t.Errorf("without aborted transactions the list is empty, not null: %v", got.AbortedTransactions)
	}
	p.aborted = []commitlog.AbortedTxn{{ProducerID: 7, FirstOffset: 1}}
	got = first(t, ask[*kmsg.FetchResponse](t, b, 12, req))
	if len(got.AbortedTransactions) != 1 || got.AbortedTransactions[0].ProducerID != 7 || got.AbortedTransactions[0].FirstOffset != 1 {
		t.Errorf("%v", got.AbortedTransactions)
	}
}

func TestFetchLimits(t *testing.T) {
	size := int32(len(plainBatch()))
	cases := []struct {
		name               string
		maxBytes, partMax  int32
		brokerMax          string
		want0, want1, read int // batches from partition 0 and 1; partitions read
	}{
		{"room for all", 1 << 20, 1 << 20, "", 3, 3, 2},
		{"partition limit", 1 << 20, 2 * size, "", 2, 2, 2},
		{"total limit", 4 * size, 1 << 20, "", 3, 1, 2},
		{"total spent by the first", 3 * size, 1 << 20, "", 3, 0, 2},
		{"first batch is too large", 1, 1 << 20, "", 1, 0, 2},
		{"first batch is too large for its partition", 1 << 20, 1, "", 1, 0, 2},
		{"zero", 0, 0, "", 1, 0, 2},
		{"negative", -5, -5, "", 1, 0, 2},
		{"broker's limit", 1 << 20, 1 << 20, "1024", 3, 3, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			if c.brokerMax != "" {
				b.set(t, "fetch.max.bytes", c.brokerMax)
			}
			parts := b.topic("t", 1, 2)
			fill(t, parts[0], 3)
			fill(t, parts[1], 3)
			req := fetchOf(0, -1, target("t", 1, 0, 0), target("t", 1, 1, 0))
			req.MaxBytes = c.maxBytes
			for i := range req.Topics[0].Partitions {
				req.Topics[0].Partitions[i].PartitionMaxBytes = c.partMax
			}
			resp := ask[*kmsg.FetchResponse](t, b, 12, req)
			ps := resp.Topics[0].Partitions
			if got0, got1 := len(ps[0].RecordBatches)/int(size), len(ps[1].RecordBatches)/int(size); got0 != c.want0 || got1 != c.want1 {
				t.Errorf("%d and %d batches, want %d and %d", got0, got1, c.want0, c.want1)
			}
			if ps[1].HighWatermark != 3 {
				t.Error("a partition without room must still tell its high watermark")
			}
		})
	}
}

func TestFetchBrokerLimitCapsTheTotal(t *testing.T) {
	b := newBroker(t)
	b.set(t, "fetch.max.bytes", "1024")
	p := b.topic("t", 1, 1)[0]
	fill(t, p, 50)
	got := first(t, ask[*kmsg.FetchResponse](t, b, 12, fetchOf(0, -1, target("t", 1, 0, 0))))
	if n := len(got.RecordBatches); n == 0 || n > 1024 {
		t.Errorf("%d bytes with fetch.max.bytes=1024", n)
	}
}

func TestFetchDivergingEpochAndLeader(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	p.diverge = &partition.EpochEnd{Epoch: 2, End: 5}
	req := fetchOf(0, -1, target("t", 1, 0, 0))
	req.MaxWaitMillis = 60_000
	req.Topics[0].Partitions[0].LastFetchedEpoch = 2
	for v := int16(12); v <= 18; v++ {
		got := first(t, ask[*kmsg.FetchResponse](t, b, v, req))
		if got.DivergingEpoch.Epoch != 2 || got.DivergingEpoch.EndOffset != 5 {
			t.Errorf("v%d: %+v", v, got.DivergingEpoch)
		}
	}
	p.err = kerr.FencedLeaderEpoch
	for v, want := range map[int16]bool{15: false, 16: true, 18: true} {
		resp := ask[*kmsg.FetchResponse](t, b, v, req)
		got := first(t, resp)
		told := got.CurrentLeader.LeaderID == 1 && got.CurrentLeader.LeaderEpoch == 3 && len(resp.Brokers) == 1 && resp.Brokers[0].Host == "one"
		if told != want || name(got.ErrorCode) != "FENCED_LEADER_EPOCH" {
			t.Errorf("v%d: told %v, %+v", v, told, resp)
		}
	}
}

func TestFetchZstdInEveryVersion(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	if _, err := p.Append(batchOf(record.BuilderOptions{Codec: record.Zstd}), partition.AppendRequest{}); err != nil {
		t.Fatal(err)
	}
	for v := int16(4); v <= 18; v++ {
		got := first(t, ask[*kmsg.FetchResponse](t, b, v, fetchOf(0, -1, target("t", 1, 0, 0))))
		if got.ErrorCode != 0 || len(got.RecordBatches) == 0 {
			t.Errorf("v%d: %s with %d bytes", v, name(got.ErrorCode), len(got.RecordBatches))
		}
	}
}

// A fetch at the end waits; each row is what ends the wait, and after how long.
func TestFetchWaits(t *testing.T) {
	for _, c := range []struct {
		name    string
		minimum int32
		event   func(t *testing.T, b *broker, p *fakePartition, cancel func())
		after   time.Duration
		batches int
		want    string
	}{
		{"nothing comes", 1, func(*testing.T, *broker, *fakePartition, func()) {}, 500 * time.Millisecond, 0, "ok"},
		{"records come", 1, func(t *testing.T, _ *broker, p *fakePartition, _ func()) { fill(t, p, 1) }, 0, 1, "ok"},
		{"too few come", 100_000, func(t *testing.T, _ *broker, p *fakePartition, _ func()) { fill(t, p, 1) }, 500 * time.Millisecond, 1, "ok"},
		{"enough come bit by bit", 150, func(t *testing.T, _ *broker, p *fakePartition, _ func()) {
			fill(t, p, 1)
			synctest.Wait()
			<-time.After(100 * time.Millisecond) // virtual time
			fill(t, p, 2)
		}, 100 * time.Millisecond, 3, "ok"},
		{"not yet committed", 1, func(t *testing.T, _ *broker, p *fakePartition, _ func()) {
			p.hold = true
			fill(t, p, 1)
			synctest.Wait()
			<-time.After(200 * time.Millisecond) // virtual time
			p.commit()
		}, 200 * time.Millisecond, 1, "ok"},
		{"leadership lost", 1, func(_ *testing.T, _ *broker, p *fakePartition, _ func()) { p.fail(kerr.NotLeaderForPartition) }, 0, 0, "NOT_LEADER_FOR_PARTITION"},
		{"topic deleted", 1, func(_ *testing.T, b *broker, p *fakePartition, _ func()) {
			b.drop("t")
			p.fail(kerr.UnknownTopicOrPartition)
		}, 0, 0, "UNKNOWN_TOPIC_OR_PARTITION"},
		{"connection gone", 1, func(_ *testing.T, _ *broker, _ *fakePartition, cancel func()) { cancel() }, 0, 0, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				p := b.topic("t", 1, 1)[0]
				req := fetchOf(0, -1, target("t", 1, 0, 0))
				req.MaxWaitMillis, req.MinBytes = 500, c.minimum
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := b.api.Handle(ctx, b.request(12, req))
				if r.Wait == nil {
					t.Fatalf("%+v", r)
				}
				start := time.Now()
				done := make(chan Response, 1)
				go func() { done <- r.Wait(ctx) }()
				synctest.Wait()
				c.event(t, b, p, cancel)
				answer := <-done
				if took := time.Since(start); took != c.after {
					t.Errorf("took %v, want %v", took, c.after)
				}
				if p.watching() != 0 {
					t.Error("a watcher was left behind")
				}
				if answer == nil {
					if c.want != "none" {
						t.Error("no answer")
					}
					return
				}
				resp := kmsg.NewPtrFetchResponse()
				resp.Version = 12
				if err := resp.ReadFrom(encoded(t, answer)); err != nil {
					t.Fatal(err)
				}
				got := first(t, resp)
				if name(got.ErrorCode) != c.want || len(got.RecordBatches)/len(plainBatch()) != c.batches {
					t.Errorf("%s, %d bytes", name(got.ErrorCode), len(got.RecordBatches))
				}
			})
		})
	}
}

// Records that arrive between the first read and the registration of the waiter
// must be seen.
func TestFetchDoesNotMissAnAppendBeforeItWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		p := b.topic("t", 1, 1)[0]
		req := fetchOf(0, -1, target("t", 1, 0, 0))
		req.MaxWaitMillis = 500
		r := b.api.Handle(t.Context(), b.request(12, req))
		fill(t, p, 1)
		start := time.Now()
		r.Wait(t.Context())
		if time.Since(start) != 0 {
			t.Errorf("waited %v for records that were there", time.Since(start))
		}
	})
}

// One unknown topic among good ones does not end the wait: it would make a
// consumer spin until its metadata is renewed.
func TestFetchWaitsBesideAnUnknownTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		b.topic("t", 1, 1)
		req := fetchOf(0, -1, target("gone", 2, 0, 0), target("t", 1, 0, 0))
		req.MaxWaitMillis = 500
		start := time.Now()
		resp := ask[*kmsg.FetchResponse](t, b, 12, req)
		if time.Since(start) != 500*time.Millisecond {
			t.Errorf("answered after %v", time.Since(start))
		}
		if got := errorNames(resp); len(got) != 1 || got[0] != "UNKNOWN_TOPIC_OR_PARTITION" || len(resp.Topics) != 2 {
			t.Errorf("%v", resp.Topics)
		}
		req.Topics = req.Topics[:1]
		start = time.Now()
		ask[*kmsg.FetchResponse](t, b, 12, req)
		if time.Since(start) != 0 {
			t.Error("with nothing to wait for the error must come at once")
		}
	})
}

// When a topic is deleted and made again while a fetch by name waits, the fetch
// goes on with the new one.
func TestFetchFollowsARecreatedTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		old := b.topic("t", 1, 1)[0]
		req := fetchOf(0, -1, target("t", 1, 0, 0))
		req.MaxWaitMillis = 60_000
		r := b.api.Handle(t.Context(), b.request(12, req))
		done := make(chan Response, 1)
		go func() { done <- r.Wait(t.Context()) }()
		synctest.Wait()
		b.drop("t")
		next := b.topic("t", 2, 1)[0]
		old.fail(kerr.UnknownTopicOrPartition) // wakes the waiter
		synctest.Wait()
		fill(t, next, 1)
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = 12
		if err := resp.ReadFrom(encoded(t, <-done)); err != nil {
			t.Fatal(err)
		}
		if got := first(t, resp); len(got.RecordBatches) == 0 {
			t.Errorf("%+v", got)
		}
		if old.watching()+next.watching() != 0 {
			t.Error("a watcher was left behind")
		}
	})
}

// A client that sends its next request, on another connection, does not wait for
// the last one any more.
func TestASupersededFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		p := b.topic("t", 1, 1)[0]
		session := ask[*kmsg.FetchResponse](t, b, 12, fetchOf(0, 0, target("t", 1, 0, 0))).SessionID
		next := func(epoch int32) chan Response {
			req := fetchOf(session, epoch)
			req.MaxWaitMillis, req.MinBytes = 500, 1
			r := b.api.Handle(t.Context(), b.request(12, req))
			done := make(chan Response, 1)
			go func() { done <- r.Wait(t.Context()) }()
			synctest.Wait()
			return done
		}
		start := time.Now()
		first := next(1)
		second := next(2)
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = 12
		if err := resp.ReadFrom(encoded(t, <-first)); err != nil || name(resp.ErrorCode) != "INVALID_FETCH_SESSION_EPOCH" || time.Since(start) != 0 {
			t.Errorf("%v %s after %v", err, name(resp.ErrorCode), time.Since(start))
		}
		if p.watching() != 1 {
			t.Errorf("%d watchers", p.watching())
		}
		fill(t, p, 1)
		if err := resp.ReadFrom(encoded(t, <-second)); err != nil || resp.ErrorCode != 0 || len(resp.Topics) != 1 {
			t.Errorf("%v %+v", err, resp)
		}
		if p.watching() != 0 || p.delivered == 0 {
			t.Errorf("%d watchers, %d bytes counted", p.watching(), p.delivered)
		}
	})
}

// A client can't see uncommitted records by calling itself a replica.
func TestFetchAsReplicaReadsNothing(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	p.hold = true
	fill(t, p, 1)
	for _, id := range []int32{0, 1, 7} {
		req := fetchOf(0, -1, target("t", 1, 0, 0))
		req.ReplicaID = id
		if got := first(t, ask[*kmsg.FetchResponse](t, b, 12, req)); len(got.RecordBatches) != 0 || got.ErrorCode == 0 {
			t.Errorf("replica %d: %+v", id, got)
		}
	}
	if len(p.reads) != 0 {
		t.Error("the partition was read")
	}
}

var _ Partition = (*fakePartition)(nil)

func BenchmarkFetchOnePartition(b *testing.B) {
	br := newBroker(b)
	p := br.topic("t", 1, 1)[0]
	fill(b, p, 10)
	req := br.request(12, fetchOf(0, -1, target("t", 1, 0, 0)))
	b.ReportAllocs()
	for b.Loop() {
		encoded(b, br.api.Handle(b.Context(), req).Now)
	}
}

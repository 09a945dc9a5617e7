package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/wire"
)

func produceOf(acks int16, topic string, id byte, index int32, records []byte) *kmsg.ProduceRequest {
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = acks, 1000
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, TopicID: topicID(id), Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: index, Records: records}}}}
	return r
}

func TestProduceErrors(t *testing.T) {
	zstd := batchOf(record.BuilderOptions{Codec: record.Zstd})
	transactional := batchOf(record.BuilderOptions{Idempotent: true, Transactional: true, ProducerID: 5})
	oldMagic := plainBatch()
	oldMagic[16] = 1
	badCRC := plainBatch()
	badCRC[len(badCRC)-1] ^= 1
	cases := []struct {
		name    string
		version int16
		req     *kmsg.ProduceRequest
		txn     string
		want    string
	}{
		{"good", 9, produceOf(-1, "t", 1, 0, plainBatch()), "", "ok"},
		{"good by id", 13, produceOf(-1, "", 1, 0, plainBatch()), "", "ok"},
		{"acks 1", 3, produceOf(1, "t", 1, 0, plainBatch()), "", "ok"},
		{"acks 2", 9, produceOf(2, "t", 1, 0, plainBatch()), "", "INVALID_REQUIRED_ACKS"},
		{"acks -2", 9, produceOf(-2, "t", 1, 0, plainBatch()), "", "INVALID_REQUIRED_ACKS"},
		{"null records", 9, produceOf(1, "t", 1, 0, nil), "", "INVALID_RECORD"},
		{"empty records", 9, produceOf(1, "t", 1, 0, []byte{}), "", "INVALID_RECORD"},
		{"half a batch", 9, produceOf(1, "t", 1, 0, plainBatch()[:40]), "", "INVALID_RECORD"},
		{"two batches", 9, produceOf(1, "t", 1, 0, append(plainBatch(), plainBatch()...)), "", "INVALID_RECORD"},
		{"stray bytes", 9, produceOf(1, "t", 1, 0, append(plainBatch(), 1, 2, 3)), "", "INVALID_RECORD"},
		{"magic 1", 9, produceOf(1, "t", 1, 0, oldMagic), "", "INVALID_RECORD"},
		{"bad CRC", 9, produceOf(1, "t", 1, 0, badCRC), "", "CORRUPT_MESSAGE"},
		{"zstd v6", 6, produceOf(1, "t", 1, 0, zstd), "", "UNSUPPORTED_COMPRESSION_TYPE"},
		{"zstd v7", 7, produceOf(1, "t", 1, 0, zstd), "", "ok"},
		{"missing topic", 9, produceOf(1, "nope", 1, 0, plainBatch()), "", "UNKNOWN_TOPIC_OR_PARTITION"},
		{"missing partition", 9, produceOf(1, "t", 1, 7, plainBatch()), "", "UNKNOWN_TOPIC_OR_PARTITION"},
		{"negative partition", 9, produceOf(1, "t", 1, -1, plainBatch()), "", "UNKNOWN_TOPIC_OR_PARTITION"},
		{"unknown id", 13, produceOf(1, "", 99, 0, plainBatch()), "", "UNKNOWN_TOPIC_ID"},
		{"internal topic", 9, produceOf(1, base.GroupMetadataTopic, 2, 0, plainBatch()), "", "INVALID_TOPIC_EXCEPTION"},
		{"internal topic by id", 13, produceOf(1, "", 2, 0, plainBatch()), "", "INVALID_TOPIC_EXCEPTION"},
		{"missing partition of an internal topic", 9, produceOf(1, base.GroupMetadataTopic, 2, 7, plainBatch()), "", "UNKNOWN_TOPIC_OR_PARTITION"},
		{"missing internal topic", 9, produceOf(1, base.TransactionStateTopic, 3, 0, plainBatch()), "", "UNKNOWN_TOPIC_OR_PARTITION"},
		{"transactional batch, no id", 9, produceOf(1, "t", 1, 0, transactional), "", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
		{"transactional batch, denied id", 9, produceOf(1, "t", 1, 0, transactional), "denied", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
		{"transactional batch", 9, produceOf(1, "t", 1, 0, transactional), "tx", "INVALID_PRODUCER_ID_MAPPING"},
		{"plain batch, transactional id", 9, produceOf(1, "t", 1, 0, plainBatch()), "tx", "ok"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			p := b.topic("t", 1, 1)[0]
			b.topic(base.GroupMetadataTopic, 2, 1)
			b.deny["WRITE TRANSACTIONAL_ID denied"] = true
			if c.txn != "" {
				c.req.TransactionID = &c.txn
			}
			resp := ask[*kmsg.ProduceResponse](t, b, c.version, c.req)
			got := resp.Topics[0].Partitions[0]
			if name(got.ErrorCode) != c.want {
				t.Fatalf("%s, want %s", name(got.ErrorCode), c.want)
			}
			if appended := p.end > 0; appended != (c.want == "ok") {
				t.Errorf("appended: %v", appended)
			}
			if c.want != "ok" && got.BaseOffset != -1 {
				t.Errorf("base offset %d with an error", got.BaseOffset)
			}
		})
	}
}

// Partitions of one request succeed and fail on their own, in the order asked.
func TestProducePartitionsAreIndependent(t *testing.T) {
	b := newBroker(t)
	parts := b.topic("t", 1, 3)
	parts[1].err = fmt.Errorf("disk: %w", kerr.KafkaStorageError)
	req := produceOf(-1, "t", 1, 0, plainBatch())
	req.Topics[0].Partitions = append(req.Topics[0].Partitions,
		kmsg.ProduceRequestTopicPartition{Partition: 1, Records: plainBatch()}, kmsg.ProduceRequestTopicPartition{Partition: 2, Records: plainBatch()})
	req.Topics = append(req.Topics, kmsg.ProduceRequestTopic{Topic: "nope", Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: 0, Records: plainBatch()}}})
	resp := ask[*kmsg.ProduceResponse](t, b, 12, req)
	var got []string
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprintf("%s-%d %s %d", topic.Topic, p.Partition, name(p.ErrorCode), p.BaseOffset))
		}
	}
	want := "[t-0 ok 0 t-1 KAFKA_STORAGE_ERROR -1 t-2 ok 0 nope-0 UNKNOWN_TOPIC_OR_PARTITION -1]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}

func TestProduceNamesInvalidRecords(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)[0].err = &partition.InvalidRecordsError{
		Code: kerr.InvalidRecord, Message: "null keys", Records: []partition.RecordError{{Index: 3, Message: "no key"}},
	}
	resp := ask[*kmsg.ProduceResponse](t, b, 8, produceOf(1, "t", 1, 0, plainBatch()))
	p := resp.Topics[0].Partitions[0]
	if name(p.ErrorCode) != "INVALID_RECORD" || *p.ErrorMessage != "null keys" || len(p.ErrorRecords) != 1 ||
		p.ErrorRecords[0].RelativeOffset != 3 || *p.ErrorRecords[0].ErrorMessage != "no key" {
		t.Errorf("%+v", p)
	}
}

func TestProduceTellsTheLeader(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)[0].err = kerr.NotLeaderForPartition
	for version, want := range map[int16]bool{9: false, 10: true, 13: true} {
		resp := ask[*kmsg.ProduceResponse](t, b, version, produceOf(1, "t", 1, 0, plainBatch()))
		p := resp.Topics[0].Partitions[0]
		if name(p.ErrorCode) != "NOT_LEADER_FOR_PARTITION" {
			t.Fatal(name(p.ErrorCode))
		}
		told := p.CurrentLeader.LeaderID == 1 && p.CurrentLeader.LeaderEpoch == 3 && len(resp.Brokers) == 1 && resp.Brokers[0].Host == "one" && resp.Brokers[0].Port == 9092
		if told != want {
			t.Errorf("v%d: leader told: %v, brokers %v", version, told, resp.Brokers)
		}
	}
}

func TestProduceWithoutAcks(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	p.hold = true
	if r := b.reply(t, 9, produceOf(0, "t", 1, 0, plainBatch())); !r.None || r.Close || r.Now != nil {
		t.Errorf("a good request: %+v", r)
	}
	if p.end != 1 {
		t.Error("nothing was appended")
	}
	if r := b.reply(t, 9, produceOf(0, "t", 1, 9, plainBatch())); !r.Close || r.Now != nil || r.None {
		t.Errorf("a failed request: %+v", r)
	}
}

// The append is done when Handle returns, so that requests of one connection
// keep their order; the answer comes when the records are committed.
func TestProduceWaitsForTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		p := b.topic("t", 1, 1)[0]
		p.hold = true
		r := b.api.Handle(t.Context(), b.request(9, produceOf(-1, "t", 1, 0, plainBatch())))
		if r.Wait == nil || p.end != 1 {
			t.Fatalf("%+v, end %d", r, p.end)
		}
		done := make(chan Response)
		go func() { done <- r.Wait(t.Context()) }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("answered before the commit")
		default:
		}
		p.commit()
		resp := kmsg.NewPtrProduceResponse()
		resp.Version = 9
		if err := resp.ReadFrom(encoded(t, <-done)); err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
			t.Errorf("%v %+v", err, resp)
		}
		if p.watching() != 0 {
			t.Error("a watcher was left behind")
		}
	})
}

func TestProduceWaitEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		event func(p *fakePartition, cancel func())
		after time.Duration
		want  string
	}{
		{"time-out", func(*fakePartition, func()) {}, time.Second, "REQUEST_TIMED_OUT"},
		{"leadership lost", func(p *fakePartition, _ func()) { p.fail(kerr.NotLeaderForPartition) }, 0, "NOT_LEADER_FOR_PARTITION"},
		{"unknown failure", func(p *fakePartition, _ func()) { p.fail(errors.New("boom")) }, 0, "UNKNOWN_SERVER_ERROR"},
		{"connection gone", func(_ *fakePartition, cancel func()) { cancel() }, 0, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				parts := b.topic("t", 1, 2)
				parts[0].hold = true
				req := produceOf(-1, "t", 1, 0, plainBatch())
				req.Topics[0].Partitions = append(req.Topics[0].Partitions, kmsg.ProduceRequestTopicPartition{Partition: 1, Records: plainBatch()})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := b.api.Handle(ctx, b.request(9, req))
				start := time.Now()
				done := make(chan Response, 1)
				go func() { done <- r.Wait(ctx) }()
				synctest.Wait()
				c.event(parts[0], cancel)
				answer := <-done
				if took := time.Since(start); took != c.after {
					t.Errorf("took %v, want %v", took, c.after)
				}
				if answer == nil {
					if c.want != "none" {
						t.Error("no answer")
					}
					return
				}
				resp := kmsg.NewPtrProduceResponse()
				resp.Version = 9
				if err := resp.ReadFrom(encoded(t, answer)); err != nil {
					t.Fatal(err)
				}
				ps := resp.Topics[0].Partitions
				if name(ps[0].ErrorCode) != c.want || name(ps[1].ErrorCode) != "ok" {
					t.Errorf("%s and %s", name(ps[0].ErrorCode), name(ps[1].ErrorCode))
				}
				if parts[0].watching()+parts[1].watching() != 0 {
					t.Error("a watcher was left behind")
				}
			})
		})
	}
}

// A partition without records takes six bytes on the wire and over a hundred
// decoded.
func TestDecodeProduceBoundsEmptyPartitions(t *testing.T) {
	for n, want := range map[int]error{1000: nil, 10_000: errMalformed} {
		req := kmsg.NewPtrProduceRequest()
		req.Version = 9
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: make([]kmsg.ProduceRequestTopicPartition, n)}}
		if _, err := decodeProduce(9, req.AppendTo(nil), 1_000_000); !errors.Is(err, want) {
			t.Errorf("%d empty partitions: %v, want %v", n, err, want)
		}
	}
}

// The decoder agrees with kmsg in every version, and refuses what it can't hold.
func TestDecodeProduceAgreesWithKmsg(t *testing.T) {
	for v := int16(3); v <= 13; v++ {
		req := produceOf(1, "topic", 1, 4, []byte("records"))
		req.TransactionID = kmsg.StringPtr("tx")
		req.Topics = append(req.Topics, kmsg.ProduceRequestTopic{Topic: "other", TopicID: topicID(2), Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: 7}}})
		req.SetVersion(v)
		compareProduce(t, v, req.AppendTo(nil))
	}
	for v := int16(3); v <= 13; v++ { // the smallest topics, last in a body that ends with them
		req := kmsg.NewPtrProduceRequest()
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "0"}, {}}
		req.SetVersion(v)
		compareProduce(t, v, req.AppendTo(nil))
		req.Topics = []kmsg.ProduceRequestTopic{{Partitions: []kmsg.ProduceRequestTopicPartition{{}}}}
		compareProduce(t, v, req.AppendTo(nil))
	}
	req := produceOf(1, "topic", 1, 4, nil)
	req.SetVersion(9)
	if _, err := decodeProduce(9, req.AppendTo(nil), 1); err == nil {
		t.Error("two elements were accepted with a limit of one")
	}
}

// compareProduce decodes with both decoders; ours may refuse more than kmsg, but
// never what is canonical. kmsg sees what is within limits only: it believes a
// number of tagged fields, and walks 1.7 billion of them in ten bytes.
func compareProduce(t testing.TB, version int16, body []byte) {
	t.Helper()
	if wire.CheckBody(int16(kmsg.Produce), version, body, wire.Limits{}) != nil {
		_, _ = decodeProduce(version, body, 1000) // must come back, whatever it says
		return
	}
	theirs := kmsg.NewPtrProduceRequest()
	theirs.Version = version
	theirErr := theirs.ReadFrom(body)
	ours, err := decodeProduce(version, body, 1000)
	if err != nil {
		if theirErr == nil && len(theirs.Topics) < 100 && bytes.Equal(theirs.AppendTo(nil), body) {
			t.Fatalf("v%d refused: %x", version, body)
		}
		return
	}
	if theirErr != nil {
		t.Fatalf("v%d accepted what kmsg refuses (%v): %x", version, theirErr, body)
	}
	back := kmsg.NewPtrProduceRequest()
	back.Version, back.Acks, back.TimeoutMillis = version, ours.acks, ours.timeoutMs
	if ours.transactional {
		back.TransactionID = &ours.txnID
	}
	for _, topic := range ours.topics {
		out := kmsg.ProduceRequestTopic{Topic: topic.name, TopicID: topic.id}
		for _, p := range ours.parts[topic.first:topic.end] {
			out.Partitions = append(out.Partitions, kmsg.ProduceRequestTopicPartition{Partition: p.index, Records: p.records})
		}
		back.Topics = append(back.Topics, out)
	}
	theirs.UnknownTags = kmsg.Tags{}
	// Topics without partitions are left out: they have no answer either.
	theirs.Topics = slices.DeleteFunc(theirs.Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) == 0 })
	for i := range theirs.Topics {
		theirs.Topics[i].UnknownTags = kmsg.Tags{}
		for j := range theirs.Topics[i].Partitions {
			theirs.Topics[i].Partitions[j].UnknownTags = kmsg.Tags{}
		}
	}
	if got, want := back.AppendTo(nil), theirs.AppendTo(nil); !bytes.Equal(got, want) {
		t.Fatalf("v%d decoded differently\n got %x\nwant %x", version, got, want)
	}
}

func FuzzDecodeProduce(f *testing.F) {
	for v := int16(3); v <= 13; v++ {
		req := produceOf(1, "topic", 1, 4, plainBatch())
		req.SetVersion(v)
		f.Add(v, req.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 3 || version > 13 {
			return
		}
		compareProduce(t, version, body)
	})
}

func BenchmarkProduceDecode(b *testing.B) {
	req := produceOf(-1, "topic", 1, 4, plainBatch())
	req.SetVersion(12)
	body := req.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeProduce(12, body, 1000); err != nil {
			b.Fatal(err)
		}
	}
}

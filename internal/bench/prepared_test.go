package bench

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// What prepared producers send, a client that knows nothing of it reads.
func TestPreparedBatchesAreReadByAClient(t *testing.T) {
	for _, codec := range []record.Codec{record.None, record.Lz4} {
		o := cluster(t)
		o.Prepared, o.Codec, o.BatchBytes, o.Compressible = true, codec, 5000, 0.5
		o.Records = 4400 // two producers, 44 records to a batch, three partitions to a request
		res, err := Produce(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := res.Produced
		if p.Records == 0 || p.Records > 4400 || p.Records%44 != 0 || p.Bytes != 100*p.Records || p.Latency.Count != p.Records {
			t.Errorf("%v: produced %+v", codec, p)
		}
		o.Records, o.Prepared = 0, false
		res, err = Consume(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c := res.Consumed; c.Records != p.Records || c.Bytes != p.Bytes {
			t.Errorf("%v: produced %+v, consumed %+v", codec, p, c)
		}
	}
}

func TestPreparedRequestsSpreadOverPartitions(t *testing.T) {
	o := cluster(t)
	o.Prepared, o.BatchBytes, o.RequestPartitions, o.Producers = true, 1, 1, 1
	o.Records = 30
	if _, err := Produce(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	state, err := prepareTopic(t.Context(), &o, false)
	if err != nil {
		t.Fatal(err)
	}
	for partition, end := range state.ends {
		if end != 10 {
			t.Errorf("partition %d ends at %d, want 10", partition, end)
		}
	}
}

func TestRawReadersReadEverythingEach(t *testing.T) {
	o := cluster(t)
	if _, err := Produce(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	for _, raw := range []bool{true, false} {
		all := o
		all.Records, all.Raw, all.FanOut = 0, raw, true
		res, err := Consume(t.Context(), all, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.Consumed.Records != 10_000 {
			t.Errorf("raw %v: two readers of 5000 records read %d", raw, res.Consumed.Records)
		}
	}
}

func TestNewestAreReadAgainAndAgain(t *testing.T) {
	o := cluster(t)
	if _, err := Produce(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	o.Records, o.Raw, o.Newest, o.Duration = 0, true, 10, 300*time.Millisecond
	res, err := Consume(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Consumed.Records <= 5000 {
		t.Errorf("read only %d records", res.Consumed.Records)
	}
}

func TestOneAtATimeHasOneUnderWay(t *testing.T) {
	o := cluster(t)
	o.Records, o.OneAtATime, o.Producers, o.Consumers, o.Linger = 50, true, 1, 1, 0
	res, err := EndToEnd(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Consumed.Records != 50 || res.Consumed.Latency.Count != 50 {
		t.Errorf("consumed %+v", res.Consumed)
	}
	// Fifty one after the other take as long as all of them together.
	if sum := res.Consumed.Latency.Mean * 50 / 1000; res.Consumed.Seconds < 0.9*sum {
		t.Errorf("%d records of %.3f ms took %.3f s: some were under way together", 50, res.Consumed.Latency.Mean, res.Consumed.Seconds)
	}
	o.Consumers = 2
	if _, err := EndToEnd(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "one producer and one consumer") {
		t.Errorf("two consumers: %v", err)
	}
}

func TestARefusedBatchEndsAPreparedRun(t *testing.T) {
	resp := kmsg.NewPtrProduceResponse()
	topic, p := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
	topic.Topic, p.Partition, p.ErrorCode = "t", 7, kerr.NotLeaderForPartition.Code
	topic.Partitions = append(topic.Partitions, p)
	resp.Topics = append(resp.Topics, topic)
	if err := produceError(resp); err == nil || !strings.Contains(err.Error(), "t partition 7") {
		t.Errorf("got %v", err)
	}
	o := cluster(t)
	o.Prepared, o.RecordSize, o.BatchBytes = true, 2_000_000, 1 // larger than a batch may be
	if res, err := Produce(t.Context(), o, nil); err == nil || res.Produced.Records != 0 {
		t.Errorf("err %v, result %+v", err, res.Produced)
	}
}

func TestRawRunsCheckWhatTheyRead(t *testing.T) {
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(1, nil, []byte("value"))
	batch := b.Build()
	r := &reading{o: &Options{}}
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches = append(append([]byte{}, batch...), batch[:20]...) // the second one is cut
	var at int64
	if n, size, err := r.takeBatches(&part, &at); err != nil || n != 1 || size != int64(len(batch)) || at != 1 {
		t.Errorf("took %d records, %d bytes, next %d: %v", n, size, at, err)
	}
	part.RecordBatches[len(batch)-1] ^= 1
	if _, _, err := r.takeBatches(&part, &at); err == nil {
		t.Error("a flipped bit was not noticed")
	}
}

func TestTheProbeStartsAfterTheWarmUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startProbe(0, time.Minute)
		p.mu.Lock()
		p.self.cpuSeconds = -1000 // as if a thousand seconds were used before
		p.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		var r Result
		r.usage(p, 0)
		if r.ClientCPU > 500 {
			t.Errorf("the run is charged %.0f s that were used in its warm-up", r.ClientCPU)
		}
	})
}

package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/vfs"
)

func cluster(t *testing.T) Options {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Options{
		Brokers: c.ListenAddrs(), Topic: "b", Partitions: 3, Replicas: 1, Producers: 2, Consumers: 2,
		Records: 5000, RecordSize: 100, Acks: "all", BatchBytes: 100_000, Linger: time.Millisecond,
	}
}

func TestProduceThenConsume(t *testing.T) {
	o := cluster(t)
	o.Keys = 10
	o.BrokerPID = os.Getpid()
	res, err := Produce(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := res.Produced
	if p.Records != 5000 || p.Bytes < 5000*105 || p.Errors != 0 || p.Latency.Count != 5000 || p.RecordsPerSec <= 0 {
		t.Errorf("produced %+v", p)
	}
	if l := p.Latency; l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max*1.01 {
		t.Errorf("latencies are out of order: %+v", l)
	}
	if res.Partitions != 3 || res.Broker == nil || res.Broker.RSSBytes <= 0 || res.Broker.Error != "" {
		t.Errorf("result %+v, broker %+v", res, res.Broker)
	}
	for _, group := range []string{"", "g"} {
		o.Group = group
		res, err := Consume(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c := res.Consumed; c.Records < 5000 || c.Bytes < p.Bytes {
			t.Errorf("group %q consumed %+v", group, c)
		}
	}
}

func TestEndToEndReadsEveryRecord(t *testing.T) {
	o := cluster(t)
	o.Records, o.Rate, o.RecordSize = 600, 3000, 4
	if _, err := Produce(t.Context(), o, nil); err != nil { // not to be mistaken for the run's own
		t.Fatal(err)
	}
	res, err := EndToEnd(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Consumed.Records != 600 || res.Produced.Records != 600 || res.Consumed.Bytes != 600*stampSize {
		t.Errorf("produced %+v, consumed %+v", res.Produced, res.Consumed)
	}
	if s := res.Produced.Seconds; s < 0.19 {
		t.Errorf("600 records at 3000 per second took %.3f s", s)
	}
	if res.Consumed.Latency.Count != 600 {
		t.Errorf("latencies %+v", res.Consumed.Latency)
	}
}

func TestConsumeOfAnEmptyTopicSaysWhatToDo(t *testing.T) {
	o := cluster(t)
	if _, err := prepareTopic(t.Context(), &o, true); err != nil {
		t.Fatal(err)
	}
	if _, err := Consume(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "milena bench produce --topic b") {
		t.Errorf("got %v", err)
	}
}

func TestProduceStopsAtTheFirstError(t *testing.T) {
	o := cluster(t)
	o.ClientOptions = []kgo.Opt{kgo.RecordRetries(1), kgo.RecordDeliveryTimeout(time.Second)}
	o.RecordSize = 2_000_000 // larger than a batch may be
	if _, err := Produce(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "producing") {
		t.Errorf("got %v", err)
	}
}

func TestPacerChargesForDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := pacer{start: start, interval: 10 * time.Millisecond}
		due, _ := p.wait(t.Context(), 3)
		if due != start.Add(30*time.Millisecond) || time.Now() != due {
			t.Errorf("record 3 is due after %v, now %v", due.Sub(start), time.Since(start))
		}
		time.Sleep(time.Second) // the server stalls: bubble time, not real time
		due, _ = p.wait(t.Context(), 4)
		if due != start.Add(40*time.Millisecond) || time.Since(start) != 1030*time.Millisecond {
			t.Errorf("record 4 was due after %v, now %v", due.Sub(start), time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok := p.wait(ctx, 1000); ok {
			t.Error("a cancelled wait must say so")
		}
	})
}

func TestWarmupIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(time.Second)
		early := time.Now()
		time.Sleep(2 * time.Second)
		m.count(early, 10) // sent in the warm-up, confirmed after it
		m.count(time.Now().Add(-5*time.Millisecond), 10)
		got := m.finish()
		if got.Records != 1 || got.Bytes != 10 || got.Seconds != 1 {
			t.Errorf("got %+v", got)
		}
		if l := got.Latency; l.Count != 1 || l.Max < 4.99 || l.Max > 5.01 {
			t.Errorf("latency %+v", l)
		}
	})
}

// A run whose records were all due before the end of the warm-up is no result.
func TestARunThatMeasuredNothingSaysSo(t *testing.T) {
	for _, c := range []struct {
		r     Result
		empty bool
	}{
		{Result{}, true},
		{Result{Produced: &Throughput{}, Consumed: &Throughput{}}, true},
		{Result{Produced: &Throughput{Records: 1}, Consumed: &Throughput{}}, false},
		{Result{Consumed: &Throughput{Records: 1}}, false},
	} {
		if c.r.Empty() != c.empty {
			t.Errorf("%+v: %v", c.r, c.r.Empty())
		}
	}
}

func TestProgressIsReportedPerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(0)
		ctx, cancel := context.WithCancel(t.Context())
		var got []Progress
		go m.watch(ctx, time.Second, func() float64 { return 0.5 }, func(p Progress) { got = append(got, p) })
		for range 2 {
			for range 100 {
				m.count(time.Now(), 1000)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		if len(got) != 2 || got[1].Rate != 100 || got[1].Records != 200 || got[1].MBRate != 0.1 || got[1].Latency.Count != 100 {
			t.Errorf("got %+v", got)
		}
		if total := m.finish(); total.Latency.Count != 200 {
			t.Errorf("draining lost latencies: %+v", total)
		}
	})
}

func TestPayloadCompressesAsAsked(t *testing.T) {
	size := func(share float64) int {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		o := Options{RecordSize: 1000, Compressible: share}
		_, _ = w.Write(makePayload(&o))
		_ = w.Close()
		return out.Len()
	}
	if full, half := size(0), size(0.5); full < 1<<20 || half > 600_000 || half < 500_000 {
		t.Errorf("1 MiB compresses to %d without and %d with half filler", full, half)
	}
}

func TestCalibrate(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	c, err := Calibrate(fs, "/d")
	if err != nil {
		t.Fatal(err)
	}
	if c.CopyGBPerSec <= 0 || c.CRC32CPerSec <= 0 || c.LoopbackMBps <= 0 || c.LoopbackRTTUs <= 0 || c.SyncMs < 0 {
		t.Errorf("got %+v", c)
	}
	if left, _ := fs.List("/d"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := Calibrate(fs, "/missing"); err == nil {
		t.Error("a directory that does not exist must be reported")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Topic: "t", Producers: 1, Consumers: 1}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Options){
		"topic": func(o *Options) { o.Topic = "" }, "producer": func(o *Options) { o.Producers = 0 }, "size": func(o *Options) { o.RecordSize = -1 },
		"records": func(o *Options) { o.Records = -1 }, "duration": func(o *Options) { o.Duration = -1 }, "warm-up": func(o *Options) { o.Warmup = -1 },
		"rate": func(o *Options) { o.Rate = -1 }, "share": func(o *Options) { o.Compressible = 2 },
	} {
		o := good
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	o := good
	o.Acks = "some"
	if _, err := o.producerOptions(); err == nil {
		t.Error("acks=some was accepted")
	}
}

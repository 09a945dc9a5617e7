package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	kills   = flag.Int("kills", 5, "how often the server is killed")
	seed    = flag.Uint64("seed", 1, "seed of the moments of death")
	writers = flag.Int("writers", 3, "concurrent producers, at most 10")
)

// TestKillNineLosesNothing is the first promise: whatever was acknowledged with
// acks=all is there after every kill -9, once, in order, at its offset, and what
// a group committed never goes back.
func TestKillNineLosesNothing(t *testing.T) {
	t.Logf("-seed %d -kills %d", *seed, *kills)
	rng := rand.New(rand.NewPCG(*seed, 0))
	// Small segments, so that rolling, snapshots and the index of a segment that
	// was never closed are in play at every kill.
	// Compaction, retention and the removal of files are as busy as the clients.
	server := newProcess(t, "--set", "log.segment.bytes=1048576", "--set", "log.retention.check.interval.ms=50",
		"--set", "log.roll.ms=200", "--set", "log.cleaner.backoff.ms=20", "--set", "log.cleaner.min.cleanable.ratio=0.01",
		"--set", "log.segment.delete.delay.ms=50", "--set", "group.initial.rebalance.delay.ms=0",
		"--set", "log.flush.offset.checkpoint.interval.ms=100", "--set", "metadata.log.max.record.bytes.between.snapshots=20000")
	server.start()

	const topic = "crash"
	cl, err := kgo.NewClient(patient(server.address, kgo.RetryTimeout(10*time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}, "final"); err != nil {
		t.Fatalf("%v\n%s", err, server.tail())
	}
	if _, err := adm.CreateTopic(t.Context(), 3, 1, nil, topic); err != nil {
		t.Fatalf("%v\n%s", err, server.tail())
	}

	l := newLedger()
	writing, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for id := range *writers {
		wg.Go(func() { l.writer(writing, t, server.address, topic, id) })
	}
	group := &reader{address: server.address, topic: topic, group: "readers", seen: map[string]bool{}}
	wg.Go(func() { group.run(writing, t) })
	topics := &churner{adm: adm, state: map[string]string{}}
	wg.Go(func() { topics.run(writing) })
	final := &compacted{topic: "final", acked: map[string]int{}}
	wg.Go(func() { final.run(writing, t, server.address) })
	c := &committer{adm: adm, topic: topic, group: "committer"}
	var slowest time.Duration
	for n := range *kills {
		if n%2 == 0 {
			if err := l.awaitMore(); err != nil {
				t.Errorf("%v\n%s", err, server.tail())
				break
			}
		}
		life, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(270))*time.Millisecond)
		c.commitFor(life)
		cancel()
		server.kill()
		for range rng.IntN(3) {
			server.dieYoung(time.Duration(rng.IntN(30_000)) * time.Microsecond)
		}
		slowest = max(slowest, server.start())
		checking, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := c.check(checking); err != nil {
			t.Errorf("%v\n%s", err, server.tail())
		}
		cancel()
		if t.Failed() {
			break
		}
	}
	stop()
	wg.Wait()
	reading, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	records, err := readAll(reading, server.address, topic)
	if err != nil {
		t.Errorf("%v\n%s", err, server.tail())
	}
	errs := l.audit(records)
	errs = append(errs, group.finish(reading, records)...)
	errs = append(errs, topics.audit(reading)...)
	errs = append(errs, final.audit(reading, server.address)...)
	for _, err := range errs[:min(len(errs), 20)] {
		t.Error(err)
	}
	t.Logf("%d kills, %d values sent, %d acknowledged, %d records read, slowest start %v, committed %d, %d topics",
		*kills, l.sent.Load(), len(l.acked), len(records), slowest, c.acked, len(topics.state))
	if len(l.acked) < *kills/2 {
		t.Errorf("only %d acknowledgements: the test exercised nothing", len(l.acked))
	}
}
